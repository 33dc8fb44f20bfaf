"""The shipped json5 is the pinned original, and differs from it in its import lines only."""

from __future__ import annotations

import base64
import csv
import hashlib
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
VENDOR = ROOT / "vendor" / "json5"
COPY = ROOT / "opencode_config" / "_vendor" / "json5"

COMMAND_LINE_TOOL = {"__main__.py", "host.py", "tool.py"}


def names(folder: Path) -> set[str]:
    return {entry.name for entry in folder.iterdir() if entry.name != "__pycache__"}


def test_the_original_is_what_the_wheel_recorded() -> None:
    with (VENDOR / "RECORD").open(encoding="utf-8", newline="") as lines:
        recorded = {name: digest for name, digest, _size in csv.reader(lines)}
    (licence,) = (name for name in recorded if name.endswith("/LICENSE"))
    originals = {f"json5/{name}": VENDOR / "json5" / name for name in names(VENDOR / "json5")}
    assert set(originals) == {name for name in recorded if name.startswith("json5/")}
    for name, path in {**originals, licence: VENDOR / "LICENSE"}.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(path.read_bytes()).digest()).decode()
        assert recorded[name] == "sha256=" + digest.rstrip("="), name


def test_the_pin_is_one_version_with_one_hash() -> None:
    pin = (VENDOR / "requirements.txt").read_text(encoding="utf-8")
    match = re.fullmatch(r"json5==([0-9.]+) --hash=sha256:[0-9a-f]{64}\n", pin)
    assert match
    assert f"__version__ = '{match[1]}'" in (COPY / "version.py").read_text(encoding="utf-8")


def test_the_copy_differs_in_its_import_lines_only() -> None:
    assert names(COPY) == names(VENDOR / "json5") - COMMAND_LINE_TOOL | {"LICENSE"}
    assert (COPY / "LICENSE").read_bytes() == (VENDOR / "LICENSE").read_bytes()
    changed = []
    for name in sorted(names(COPY) - {"LICENSE"}):
        before = (VENDOR / "json5" / name).read_text(encoding="utf-8").splitlines(keepends=True)
        after = (COPY / name).read_text(encoding="utf-8").splitlines(keepends=True)
        assert len(before) == len(after), name
        changed += [(old, new) for old, new in zip(before, after) if old != new]
    assert changed
    for old, new in changed:
        assert old.startswith("from json5."), old
        assert new == "from ." + old[len("from json5.") :]


def test_the_copy_never_touches_a_json5_of_the_user(tmp_path: Path) -> None:
    (tmp_path / "json5.py").write_text("raise SystemExit('the json5 of the user was imported')\n")
    script = (
        f"import sys; sys.path[:0] = [{str(tmp_path)!r}, {str(ROOT)!r}]\n"
        "from opencode_config._vendor import json5\n"
        "assert json5.loads('{a: 1, /* two */ b: [2,],}') == {'a': 1, 'b': [2]}\n"
        "assert 'json5' not in sys.modules\n"
    )
    done = subprocess.run([sys.executable, "-I", "-c", script], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
