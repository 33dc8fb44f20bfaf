"""How every refusal looks: one message, the right status and code, nothing changed, nothing left behind."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any, Final

from tests.support.machine import Machine

# opencode's own doing whenever it starts (docs/opencode-facts.md#the-schema-line): not ours to undo.
_OPENCODES: Final = (".cache/opencode", ".local/share/opencode", ".local/state/opencode")
# A folder that opencode makes, and libraries that Bun unpacks and leaves when it is killed.
_OPENCODES_TEMPORARY: Final = re.compile(r"opencode$|\.[0-9a-f]{16}-[0-9a-f]{8}\.so$")


def ours(machine: Machine) -> dict[str, tuple[str, bytes]]:
    """Modes and bytes of everything that a refused setup must leave alone."""
    tree = machine.tree(machine.home, machine.project, machine.elsewhere)
    kept = {}
    for path, entry in tree.items():
        relative = Path(path).relative_to(machine.root).as_posix()
        own = any(f"home/{folder}" in relative for folder in _OPENCODES) or relative in {
            "home/.cache",
            "home/.local",
            "home/.local/share",
            "home/.local/state",
        }
        if not own:
            kept[relative] = entry
    return kept


def refused(
    machine: Machine,
    *arguments: str,
    status: int,
    code: str,
    says: tuple[str, ...] = (),
    never: tuple[str, ...] = (),
    **how: Any,
) -> dict[str, Any]:
    """Run the refused command as text and with --json; the JSON object is returned.

    `says` has what the message, its place or the next step must contain; `never` what must not show up.
    """
    before = ours(machine)
    text = machine.run_setup(*arguments, **how)
    assert text.status == status, text.output
    assert text.stdout == "", text.output
    lines = text.stderr.splitlines()
    assert [line.split(" ")[0] for line in lines if line.startswith(("error:", "next:"))] == [
        "error:",
        "next:",
    ]
    assert "Traceback" not in text.stderr
    structured = machine.run_setup(*arguments, "--json", **how)
    assert structured.status == status, structured.output
    assert structured.stderr == "", structured.output
    report = structured.json
    assert (report["ok"], report["status"], report["errorCode"]) == (False, "failed", code)
    assert report["exitStatus"] == status
    assert report["message"]
    assert report["nextStep"]
    for part in says:
        assert part in text.stderr, text.output
        assert part in structured.stdout, structured.output
    for part in never:
        assert part not in text.stderr + structured.stdout
    assert ours(machine) == before
    assert not [path.name for path in machine.temp.iterdir() if not _OPENCODES_TEMPORARY.match(path.name)]
    return report


def fake_opencode(machine: Machine, code: str) -> None:
    """Put a program on PATH as `opencode` that does what no real one can be made to do."""
    machine.use_opencode(None)
    path = machine.bin / "opencode"
    path.write_text(f"#!{sys.executable}\nimport sys, time\n{code}\n", encoding="utf-8")
    path.chmod(0o755)
