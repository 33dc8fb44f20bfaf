"""What git tracks holds no key, no path of one machine and no registry host; no test is skipped silently."""

from __future__ import annotations

import ast
import re
import subprocess
from pathlib import Path

import pytest

from tests.support.sources import PACKAGES, ROOT

# Put together here, so that this file does not hold what it forbids.
REGISTRIES = tuple(".".join(parts) for parts in (
    ("registry", "npmjs", "org"), ("registry", "yarnpkg", "com"), ("files", "pythonhosted", "org"),
    ("pypi", "org"), ("proxy", "golang", "org"), ("index", "crates", "io"),
))  # fmt: skip
MACHINE = re.compile("|".join("/" + place for place in (r"work/(main|shared|\.)", r"root/", r"tmp/oc\b")))
# A real key is random: it has digits; what tests make up is told apart by that.
KEY = re.compile(
    r"\b(gp-(?=[A-Za-z]*\d)[A-Za-z0-9]{16,}|sk-[A-Za-z0-9]{20,}|gh[pousr]_[A-Za-z0-9]{20,}|AKIA[0-9A-Z]{16})"
)
PRIVATE = re.compile("-----BEGIN [A-Z ]*PRIVATE " + "KEY-----")


def tracked() -> list[tuple[str, str]]:
    if not (ROOT / ".git").exists():
        pytest.skip("not a git checkout, so nothing is tracked")
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout
    names = [name for name in listed.decode().split("\0") if name and (ROOT / name).is_file()]
    assert len(names) > 20
    return [(name, (ROOT / name).read_bytes().decode("utf-8", "replace")) for name in names]


def test_no_machine_path_no_registry_host_no_key() -> None:
    wrong = []
    for name, text in tracked():
        wrong += [f"{name}: {host}" for host in REGISTRIES if host in text]
        for pattern in (MACHINE, KEY, PRIVATE):
            wrong += [f"{name}: {match[0]}" for match in pattern.finditer(text)]
    assert wrong == []


def test_nothing_that_is_made_is_tracked() -> None:
    made = re.compile(r"(^|/)(__pycache__|node_modules|dist|\.cache|\.venv)/|\.(pyc|pyz|whl|exe)$")
    assert [name for name, _ in tracked() if made.search(name)] == []


def test_no_unfinished_work() -> None:
    words = re.compile(r"\b(TODO|FIXME|XXX|HACK|" + "NotImplemented" + r"Error)\b")
    code = [(name, text) for name, text in tracked() if name.endswith((".py", ".sh", ".md", ".toml"))]
    here = Path(__file__).relative_to(ROOT).as_posix()
    assert [name for name, text in code if name != here and words.search(text)] == []


def test_the_product_names_no_part_of_the_test_rig() -> None:
    rig = re.compile(r"\bstand_in\b|StandIn|HTTPS_PROXY|NODE_EXTRA_CA_CERTS|trustme|GONKAGATE_SETUP_CACHE")
    product = [
        (name, text)
        for name, text in tracked()
        if name.split("/")[0] in PACKAGES
        and "/_vendor/" not in name
        # verify --live goes through the proxies and certificates that a person set for opencode.
        and name not in ("gonkagate_setup/gateway.py", "foundation/https.py")
        # So does a chat service, and next steps name these variables.
        and name not in ("overlord/service/connection.py", "overlord/commands/preflight.py")
        # The manual page names every variable that counts.
        and name != "gonkagate_setup/command_line/self_description.py"
    ]
    assert product
    wrong = [f"{name}: {match[0]}" for name, text in product for match in rig.finditer(text)]
    assert wrong == []


@pytest.mark.parametrize("path", sorted((ROOT / "tests").rglob("*.py")), ids=lambda path: path.name)
def test_every_skip_says_why(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        name = ast.unparse(node.func) if isinstance(node, ast.Call) else ""
        if name in {"pytest.skip", "pytest.fail", "pytest.xfail"}:
            assert isinstance(node, ast.Call)
            assert node.args or node.keywords, f"{path}:{node.lineno}"
        if name in {"pytest.mark.skip", "pytest.mark.skipif", "pytest.mark.xfail", "pytest.importorskip"}:
            assert isinstance(node, ast.Call)
            reasons = [keyword.value for keyword in node.keywords if keyword.arg == "reason"]
            assert reasons, f"{path}:{node.lineno}: {name} without a reason"
        bare = isinstance(node, ast.Attribute) and ast.unparse(node) in {
            "pytest.mark.skip",
            "pytest.mark.xfail",
        }
        assert not bare or f"{ast.unparse(node)}(" in path.read_text(encoding="utf-8"), f"{path}: bare marker"
