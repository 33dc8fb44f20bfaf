"""Bills of materials, CycloneDX 1.6: what is in an artefact besides our own code."""

from __future__ import annotations

import json
import re
import uuid
from pathlib import Path
from typing import Any, Final, Sequence

from scripts.building.stage import SETUP, Program, commit, version
from scripts.lib import cache

SUFFIX: Final = ".cdx.json"
# Of what is the same on every system: .pyz, wheel and sdist.
NAME: Final = f"{SETUP.name}{SUFFIX}"


def build(output: Path) -> Path:
    """Write the bill of the .pyz, the wheel and the sdist: the same bytes from the same sources."""
    return write(output / NAME, document(SETUP.name, []))


def write(target: Path, bill: dict[str, Any]) -> Path:
    """Write a bill; the path that it was given."""
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(text(bill))
    return target


def text(bill: dict[str, Any]) -> bytes:
    """A bill as it is written."""
    return (json.dumps(bill, indent=2) + "\n").encode()


def document(name: str, beside: Sequence[dict[str, Any]], program: Program = SETUP) -> dict[str, Any]:
    """The bill of the artefact `name` as CycloneDX asks for it: json5, and what is `beside` it."""
    product = f"pkg:pypi/{program.name}@{version(program)}"
    components = [_json5(), *beside]
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, f'{product}#{commit(program)}#{name}')}",
        "version": 1,
        "metadata": {
            "component": {
                "type": "application",
                "bom-ref": product,
                "name": name,
                "version": version(program),
                "purl": product,
                "licenses": [{"license": {"id": "Apache-2.0"}}],
            }
        },
        "components": components,
        "dependencies": [
            {"ref": product, "dependsOn": [one["bom-ref"] for one in components]},
            *({"ref": one["bom-ref"], "dependsOn": []} for one in components),
        ],
    }


def component(
    name: str, release: str | None, purl: str, licence: str | None, files: Sequence[str] = ()
) -> dict[str, Any]:
    """One library; a licence that is not known is left out, which scripts/release.py refuses."""
    made: dict[str, Any] = {"type": "library", "bom-ref": purl, "name": name, "purl": purl}
    if release:
        made["version"] = release
    if licence:
        made["licenses"] = [{"expression": licence}]
    if files:
        made["properties"] = [{"name": f"{SETUP.name}:file", "value": file} for file in files]
    return made


def bootloader() -> dict[str, Any]:
    """PyInstaller's part of every native binary."""
    release, _ = _pin("scripts/requirements/pyinstaller.txt", "pyinstaller")
    licence = "GPL-2.0-or-later WITH Bootloader-exception"
    return component("PyInstaller bootloader", release, f"pkg:pypi/pyinstaller@{release}", licence)


def parsed(text: str) -> dict[str, Any]:
    """`text` as one JSON object."""
    value = json.loads(text)
    if not isinstance(value, dict):
        raise TypeError(f"not a JSON object: {text[:60]}")
    return value


def _json5() -> dict[str, Any]:
    release, digest = _pin("vendor/json5/requirements.txt", "json5")
    made = component("json5", release, f"pkg:pypi/json5@{release}", "Apache-2.0")
    return {**made, "hashes": [{"alg": "SHA-256", "content": digest}]}


def _pin(file: str, name: str) -> tuple[str, str]:
    """The version that a requirements file pins, and the first hash that it accepts."""
    text = (cache.ROOT / file).read_text(encoding="utf-8")
    match = re.search(rf"^{name}==(\S+).*?--hash=sha256:([0-9a-f]{{64}})", text, re.MULTILINE | re.DOTALL)
    if match is None:
        raise ValueError(f"{file} does not pin {name}")
    return match[1], match[2]
