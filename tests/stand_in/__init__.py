"""A stand-in for the GonkaGate service, for tests, the demo and the benchmark; the product never names it.

`StandIn` listens on loopback only. Programs reach it as `api.gonkagate.com` through `HTTPS_PROXY` and a
test certificate authority (`StandIn.environment`), so that a config with the real base URL runs unchanged.
Its answers are scripted (`script.py`): it shows the wiring, not a model.
"""

from __future__ import annotations

from tests.stand_in.authority import Authority
from tests.stand_in.protocol import MODELS, Answerer
from tests.stand_in.records import Exchange, Fault, RefusedError, Request, Tunnel
from tests.stand_in.service import COMPLETIONS, HOST, StandIn

__all__ = [
    "COMPLETIONS",
    "HOST",
    "MODELS",
    "Answerer",
    "Authority",
    "Exchange",
    "Fault",
    "RefusedError",
    "Request",
    "StandIn",
    "Tunnel",
]
