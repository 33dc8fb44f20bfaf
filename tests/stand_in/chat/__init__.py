"""A stand-in for an OpenAI-compatible chat service such as Sakana Fugu, on loopback.

    with chat_stand_in() as fugu:
        fugu.answer("Fine.", slot="normal-1", after=1.0)
        fugu.fail(429, slot="normal-2", retry_after="2", times=2)
        fugu.reply(faults.DROPPED, model="fugu-ultra", times=1)
        ...                                    # a client of fugu.base_url with fugu.key
        assert fugu.overlaps == []

Without a rule each question gets an answer that says which slot it was, which turn it is, and what was asked.
`ChatProcess` is the same in a process of its own, `python -m tests.stand_in.chat` that process by hand, and
`ConnectProxy` an HTTP proxy that leads to it.
"""

from __future__ import annotations

from tests.stand_in.chat import faults
from tests.stand_in.chat.bodies import ABSENT, USUAL
from tests.stand_in.chat.listening import unused_port
from tests.stand_in.chat.process import ChatProcess
from tests.stand_in.chat.proxy import ConnectProxy
from tests.stand_in.chat.received import Received
from tests.stand_in.chat.reply import Reply
from tests.stand_in.chat.service import KEY, MODELS, ChatStandIn, chat_stand_in

__all__ = [
    "ABSENT",
    "KEY",
    "MODELS",
    "USUAL",
    "ChatProcess",
    "ChatStandIn",
    "ConnectProxy",
    "Received",
    "Reply",
    "chat_stand_in",
    "faults",
    "unused_port",
]
