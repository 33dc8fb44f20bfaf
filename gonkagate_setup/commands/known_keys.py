"""The keys that a run can come across, masked from its start so that none of them is printed."""

from __future__ import annotations

from contextlib import suppress

from foundation.errors import Refusal
from foundation.host import Host
from foundation.secrets import Secret
from foundation.terminal.terminal import Terminal
from gonkagate_setup import credential
from gonkagate_setup.store import Store


def keys(store: Store, host: Host, terminal: Terminal) -> tuple[Secret, ...]:
    """The stored key and the one in the environment, which the terminal masks from now on.

    Never raises: what is wrong with either is reported when it is used.
    """
    found = []
    with suppress(Refusal):
        stored = credential.read_stored(store, host)
        if stored is not None and stored.secret is not None:
            found.append(stored.secret)
    with suppress(Refusal):
        found.append(credential.parse_key(host.environ.get(store.profile.key_variable, ""), store.profile))
    for secret in found:
        terminal.guard(secret)
    return tuple(found)
