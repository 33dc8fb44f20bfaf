"""Test catalogues of later releases, in which models move to the `responses` transport, and back.

    python -m tests.support.migrating CATALOGUE ARGUMENT ...

runs the product with one of them. The shipped catalogue claims nothing of it.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import Final
from unittest import mock

from gonkagate_setup import cli
from gonkagate_setup.catalog import GONKAGATE, Model, Profile, Retired, Transport

OPENAI: Final = "@ai-sdk/openai"
MOVED: Final = "minimax-m2.7"


def _speaks_responses(model: Model) -> Model:
    return replace(model, transport=Transport.RESPONSES, adapter=OPENAI)


# What the release with ONE_MODEL wrote, and what each release after it has to take away again.
_RETIRED: Final = Retired(
    path=("provider", "gonkagate", "models", MOVED, "provider", "npm"), value=OPENAI, release="the rehearsal"
)
ONE_MODEL: Final = replace(
    GONKAGATE,
    models=tuple(_speaks_responses(model) if model.key == MOVED else model for model in GONKAGATE.models),
)
WHOLE_PROVIDER: Final = replace(
    GONKAGATE,
    adapter=OPENAI,
    transport=Transport.RESPONSES,
    models=tuple(_speaks_responses(model) for model in GONKAGATE.models),
    retired=(*GONKAGATE.retired, _RETIRED),
)
BACK_AGAIN: Final = replace(GONKAGATE, retired=(*GONKAGATE.retired, _RETIRED))
ONE_MODEL_AGAIN: Final = replace(ONE_MODEL, retired=(*GONKAGATE.retired, _RETIRED))

CATALOGUES: Final[dict[str, Profile]] = {
    "one-model": ONE_MODEL,
    "whole-provider": WHOLE_PROVIDER,
    "back-again": BACK_AGAIN,
    "forgotten": GONKAGATE,
}


def main(arguments: list[str]) -> int:
    """Run the command line with that catalogue."""
    with mock.patch.object(cli, "GONKAGATE", CATALOGUES[arguments[0]]):
        return cli.main(arguments[1:])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
