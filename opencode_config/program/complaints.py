"""What a failed opencode said: in its own words, if they cannot contain a secret.

On standard error, in every version, opencode prints config with every `{file:}` and `{env:}` filled in: the
whole text after "--- JSONC Input ---", and single values as `got "<value>"`. So of what it says about its
config only the file and the position are kept, and of other failures only sentences that are known.
`opencode --version` reads no config; its first lines are kept, masked.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Final, Iterable, Iterator

from foundation import disk
from foundation.errors import Refusal, Where
from foundation.processes import Output
from foundation.secrets.scrub import scrub
from opencode_config.program.answers import lines, plain
from opencode_config.program.run import AGAIN

_HEAD: Final = 4 * 1024 * 1024
_LINES: Final = 3
_LENGTH: Final = 200
_COMPLAINT: Final = re.compile(
    r"(?:Config file at (?P<syntax>.+?) is not valid JSON|Configuration is invalid at (?P<value>[^\n]+?)"
    r"(?=: bad file reference|\n|$))"
)
_COLOUR: Final = re.compile(r"\x1b\[[0-9;]*m")
_PLACE: Final = re.compile(r"\bat line (\d+), column (\d+)")
# After one of these, a line may show config content.
_CONFIG_FOLLOWS: Final = re.compile(r"JSONC Input|\bgot \"|\{file:|\{env:|↳|JSON Parse error", re.IGNORECASE)
# Sentences from the system, from SQLite as opencode 1.14 to 1.18 passes them on, and from launchers.
_KNOWN: Final = re.compile(
    r"(?:(?-i:\bE[A-Z]{3,14}: [a-z][a-z -]{2,60}(?:, [a-z]{2,12}(?: '[^'\n]{1,200}')?)?)"
    r"|(?-i:\b[A-Z][A-Za-z]{3,20}: FileSystem\.[A-Za-z]{3,30} \([^()\n]{1,300}\))"
    r"|\bFailed to execute statement|\bFailed query: [A-Za-z_]{2,20}(?: [A-Za-z_]{2,20})?"
    r"|\bdatabase or disk is full|\bdisk I/O error|\bunable to open database file|\bdatabase is locked"
    r"|\battempt to write a readonly database|\bdatabase disk image is malformed|\bfile is not a database"
    r"|\bNo space left on device|\bRead-only file system|\bPermission denied|\bDisk quota exceeded"
    r"|\bNo version is set for command \w+|\bcommand not found|\bNo such file or directory"
    r"|\berror while loading shared libraries: [\w.+-]{1,80}|\bversion `GLIBC\w*[\d.]+' not found"
    r"|\bIllegal instruction|\bSegmentation fault|\bOut of memory|\bCannot find module '[^'\n]{1,200}')",
    re.IGNORECASE,
)
_TELLING: Final = re.compile(
    r"(?i)error|cannot|can't|could not|unable|denied|not found|no such|no version|missing|fail|full|no space"
    r"|not (?:installed|set|available)"
)
# What Bun adds after a system error, and the frames of a stack.
_DETAIL: Final = re.compile(r"(?:path|syscall|errno|code|dest): |at ")
_NO_ROOM: Final = re.compile(r"(?i)ENOSPC|EDQUOT|no space left|disk is full|quota exceeded")
_DENIED: Final = re.compile(r"(?:EACCES|EPERM|EROFS): [a-z ,-]+ '([^']+)'")


def known_words(output: Output) -> str:
    """The sentences that are known to contain no secret, at most a few of them."""
    found: dict[str, None] = {}
    for stream in (output.stderr, output.stdout):
        for line in lines(stream):
            if _CONFIG_FOLLOWS.search(line):
                break
            found.update(dict.fromkeys(match[0] for match in _KNOWN.finditer(line[:1000])))
    return told(found)


def first_words(output: Output) -> str:
    """The first lines of an opencode that was asked for its version, from an informative one on."""
    said = [line for line in (*lines(output.stderr), *lines(output.stdout)) if not _DETAIL.match(line)]
    first = next((number for number, line in enumerate(said) if _TELLING.search(line)), 0)
    return told(said[first : first + _LINES])


def told(said: Iterable[str]) -> str:
    """The first few lines as one, masked and shortened."""
    text = scrub("\n".join(list(said)[:_LINES]))
    cut = (line if len(line) <= _LENGTH else f"{line[:_LENGTH]}…" for line in text.split("\n"))
    return " / ".join("".join(filter(str.isprintable, line)) for line in cut)


def failed(what: str, words: str, executable: Path, again: str, folders: Iterable[Path]) -> tuple[str, str]:
    """Message and next step for an opencode that exists but failed; `again` is what to run by hand."""
    full = disk.full(folders)
    message = f"{what}: {words}" if words else what
    if full is not None:
        message += f"; the disk that holds {full} is full"
    denied = _DENIED.search(words)
    step = f"run `{again}` yourself in this folder and correct what it names"
    if full is not None or _NO_ROOM.search(words):
        step = (
            "free up space on the disk that is full"
            if full is None
            else f"free up space on the disk that holds {full}"
        )
    elif denied:
        folder = _existing(Path(denied[1]))
        step = f"make {folder} writable for your user (`ls -ld '{folder}'` shows whose it is)"
    elif "database is locked" in words:
        step = "close every other opencode"
    elif re.search("(?i)no version is set", words):
        step = f"choose a version as {executable} says, so that `{again}` prints one"
    return message, f"{step}, {AGAIN}"


def _existing(path: Path) -> Path:
    """The innermost folder that exists: the one in which something could not be created."""
    return next((folder for folder in path.parents if os.path.isdir(folder)), path.parent)  # noqa: PTH112


def about_config(output: Output) -> Refusal | None:
    """What opencode reported about a config: only a file's name and a position are kept of its output."""
    for stream in (output.stderr, output.stdout):
        text = _COLOUR.sub("", stream[:_HEAD].decode("utf-8", "replace")).replace("\r\n", "\n")
        match = _COMPLAINT.search(text)
        if match is not None:
            return _named(match, text)
    return None


def _named(match: re.Match[str], text: str) -> Refusal:
    name = "".join(character for character in (match["syntax"] or match["value"]) if character.isprintable())
    where = Where(name)
    reason = "opencode refuses a value in this config"
    if match["syntax"]:
        reason = "opencode cannot parse this config"
        place = _PLACE.search(text, match.end())
        if place:
            where = Where(name, int(place[1]), int(place[2]))
    elif ": bad file reference" in text[match.end() : match.end() + 40]:
        reason = "this config refers to a file that opencode cannot read"
    return Refusal(
        "effective_config_command_failed",
        reason,
        where=where,
        next_step=f"correct that file (`opencode debug config --pure` shows what opencode says), {AGAIN}",
    )


def without_proof(output: Output) -> bool:
    """Whether it printed the usage of a `debug config` without `--pure`."""
    usage = plain(output.stderr[:20000]) + plain(output.stdout[:20000])
    return "--pure" not in usage and "opencode debug" in usage and "Options:" in usage


def versions_said(output: Output) -> Iterator[str]:
    """The lines with a version in them, if none is clearly opencode's."""
    for line in [*lines(output.stdout), *lines(output.stderr)]:
        if re.search(r"\d+\.\d+\.\d+", line):
            yield line
