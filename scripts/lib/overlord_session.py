"""The session in docs/overlord.md: real commands on a pseudo-terminal, against the chat stand-in.

scripts/write_docs.py writes it. What differs from one run to the next is replaced: the run's id, the folder.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final, Mapping

from scripts.lib.cache import ROOT

if TYPE_CHECKING:
    from tests.stand_in.chat.process import ChatProcess

PAGE: Final = ROOT / "docs" / "overlord.md"
_BLOCK: Final = re.compile(r"(<!-- session -->\n```console\n).*?(```\n)", re.DOTALL)
_RUN: Final = re.compile(r"run-\d{8}T\d{6}Z-[0-9a-f]{6}")
_SHOWN_RUN: Final = "run-20261127T113800Z-4f2a9c"
_SHOWN_FOLDER: Final = "/home/ada/shop"
_QUESTION: Final = "Where does the lock order break?"
_COMMANDS: Final = (
    ("start", "--normal", "2", "--assignment", "Advise on the locks of this shop."),
    ("send", "all", _QUESTION),
    ("status",),
    ("retry",),
    ("send", "normals", "Which test would show it?", "--then", "ultra"),
    ("stop",),
)
_TIMEOUT_MS: Final = "7000"


def page(text: str) -> str:
    """The page with a session that is held now."""
    session = record()
    filled, count = _BLOCK.subn(lambda match: f"{match[1]}{session}{match[2]}", text)
    if count != 1:
        raise ValueError(f"the page has {count} places for the session")
    return filled


def without_times(text: str) -> str:
    """The text without what differs each time: seconds, tokens (the run's id has some), and the progress."""
    lines = [re.sub(r"[\d,]+ (s|tokens)\b", r"N \1", line) for line in text.splitlines()]
    return "\n".join(" ".join(line.split()) for line in lines if not line.startswith("   "))


def record() -> str:
    """Commands and what a screen shows of each; needs the tests' packages and pseudo-terminals."""
    from tests.stand_in.chat.process import ChatProcess

    with tempfile.TemporaryDirectory() as folder, ChatProcess() as service:
        root = Path(folder).resolve()
        home, shop = root / "home", root / "shop"
        home.mkdir()
        (shop / ".git").mkdir(parents=True)
        environ = {
            "HOME": str(home),
            "PATH": os.defpath,
            "PYTHONPATH": str(ROOT),
            "TERM": "xterm",
            "MMI_OVERLORD_LLM_BASE_URL": service.base_url,
            "MMI_OVERLORD_LLM_TIMEOUT_MS": _TIMEOUT_MS,
            "MMI_OVERLORD_SHELL": "posix",
            "SAKANA_API_KEY": service.key,
        }
        _program(service)
        parts = [f"$ {_typed(command)}\n{_shown(command, shop, environ)}" for command in _COMMANDS]
        return _RUN.sub(_SHOWN_RUN, "\n".join(parts)).replace(str(shop), _SHOWN_FOLDER)


def _program(service: ChatProcess) -> None:
    """What the servants answer, and after how many seconds."""
    ready = {"ultra": 1.6, "normal-1": 0.2, "normal-2": 0.9}
    answers = {
        "normal-1": (
            0.2,
            "The stock lock comes first in `checkout`,\nand the cart lock in `refund`.",
        ),
        "normal-2": (
            0.9,
            "I would have run the two paths against each other. From the text: `refund`, line 40.",
        ),
        "ultra": (1.6, "Both are right. Take the cart lock first, everywhere."),
    }
    for slot, seconds in ready.items():
        service.answer("ACK, standing by.", after=seconds, slot=slot, times=1)
    for slot, (seconds, text) in answers.items():
        if slot == "ultra":
            service.answer(text, after=60, slot=slot, times=1)
        service.answer(text, after=seconds, slot=slot, times=1)
    service.answer("Two threads, one of each, and a timeout.", after=0.2, slot="normal-1", times=1)
    service.answer("A test that refunds while the cart is paid.", after=0.9, slot="normal-2", times=1)
    service.answer("Write the second one first: it fails today.", after=0.5, slot="ultra", times=1)


def _typed(command: tuple[str, ...]) -> str:
    return " ".join(["mmi-cli overlord", *(f'"{word}"' if " " in word else word for word in command)])


def _shown(command: tuple[str, ...], folder: Path, environ: Mapping[str, str]) -> str:
    """What a terminal shows of the command."""
    import pty

    ours, theirs = pty.openpty()
    try:
        child = subprocess.Popen(
            [sys.executable, "-m", "overlord", *command],
            cwd=folder,
            env=dict(environ),
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
        )
    finally:
        os.close(theirs)
    pieces = []
    try:
        while piece := os.read(ours, 65536):
            pieces.append(piece)
    except OSError:
        pass  # Linux's way to say that the other end is closed
    finally:
        os.close(ours)
        child.wait(timeout=60)
    return b"".join(pieces).decode().replace("\r\n", "\n")
