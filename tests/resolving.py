"""An opencode that resolves configs and starts in no time, for what is about our own words and screens.

It merges as core/layers.py does, which tests/e2e holds to the real one, arrangement by arrangement.
"""

from __future__ import annotations

import sys
from typing import Final

from scripts import opencode_versions
from tests.machine import ROOT, Machine

_PROGRAM: Final = """\
#!{python}
import json, sys
from pathlib import Path
sys.path.insert(0, {root!r})
from gonkagate_setup.core.catalog import GONKAGATE
from gonkagate_setup.core.layers import merge
from gonkagate_setup.core.places import Environment
from gonkagate_setup.system import host
from gonkagate_setup.system.survey import take_survey
if "--version" in sys.argv:
    print({version!r})
    sys.exit(0)
survey = take_survey(host.current(), Path.cwd(), GONKAGATE)
config = merge(survey.layers(Environment.SESSION))
if "config" in sys.argv:
    print(json.dumps(config))
    sys.exit(0)
if "gonkagate" in config.get("disabled_providers", []):
    print("Error: Provider not found: gonkagate", file=sys.stderr)
    sys.exit(1)
for key in config["provider"]["gonkagate"]["models"]:
    print("gonkagate/" + key)
"""


def resolving_opencode(machine: Machine) -> None:
    """Put it on that machine's PATH in place of the real one."""
    machine.use_opencode(None)
    path = machine.bin / "opencode"
    version = opencode_versions.NEWEST
    path.write_text(_PROGRAM.format(python=sys.executable, root=str(ROOT), version=version), encoding="utf-8")
    path.chmod(0o755)
