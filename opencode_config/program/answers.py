"""What opencode answered, found among the lines that its launcher printed.

A launcher (nvm, mise, a company's wrapper) may print lines of its own before and after, on either stream, in
colours, with Windows line endings. The work is limited: a few attempts, each over one output.
"""

from __future__ import annotations

import re
from typing import Any, Final, Iterator

from foundation.processes import Output
from opencode_config.versions import Version

# Colours and cursor movements, titles and links, other sequences of a terminal.
_CONTROLS: Final = re.compile(
    r"\x1b\[[0-9;:?<=>]*[ -/]*[@-~]|\x1b\][^\x07\x1b\n]*(?:\x07|\x1b\\)?|\x1b[ -/]*[0-~]"
    r"|[\ufeff\x00-\x08\x0b\x0c\x0e-\x1f]"
)
_HEAD: Final = 64 * 1024
_LINES: Final = 2000
_NUMBER: Final = r"(\d{1,9})\.(\d{1,9})\.(\d{1,9})(?:[-+][\w.+-]{0,40})?"
# opencode prints its version and nothing else; others print it with a name or a `v`.
_PLAIN: Final = re.compile(rf"(?i)(?:opencode(?:-ai)?[ @/]+(?:version:? +)?v?)?({_NUMBER})")
_WITH_V: Final = re.compile(rf"(?i)v({_NUMBER})")
_WITHIN: Final = re.compile(rf"(?<![\w.])v?({_NUMBER})(?![\w.])")
_OTHERS: Final = re.compile(r"(?i)\b(?:node|npm|bun|deno|pnpm|yarn|nvm|fnm|volta|asdf|mise|python)\b")
# Keys that a resolved config of every version has at its top level, and keys that show that it is a config at
# all.
_RESOLVED: Final = frozenset(("agent", "mode", "plugin", "command", "username"))
_CONFIG: Final = _RESOLVED | {"$schema", "provider", "model", "enabled_providers", "disabled_providers"}
_OBJECTS: Final = 16


def plain(data: bytes) -> str:
    """The text without what only a terminal understands."""
    return _CONTROLS.sub("", data.decode("utf-8", "replace")).replace("\r", "\n")


def lines(data: bytes) -> list[str]:
    """The non-empty lines, from the head and the tail of a long output."""
    if len(data) > 2 * _HEAD:
        data = data[:_HEAD] + b"\n" + data[-_HEAD:]
    return [line for line in map(str.strip, plain(data).split("\n")) if line][:_LINES]


def version_of(output: Output) -> Version | None:
    """The version that opencode printed; None where there is none, or more than one that could be it.

    A line that is only a version takes precedence over one with a `v`, which is how node prints its own, and
    that over one in a sentence about opencode. Standard output takes precedence over standard error.
    """
    for stream in (output.stdout, output.stderr):
        said = lines(stream)
        for found in (_whole(_PLAIN, said), _whole(_WITH_V, said), _in_sentences(said)):
            if found:
                return _version(next(iter(found))) if len(found) == 1 else None
    return None


def _whole(pattern: re.Pattern[str], said: list[str]) -> dict[str, None]:
    return dict.fromkeys(match[1] for match in map(pattern.fullmatch, said) if match)


def _in_sentences(said: list[str]) -> dict[str, None]:
    about = [line for line in said if re.search(r"(?i)\bopencode\b", line) and not _OTHERS.search(line)]
    return dict.fromkeys(match[1] for line in about for match in _WITHIN.finditer(line[:1000]))


def _version(text: str) -> Version:
    numbers = re.match(_NUMBER, text)
    assert numbers is not None  # noqa: S101 - that is how it was found
    return Version(int(numbers[1]), int(numbers[2]), int(numbers[3]), text)


def config_of(output: Output) -> dict[str, Any] | None:
    """The JSON object that opencode printed, None if there is none or it is not clear which one it is."""
    import json

    try:
        value = json.loads(output.stdout)
    except (ValueError, RecursionError):
        pass
    else:
        return value if isinstance(value, dict) else None
    for stream in (output.stdout, output.stderr):
        objects = list(_objects(plain(stream)))
        whole = [value for value in objects if value is not None and value.keys() >= _RESOLVED]
        some = [value for value in objects if value is not None and value.keys() & _CONFIG]
        for found in (whole, some, objects):
            if found:
                return found[0] if all(value == found[0] for value in found) else None
    return None


def _objects(text: str) -> Iterator[dict[str, Any] | None]:
    """The objects that begin a line, else the first one anywhere; None for a broken one."""
    import json

    starts = [match.start() for match in re.finditer(r"^\{", text, re.MULTILINE)][:_OBJECTS]
    if not starts and "{" in text:
        starts = [text.index("{")]
    end = 0
    for start in starts:
        if start < end:
            continue
        try:
            value, end = json.JSONDecoder().raw_decode(text, start)
        except (ValueError, RecursionError):
            yield None
        else:
            yield value


def models_of(output: Output, provider: str | None) -> tuple[str, ...]:
    """The models of the provider (None: of any) that are listed, each on its own line."""
    wanted = re.compile(rf"{'[a-z0-9][-.a-z0-9_]*' if provider is None else re.escape(provider)}/\S+")
    for stream in (output.stdout, output.stderr):
        found = [line for line in map(str.strip, plain(stream).split("\n")) if wanted.fullmatch(line)]
        if found:
            return tuple(dict.fromkeys(found))
    return ()
