"""What `init` needs to know, from options, from a workspace that is there already, or from questions."""

from __future__ import annotations

import os
import re
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Sequence

from foundation.errors import Refusal, Where
from foundation.files import reading
from foundation.host import Host
from foundation.terminal.prompts import Option
from sovereigncode import gateway_provider as provider
from sovereigncode.core.words import Sensitivity
from sovereigncode.ui.questions import Questions
from sovereigncode.workspace import Workspace

JURISDICTION: Final = "NZ"
PURPOSES: Final = ("software_engineering", "code_review")
TENANT: Final = "local"
_KEY_BYTES: Final = 4096
_IDENTIFIER: Final = re.compile(r"[A-Za-z0-9._:-]{1,128}")
_MEANINGS: Final = {
    Sensitivity.PUBLIC: "anybody may have it",
    Sensitivity.INTERNAL: "for this organisation",
    Sensitivity.RESTRICTED: "only for models of this organisation, or of a provider in the jurisdiction",
    Sensitivity.PERSONAL: "about people",
    Sensitivity.HEALTH: "about people's health",
    Sensitivity.IWI: "held by an iwi",
    Sensitivity.TAONGA: "a taonga: treasured, and not for others to decide about",
}


@dataclass(frozen=True)
class Options:
    """What the command line gave; None and empty: not given."""

    sensitivity: str | None
    jurisdiction: str | None
    purposes: tuple[str, ...]
    tenant: str | None
    key_file: str | None


@dataclass(frozen=True)
class Answers:
    """Everything that is decided before anything is planned; `key` is a reference, never the key."""

    capsule_id: str
    sensitivity: str
    jurisdiction: str
    purposes: tuple[str, ...]
    tenant: str
    key: str


def gather(options: Options, workspace: Workspace, questions: Questions, host: Host) -> Answers:
    """Ask what no option gives. A workspace that is there answers what it says itself.

    Raises Refusal usage_error for an answer that cannot be used.
    """
    capsule, policy = workspace.capsule, workspace.policy
    key = provider.KEY if options.key_file is None else _key_reference(options.key_file, host)
    for name, value in (("jurisdiction", options.jurisdiction), ("tenant", options.tenant)):
        _require(name, value)
    for purpose in options.purposes:
        _require("purpose", purpose)
    sensitivity = options.sensitivity or (capsule.sensitivity.value if capsule else None)
    jurisdiction = options.jurisdiction or (capsule.jurisdiction if capsule else None)
    purposes = options.purposes or (tuple(sorted(capsule.allowed_purposes or ())) if capsule else ())
    tenant = policy.tenant if policy else options.tenant or (TENANT if capsule else None)
    if policy is not None and options.tenant not in (None, policy.tenant):
        raise Refusal(
            "usage_error",
            "this workspace's policy belongs to another tenant than --tenant says",
            where=Where(str(workspace.folder / "tenant-policy.yaml")),
            next_step="leave --tenant out, or change the tenant in that file",
        )
    return Answers(
        capsule_id=capsule.capsule_id if capsule else _new_id(workspace.root),
        sensitivity=sensitivity or _sensitivity(questions),
        jurisdiction=jurisdiction
        or questions.text("jurisdiction", "Which region's law counts?", JURISDICTION, _checked),
        purposes=purposes or (() if capsule else _purposes(questions)),
        tenant=tenant or questions.text("tenant", "Whose policy is this?", TENANT, _checked),
        key=key,
    )


def _sensitivity(questions: Questions) -> str:
    options = tuple(Option(one.value, one.value, meaning) for one, meaning in _MEANINGS.items())
    return questions.choose(
        "sensitivity", "What is the data in this folder?", options, "internal", "most source code"
    )


def _purposes(questions: Questions) -> tuple[str, ...]:
    def check(text: str) -> str | None:
        return next(filter(None, map(_checked, _split(text))), None)

    title = "What may requests be for? Separate several with commas."
    return _split(questions.text("purpose", title, ", ".join(PURPOSES), check))


def _split(text: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(part.strip() for part in text.split(",") if part.strip()))


def _checked(text: str) -> str | None:
    if _IDENTIFIER.fullmatch(text):
        return None
    return "Please use letters, digits, dots, colons, underscores and hyphens, at most 128."


def _require(name: str, value: str | None) -> None:
    if value is not None and _checked(value) is not None:
        raise Refusal(
            "usage_error",
            f"invalid value for --{name}",
            next_step="use letters, digits, dots, colons, underscores and hyphens, at most 128",
        )


def _new_id(root: Path) -> str:
    name = re.sub(r"[^A-Za-z0-9._-]+", "-", root.name).strip("-.")[:64] or "workspace"
    return f"{name}-{secrets.token_hex(4)}"


def _key_reference(name: str, host: Host) -> str:
    """`{file:…}` for a file that can be read: opencode does not start with a config that names another."""
    named = host.home / name[2:] if name.startswith("~/") else host.cwd / name
    path = Path(os.path.normpath(named))
    if "}" in str(path):
        raise Refusal(
            "usage_error",
            "--key-file names a file with a closing brace in its path, which opencode cannot read",
            next_step="move the file to a path without braces",
        )
    file = reading.read_snapshot(path, limit=_KEY_BYTES)
    if not (file.data or b"").strip():
        raise Refusal(
            "usage_error",
            "--key-file names no file with a key in it",
            where=Where(str(path)),
            next_step="store the key that `marama-route key create` printed in a file, and name that",
        )
    inner = path.relative_to(host.home).as_posix() if path.is_relative_to(host.home) else None
    return f"{{file:~/{inner}}}" if inner else f"{{file:{path}}}"


def purposes_of(answers: Answers) -> Sequence[str]:
    """The purposes for a new policy."""
    return answers.purposes or PURPOSES
