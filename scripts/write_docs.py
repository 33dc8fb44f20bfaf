"""Writes or checks everything in this repository that is generated.

    python3 scripts/write_docs.py --check                       say what is out of date, change nothing
    python3 scripts/write_docs.py --write                       bring all of it up to date
    python3 scripts/write_docs.py --write --only commands manual

The parts, in the order in which they are generated:

{parts}

Parts with a star start the real opencode, need npm and take minutes; the others take a second. Tests compare
every part, so a change that forgets one fails. Needs Python 3.9 or newer; gets everything else into .cache.
Exit status: 0 if all is up to date, 1 if something is not or could not be generated, 2 for a wrong command
line.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Callable, Final, Mapping, Sequence

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from scripts.lib import cache

_WIDTH: Final = 100
_HEAD: Final = """\
# Commands

Every command with its help, as the program prints it. Made by `python3 scripts/write_docs.py`; do not edit.
[exit-statuses.md](exit-statuses.md) says what each exit status means.
"""
_WRONG_USAGE: Final = 2


@dataclass(frozen=True)
class Part:
    """Something made: `check` names what is out of date, `write` makes it and names what changed.

    `recorded`: seconds in it differ each time, so only the rest is compared.
    """

    summary: str
    check: Callable[[], list[str]]
    write: Callable[[], list[str]]
    starts_opencode: bool = False
    recorded: bool = False


def commands() -> dict[Path, str]:
    """docs/commands.md, from the command line."""
    from gonkagate_setup.catalog import GONKAGATE
    from gonkagate_setup.command_line import arguments

    sections = [
        f"\n## {name}\n\n```text\n{arguments.help_text(name, GONKAGATE, _WIDTH)}\n```\n"
        for name in arguments.VERBS
    ]
    return {cache.ROOT / "docs" / "commands.md": "".join([_HEAD, *sections])}


def manual() -> dict[Path, str]:
    """The manual page, from the command line."""
    from gonkagate_setup.catalog import GONKAGATE
    from gonkagate_setup.command_line import self_description

    return {cache.ROOT / "docs" / "gonkagate-setup.1": self_description.manual(GONKAGATE)}


def layers() -> dict[Path, str]:
    """docs/layers.md with its table."""
    from scripts.lib.layers_table import PAGE, page

    return {PAGE: page(PAGE.read_text(encoding="utf-8"))}


def codes() -> dict[Path, str]:
    """docs/json.md with its tables."""
    from scripts.lib.codes_tables import PAGE, page

    return {PAGE: page(PAGE.read_text(encoding="utf-8"))}


def proofs_table() -> dict[Path, str]:
    """docs/validation.md with its table."""
    from scripts.lib.proofs_table import PAGE, page

    return {PAGE: page(PAGE.read_text(encoding="utf-8"))}


def policy() -> dict[Path, str]:
    """docs/sovereigncode.md with its tables, the capsule's schema and the example; needs Python 3.10."""
    from scripts.lib.policy_table import PAGE, page
    from sovereigncode import gateway_provider
    from sovereigncode.core import capsule

    schema, example = json.dumps(capsule.schema(), indent=2), json.dumps(gateway_provider.example(), indent=2)
    return {
        PAGE: page(PAGE.read_text(encoding="utf-8")),
        cache.ROOT / "sovereigncode" / "capsule.schema.json": f"{schema}\n",
        cache.ROOT / "examples" / "opencode.marama-route.json": f"{example}\n",
    }


def gateway() -> dict[Path, str]:
    """docs/marama-route.md with its tables; needs Python 3.10."""
    from scripts.lib.gateway_tables import PAGE, page

    return {PAGE: page(PAGE.read_text(encoding="utf-8"))}


def tool_classes() -> dict[Path, str]:
    """docs/tool-classes.md with its tables; needs Python 3.10."""
    from scripts.lib.tool_tables import PAGE, page

    return {PAGE: page(PAGE.read_text(encoding="utf-8"))}


def screens() -> dict[Path, str]:
    """What the docs show of real runs."""
    from scripts.lib.transcripts import pages, record

    return pages(*record())


# What a second makes; tests/contract/pages/test_documented.py checks each.
PAGES: Final[Mapping[str, Callable[[], dict[Path, str]]]] = {
    "commands": commands,
    "manual": manual,
    "layers": layers,
    "codes": codes,
    "proofs-table": proofs_table,
    "policy": policy,
    "tool-classes": tool_classes,
    "gateway": gateway,
}


def _from_texts(make: Callable[[], dict[Path, str]], summary: str, *, starts_opencode: bool = False) -> Part:
    def differing() -> dict[Path, str]:
        return {path: text for path, text in make().items() if path.read_text(encoding="utf-8") != text}

    def write() -> list[str]:
        found = differing()
        for path, text in found.items():
            path.write_bytes(text.encode())
        return [_short(path) for path in found]

    return Part(summary, lambda: [_short(path) for path in differing()], write, starts_opencode)


def _old_proofs() -> dict[tuple[str, str], Path]:
    """The proof files of another config than today's, and those that are missing, by model and version."""
    from gonkagate_setup.catalog import GONKAGATE
    from scripts.validate_model import DEFAULT_VERSIONS
    from scripts.validating import proofs

    stand_in = {
        (model.key, version): proofs.path(proofs.FOLDER, proofs.Mode.STAND_IN, model.key, version)
        for model in GONKAGATE.models
        for version in (*DEFAULT_VERSIONS, *model.wiring_proofs)
    }
    digests = {model.key: proofs.config_digest(GONKAGATE, model) for model in GONKAGATE.models}
    return {
        (key, version): path
        for (key, version), path in stand_in.items()
        if not path.is_file() or json.loads(path.read_text(encoding="utf-8"))["configDigest"] != digests[key]
    }


def _check_proofs() -> list[str]:
    return [_short(path) for path in _old_proofs().values()]


def _write_proofs() -> list[str]:
    old = _old_proofs()
    for key, version in old:
        command = [sys.executable, "scripts/validate_model.py", key, "--opencode", version]
        if subprocess.run(command, cwd=cache.ROOT, check=False).returncode:
            raise cache.PreparationError(f"{key} is not valid with opencode {version}; see above")
    return [_short(path) for path in old.values()]


def _stored_screens(*, store: bool) -> list[str]:
    """Run the tests that compare screens with stored ones; they store them instead with UPDATE_SCREENS."""
    folder = cache.ROOT / "tests" / "sessions"
    before = _contents(folder)
    command = [sys.executable, "-m", "pytest", "-q", "-m", "screens", "--no-header", str(folder)]
    environ = {**os.environ, **({"UPDATE_SCREENS": "1"} if store else {})}
    done = subprocess.run(command, cwd=cache.ROOT, env=environ, check=False)
    if store and done.returncode:
        raise cache.PreparationError("the screens could not be recorded; see above")
    after = _contents(folder)
    changed = [_short(path) for path in after if before.get(path) != after[path]]
    return changed if store or not done.returncode else [_short(folder / "expected")]


def _contents(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in sorted(folder.glob("expected/*.txt"))}


def _check_session() -> list[str]:
    from scripts.lib.overlord_session import PAGE, page, without_times

    text = PAGE.read_text(encoding="utf-8")
    return [] if without_times(page(text)) == without_times(text) else [_short(PAGE)]


def _write_session() -> list[str]:
    from scripts.lib.overlord_session import PAGE, page

    if not _check_session():
        return []
    PAGE.write_bytes(page(PAGE.read_text(encoding="utf-8")).encode())
    return [_short(PAGE)]


PARTS: Final[Mapping[str, Part]] = {
    "proofs": Part("validation/stand-in/, by the stand-in service", _check_proofs, _write_proofs, True),
    "commands": _from_texts(commands, "docs/commands.md, from the command line"),
    "manual": _from_texts(manual, "docs/gonkagate-setup.1, from the command line"),
    "layers": _from_texts(layers, "the table in docs/layers.md, from the places that opencode reads"),
    "codes": _from_texts(codes, "the tables in docs/json.md, from the codes of findings"),
    "proofs-table": _from_texts(proofs_table, "the table in docs/validation.md, from validation/"),
    "overlord-session": Part(
        "the session in docs/overlord.md, held with a stand-in: half a minute",
        _check_session,
        _write_session,
        recorded=True,
    ),
    "policy": _from_texts(policy, "docs/sovereigncode.md, the capsule's schema, the example: from its code"),
    "gateway": _from_texts(gateway, "the tables in docs/marama-route.md, from the gateway"),
    "tool-classes": _from_texts(tool_classes, "the tables in docs/tool-classes.md, from the tools it knows"),
    "screens": _from_texts(
        screens, "docs/ux.md, docs/session.svg, examples in docs/json.md: real runs", starts_opencode=True
    ),
    "stored-screens": Part(
        "tests/sessions/expected/: what the tests compare screens with",
        lambda: _stored_screens(store=False),
        lambda: _stored_screens(store=True),
        True,
    ),
}


def main(arguments: Sequence[str]) -> int:
    """Check or write what was asked for; without an argument the help, and nothing else."""
    parser = _parser()
    if not arguments:
        parser.print_help()
        return _WRONG_USAGE
    options = parser.parse_args(arguments)
    names = [name for name in PARTS if name in (options.only or PARTS)]
    try:
        if any(PARTS[name].starts_opencode for name in names):
            if sys.platform == "win32":
                parser.error("parts with a star need a pseudo-terminal: use Linux, macOS or WSL, or --only")
            python = cache.python_environment(sys.executable, "test.txt")
            if Path(sys.executable) != python:
                return subprocess.call([str(python), __file__, *arguments])
        return _run(names, write=options.write)
    except cache.PreparationError as error:
        print(f"write_docs: {error}", file=sys.stderr)
        return 1


def _parser() -> argparse.ArgumentParser:
    width = max(map(len, PARTS)) + 1
    rows = [
        f"  {name + ('*' if part.starts_opencode else ''):<{width}}  {part.summary}"
        for name, part in PARTS.items()
    ]
    parser = argparse.ArgumentParser(
        description=(__doc__ or "").format(parts="\n".join(rows)),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    action = parser.add_mutually_exclusive_group(required=True)
    action.add_argument("--check", action="store_true", help="say what is out of date, change nothing")
    action.add_argument("--write", action="store_true", help="bring it up to date")
    parser.add_argument("--only", nargs="+", choices=PARTS, metavar="PART", help="only these parts")
    return parser


def _run(names: Sequence[str], *, write: bool) -> int:
    old = []
    for name in names:
        part = PARTS[name]
        if part.starts_opencode:
            print(f"{name}: {'writing' if write else 'checking'}", flush=True)
        found = part.write() if write else part.check()
        old += [name] if found else []
        for file in found:
            print(f"{name}: {'wrote' if write else 'out of date:'} {file}", flush=True)
    if not old:
        print("Everything was up to date.")
    elif not write:
        print(f"To bring it up to date: python3 scripts/write_docs.py --write --only {' '.join(old)}")
    return 1 if old and not write else 0


def _short(path: Path) -> str:
    return path.relative_to(cache.ROOT).as_posix()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
