"""The product with one more model as validated: how a candidate gets the set-up that is to be judged.

python -m scripts.validating.product KEY ARGUMENT ...
"""

from __future__ import annotations

import sys
from dataclasses import replace
from unittest import mock

from gonkagate_setup import cli
from gonkagate_setup.catalog import GONKAGATE, Profile, Status


def with_validated(profile: Profile, key: str) -> Profile:
    """The profile with that model offered; the same one for a model that is validated already."""
    return replace(
        profile,
        models=tuple(
            replace(model, status=Status.VALIDATED) if model.key == key else model for model in profile.models
        ),
    )


def main(arguments: list[str]) -> int:
    """Run the command line with that catalogue."""
    key, *rest = arguments
    with mock.patch.object(cli, "GONKAGATE", with_validated(GONKAGATE, key)):
        return cli.main(rest)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
