"""An opencode that resolves configs and starts in no time, for what is about our own words and screens.

It merges as `layers.merge` does, which tests/e2e holds to the real one, arrangement by arrangement.
"""

from __future__ import annotations

import sys
from typing import Final

from scripts.lib import opencode_versions
from tests.support.machine import ROOT, Machine

_PROGRAM: Final = """\
#!{python}
import json, sys
from pathlib import Path
sys.path.insert(0, {root!r})
from gonkagate_setup.catalog import GONKAGATE
from opencode_config.layers import merge
from opencode_config.places import Environment
from foundation import host
from opencode_config.program.surveying import take_survey
if "--version" in sys.argv:
    print({version!r})
    sys.exit(0)
survey = take_survey(host.current(GONKAGATE.hidden), Path.cwd(), GONKAGATE.id)
config = merge(survey.layers(Environment.SESSION))
if "config" in sys.argv:
    print(json.dumps(config))
    sys.exit(0)
asked = next((word for word in sys.argv[2:] if not word.startswith("-")), None)
offered = []
for name, provider in config.get("provider", {{}}).items():
    if name not in config.get("enabled_providers", [name]) or name in config.get("disabled_providers", []):
        continue
    for key, model in provider.get("models", {{}}).items():
        listed = key in provider.get("whitelist", [key]) and key not in provider.get("blacklist", [])
        if listed and model.get("status") not in ("deprecated", "alpha") and asked in (None, name):
            offered.append(name + "/" + key)
if asked and not offered:
    print("Error: Provider not found: " + asked, file=sys.stderr)
    sys.exit(1)
print(*offered, sep="\\n")
"""


def resolving_opencode(machine: Machine) -> None:
    """Put it on that machine's PATH in place of the real one."""
    machine.use_opencode(None)
    path = machine.bin / "opencode"
    version = opencode_versions.NEWEST
    path.write_text(_PROGRAM.format(python=sys.executable, root=str(ROOT), version=version), encoding="utf-8")
    path.chmod(0o755)
