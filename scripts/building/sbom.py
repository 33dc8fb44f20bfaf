"""The software bill of materials: CycloneDX 1.6, naming what is in the artefacts beside our own code."""

from __future__ import annotations

import json
import platform
import re
import uuid
from pathlib import Path
from typing import Any, Final

from scripts import cache
from scripts.building.stage import PROGRAM, commit, version

NAME: Final = f"{PROGRAM}.cdx.json"

_IN_ALL: Final = "every artefact"
_IN_NATIVE: Final = "native binaries only"


def build(output: Path) -> Path:
    """Write it to `output`; the same bytes for the same sources and Python."""
    output.mkdir(parents=True, exist_ok=True)
    target = output / NAME
    target.write_text(json.dumps(document(), indent=2) + "\n", encoding="utf-8")
    return target


def document() -> dict[str, Any]:
    """The bill as CycloneDX asks for it."""
    product = f"pkg:pypi/{PROGRAM}@{version()}"
    json5, digest = _pin("vendor/json5/requirements.txt", "json5")
    pyinstaller, _ = _pin("scripts/requirements/pyinstaller.txt", "pyinstaller")
    components = [
        _component("json5", json5, f"pkg:pypi/json5@{json5}", "Apache-2.0", _IN_ALL)
        | {"hashes": [{"alg": "SHA-256", "content": digest}]},
        _component(
            "CPython",
            platform.python_version(),
            f"pkg:generic/cpython@{platform.python_version()}",
            "PSF-2.0",
            _IN_NATIVE,
        ),
        _component(
            "PyInstaller bootloader",
            pyinstaller,
            f"pkg:pypi/pyinstaller@{pyinstaller}",
            "GPL-2.0-or-later WITH Bootloader-exception",
            _IN_NATIVE,
        ),
    ]
    subject = f"{product}#{commit()}"
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, subject)}",
        "version": 1,
        "metadata": {
            "component": {
                "type": "application",
                "bom-ref": product,
                "name": PROGRAM,
                "version": version(),
                "purl": product,
                "licenses": [{"license": {"id": "Apache-2.0"}}],
            }
        },
        "components": components,
        "dependencies": [
            {"ref": product, "dependsOn": [component["bom-ref"] for component in components]},
            *({"ref": component["bom-ref"], "dependsOn": []} for component in components),
        ],
    }


def _component(name: str, release: str, purl: str, licence: str, place: str) -> dict[str, Any]:
    return {
        "type": "library",
        "bom-ref": purl,
        "name": name,
        "version": release,
        "purl": purl,
        "licenses": [{"expression": licence}],
        "properties": [{"name": f"{PROGRAM}:contained-in", "value": place}],
    }


def _pin(file: str, name: str) -> tuple[str, str]:
    """The version that a requirements file pins, and the first hash that it accepts."""
    text = (cache.ROOT / file).read_text(encoding="utf-8")
    match = re.search(rf"^{name}==(\S+).*?--hash=sha256:([0-9a-f]{{64}})", text, re.MULTILINE | re.DOTALL)
    if match is None:
        raise ValueError(f"{file} does not pin {name}")
    return match[1], match[2]
