"""The manual page (man-pages(7)), made from the same parsers as the help."""

from __future__ import annotations

import re
from typing import Final, Mapping, Sequence

from foundation.terminal.usage import Verb, heading
from gonkagate_setup.catalog import Profile
from gonkagate_setup.errors import Exit

EXITS: Final[Mapping[Exit, str]] = {
    Exit.DONE: "done, or nothing to do",
    Exit.FAULT: "a fault of this program, or the result could not be written",
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

# What docs/automation.md explains.
ENVIRONMENT: Final[Mapping[str, str]] = {
    "NO_COLOR, FORCE_COLOR, TERM, COLUMNS": "colour and width, as usual; --color wins",
    "HTTPS_PROXY, NO_PROXY": "the proxy for verify --live, as for opencode",
    "SSL_CERT_FILE, NODE_EXTRA_CA_CERTS": "certificates to trust besides the system's for verify --live",
    "PATH, PATHEXT": "where opencode and git are looked for",
    "OPENCODE_INSTALL_DIR, XDG_BIN_DIR, APPDATA, LOCALAPPDATA, PROGRAMDATA": (
        "further places where opencode is looked for"
    ),
    "XDG_CONFIG_HOME, XDG_DATA_HOME": "opencode's folders",
    "OPENCODE_CONFIG, OPENCODE_CONFIG_DIR, OPENCODE_CONFIG_CONTENT": (
        "further layers of opencode's config: read, never written"
    ),
    "OPENCODE_DISABLE_PROJECT_CONFIG, OPENCODE_PERMISSION, OPENCODE_AUTH_CONTENT, OPENCODE_PURE": (
        "change what opencode resolves; verify takes them into account"
    ),
    "OPENCODE_TEST_HOME, OPENCODE_TEST_MANAGED_CONFIG_DIR": "move two of opencode's folders, for its tests",
    "XDG_STATE_HOME": "set to a private folder for the opencode that is asked",
    "SYSTEMROOT": "on Windows, where taskkill is, which ends an opencode that takes too long",
    "HOME, USERPROFILE": "the home folder, as for opencode",
    "USER": "on macOS, whose managed preferences opencode reads",
    "SUDO_USER": "who called sudo, so that advice can name that user",
    "TMPDIR, TEMP, TMP": "where a crash report is written",
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
            f"{profile.display_name} key in one protected file, and says done only when opencode itself "
            "confirms it."
        ),
    ]
    lines += [".SH COMMANDS"]
    for verb in verbs:
        lines += [f".SS {_word(verb.name)}", _text(verb.description)]
        for flag in verb.flags:
            lines += [".TP", f".B {_text(heading(flag))}", _text(flag.help)]
        if verb.epilog:
            lines += [".PP", _text(verb.epilog)]
    lines += [".SH EXIT STATUS"]
    for status, meaning in EXITS.items():
        lines += [".TP", f".B {int(status)}", _text(meaning)]
    lines += [".SH ENVIRONMENT"]
    for names, about in {profile.key_variable: "the key, for unattended runs", **ENVIRONMENT}.items():
        lines += [".TP", f".B {_text(names)}", _text(about)]
    lines += [".SH FILES"]
    for name, about in _files(folder, profile):
        lines += [".TP", f".I {_text(name)}", _text(about)]
    return "\n".join(lines) + "\n"


def _files(folder: str, profile: Profile) -> Sequence[tuple[str, str]]:
    return (
        (f"{folder}/{profile.key_file}", "the key, readable by its owner only"),
        (f"{folder}/{profile.state_file}", "what was set up and when"),
        (f"{folder}/last-change.json", "what the last setup changed, for undo"),
        (
            f"{folder}/opencode-executable.json",
            "which opencode was used, so that a rerun can skip asking for its version",
        ),
        (f"{folder}/backups", "former contents of project files"),
        (f"{folder}/journal, {folder}/lock", "exist only while files are written, or after a killed run"),
        ("~/.config/opencode/opencode.json", "opencode's config; or opencode.jsonc if you use that"),
        ("~/.config/opencode/opencode.json.bak-TIME", "its former contents, without a key"),
        ("opencode.json", "at the root of a project: the model, with project scope"),
    )


def _text(text: str) -> str:
    escaped = text.replace("\\", "\\e").replace("-", "\\-")
    # A line that begins with one of these would be a request to the formatter.
    return re.sub(r"\A(?=[.'])", r"\\&", escaped)


def _word(text: str) -> str:
    return '"' + _text(text).replace('"', "\\(dq") + '"'
