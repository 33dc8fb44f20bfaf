"""The manual page (man-pages(7)), made from the same parsers as the help."""

from __future__ import annotations

import re
from typing import Final, Mapping, Sequence

from gonkagate_setup.core.catalog import Profile
from gonkagate_setup.errors import Exit
from gonkagate_setup.ui.usage import Verb, heading

EXITS: Final[Mapping[Exit, str]] = {
    Exit.DONE: "done, or nothing to do",
    Exit.FAULT: "a fault of this program",
    Exit.USAGE: "usage: an option is wrong or missing",
    Exit.OPENCODE: "opencode is missing or unsupported",
    Exit.KEY: "no usable key",
    Exit.CONFIG: "a config cannot be edited safely; nothing was written",
    Exit.BLOCKED: "blocked: plain opencode would not use the provider",
    Exit.SESSION_BLOCKED: "set up, but this session's environment overrides it",
    Exit.PUT_BACK: "writing failed; everything was put back",
    Exit.PUT_BACK_INCOMPLETE: "putting back is incomplete; the message names what is left",
    Exit.HANGUP: "ended by SIGHUP",
    Exit.INTERRUPTED: "cancelled at a question, or by SIGINT",
    Exit.TERMINATED: "ended by SIGTERM",
}


def page(program: str, version: str, verbs: Sequence[Verb], profile: Profile) -> str:
    """The whole page as roff."""
    folder = "~/" + "/".join(profile.folder)
    lines = [
        f'.TH {_word(program.upper())} 1 "" {_word(f"{program} {version}")}',
        ".SH NAME",
        f"{_text(program)} \\- connect opencode to {_text(profile.display_name)}, and prove that it works",
        ".SH SYNOPSIS",
    ]
    for verb in verbs:
        words = f" {'|'.join(verb.words)}" if verb.words else ""
        name = f"[{verb.name}]" if verb.default else verb.name
        lines += [f".B {_text(program)}", _text(f"{name}{words} [options]"), ".br"]
    lines += [
        ".SH DESCRIPTION",
        _text(
            "Edits opencode's config without losing a byte that is not its own, keeps the "
            f"{profile.display_name} key in one guarded file, and says done only when opencode itself "
            "confirms it."
        ),
    ]
    for verb in verbs:
        lines += [f".SH {_word(verb.name.upper())}", _text(verb.description)]
        for flag in verb.flags:
            lines += [".TP", f".B {_text(heading(flag))}", _text(flag.help[0].upper() + flag.help[1:] + ".")]
        if verb.epilog:
            lines += [".PP", _text(verb.epilog)]
    lines += [".SH EXIT STATUS"]
    for status, meaning in EXITS.items():
        lines += [".TP", f".B {int(status)}", _text(meaning)]
    lines += [
        ".SH ENVIRONMENT",
        ".TP",
        f".B {profile.key_variable}",
        _text("The key, for runs without a person."),
    ]
    lines += [".SH FILES"]
    for name, about in (
        (f"{folder}/{profile.key_file}", "the key, readable by its owner only"),
        (f"{folder}/{profile.state_file}", "what was set up and when"),
        (f"{folder}/last-change.json", "what the last setup changed, for undo"),
        ("~/.config/opencode/opencode.json", "opencode's config; opencode.jsonc where that is in use"),
    ):
        lines += [".TP", f".I {_text(name)}", _text(about)]
    return "\n".join(lines) + "\n"


def _text(text: str) -> str:
    escaped = text.replace("\\", "\\e").replace("-", "\\-")
    # A line that begins with one of these would be a request to the formatter.
    return re.sub(r"\A(?=[.'])", r"\\&", escaped)


def _word(text: str) -> str:
    return '"' + _text(text).replace('"', "\\(dq") + '"'
