"""A new key that can be shown: what is printed is cleaned of what looks like somebody else's key."""

from __future__ import annotations

import secrets

from foundation.secrets import Secret
from foundation.secrets.scrub import scrub
from marama_route.core import keys


def new() -> Secret:
    """A key of the gateway. About one in thirty thousand contains `gp-`, and would be masked."""
    while True:
        made = keys.made(secrets.token_bytes(keys.RANDOM_BYTES))
        if scrub(made.reveal()) == made.reveal():
            return made
