"""The service that answers: the scripted stand-in, or a relay to the real one. They never mix."""

from __future__ import annotations

import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import Iterator, Mapping

from foundation.secrets import Secret
from gonkagate_setup.catalog import Model, Profile
from scripts.validating.outcome import expect
from scripts.validating.relay import Budget, relay_to
from scripts.validating.rig import Rig
from tests.stand_in import COMPLETIONS, HOST, Authority, StandIn
from tests.support.canary import Canary


class LiveKey(Canary):
    """A real key, looked for in every file of the machine in the same encodings as a test key."""

    @property
    def key(self) -> str:
        """The key as the user has it."""
        return self.first + self.second


@contextmanager
def rig(
    profile: Profile,
    model: Model,
    opencode: Path,
    seconds: float,
    live: tuple[Secret, Budget] | None = None,
    environ: Mapping[str, str] | None = None,
) -> Iterator[Rig]:
    """A rig on a temporary machine; `live` gives the key and the budget for the real service.

    Ends with WorkflowFailure if a key is anywhere but in its own file, or if the stand-in had a fault.
    """
    with tempfile.TemporaryDirectory(prefix="gonkagate-validation-") as name:
        root = Path(name).resolve()
        (root / "authority").mkdir()
        with StandIn(Authority(root / "authority", HOST)) as service:
            if live is not None:
                service.answerers = {COMPLETIONS: relay_to(HOST, live[1])}
            made = Rig(profile, model, root / "machine", service, opencode, seconds, environ)
            if live is not None:
                use_key(made, live[0])
            yield made
            leaks = made.machine.leaks()
            expect(not leaks, "the key is only in its own file", "; ".join(leaks))
            expect(not service.mishaps, "the stand-in answers without a fault of its own", service.mishaps)


def use_key(made: Rig, key: Secret) -> None:
    """Replace the machine's test key by a real one."""
    text = key.reveal()
    half = len(text) // 2
    made.machine.canaries = [LiveKey(text[:half], text[half:])]
    made.machine.key = text
    made.service.accept(text)
