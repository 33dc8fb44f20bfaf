"""completion and man: texts about the command line itself, for other programs to read."""

from __future__ import annotations

import argparse
from typing import Final, Mapping

from foundation.errors import Refusal
from foundation.terminal.usage import Verb
from gonkagate_setup import __version__
from gonkagate_setup.catalog import Profile
from gonkagate_setup.command_line import arguments as command_line
from gonkagate_setup.errors import Exit

EXITS: Final[Mapping[int, str]] = {
    Exit.DONE: "done, or nothing to do",
    Exit.FAULT: "internal error, or the result could not be written",
    Exit.USAGE: "usage: an option is wrong or missing",
    Exit.OPENCODE: "opencode is missing or unsupported",
    Exit.KEY: "no usable key",
    Exit.CONFIG: "a config cannot be edited safely; nothing was written",
    Exit.BLOCKED: "blocked: plain opencode would not use GonkaGate",
    Exit.SESSION_BLOCKED: "set up, but this session's environment overrides it",
    Exit.PUT_BACK: "writing failed; everything was put back",
    Exit.PUT_BACK_INCOMPLETE: "not everything could be put back; the message says what",
    Exit.HANGUP: "ended by SIGHUP",
    Exit.INTERRUPTED: "cancelled at a question, or by SIGINT",
    Exit.TERMINATED: "ended by SIGTERM",
}

# What docs/automation.md explains.
ENVIRONMENT: Final[Mapping[str, str]] = {
    "NO_COLOR, FORCE_COLOR, TERM, COLUMNS": "colour and width, as usual; --color wins",
    "HTTPS_PROXY, NO_PROXY": "the proxy for verify --live, as in opencode",
    "SSL_CERT_FILE, NODE_EXTRA_CA_CERTS": "more certificates to trust for verify --live",
    "PATH, PATHEXT": "where to look for opencode and git",
    "OPENCODE_INSTALL_DIR, XDG_BIN_DIR, APPDATA, LOCALAPPDATA, PROGRAMDATA": (
        "more places to look for opencode"
    ),
    "XDG_CONFIG_HOME, XDG_DATA_HOME": "opencode's folders",
    "OPENCODE_CONFIG, OPENCODE_CONFIG_DIR, OPENCODE_CONFIG_CONTENT": (
        "more layers of opencode's config: read, never written"
    ),
    "OPENCODE_DISABLE_PROJECT_CONFIG, OPENCODE_PERMISSION, OPENCODE_AUTH_CONTENT, OPENCODE_PURE": (
        "change what opencode resolves; verify takes them into account"
    ),
    "OPENCODE_TEST_HOME, OPENCODE_TEST_MANAGED_CONFIG_DIR": "move two of opencode's folders, for its tests",
    "XDG_STATE_HOME": "set to a private folder for each opencode that is started",
    "SYSTEMROOT": "on Windows, where taskkill is, which ends an opencode that hangs",
    "HOME, USERPROFILE": "the home folder, as in opencode",
    "USER": "on macOS, whose managed preferences opencode reads",
    "SUDO_USER": "who ran sudo, so that messages can name that user",
    "TMPDIR, TEMP, TMP": "where crash reports are written",
}


def completion(arguments: argparse.Namespace, profile: Profile) -> str:
    """The completion script for the shell that was named; raises Refusal usage_error without one."""
    from foundation.terminal.completion import script

    if arguments.shell is None:
        raise Refusal(
            "usage_error",
            "completion needs the name of a shell",
            next_step=f"name one: {', '.join(command_line.SHELLS)}",
        )
    return script(arguments.shell, command_line.PROGRAM, _verbs(profile))


def manual(profile: Profile) -> str:
    """The manual page."""
    from foundation.terminal.manual import Manual, page

    return page(
        Manual(
            program=command_line.PROGRAM,
            version=__version__,
            summary=f"connect opencode to {profile.display_name}, and prove that it works",
            description=f"Adds {profile.display_name} to opencode's config and leaves every other byte "
            "as it was, keeps the key in one protected file, and reports success only when opencode itself "
            "confirms it.",
            verbs=_verbs(profile),
            exits=EXITS,
            environment={profile.key_variable: "the key, for unattended runs", **ENVIRONMENT},
            files=_files(profile),
        )
    )


def _files(profile: Profile) -> dict[str, str]:
    folder = "~/" + "/".join(profile.folder)
    return {
        f"{folder}/{profile.key_file}": "the key, readable by its owner only",
        f"{folder}/{profile.state_file}": "the setup record: what was set up and when",
        f"{folder}/last-change.json": "the undo record: what the last setup changed",
        f"{folder}/opencode-executable.json": "the opencode that was used, with its version",
        f"{folder}/backups": "previous contents of project files",
        f"{folder}/journal, {folder}/lock": "exist only while files are written, or after a killed run",
        "~/.config/opencode/opencode.json": "opencode's config; or opencode.jsonc if you use that",
        "~/.config/opencode/opencode.json.bak-TIME": "its previous contents, without the key",
        "opencode.json": "at the root of a project: the model, with project scope",
    }


def _verbs(profile: Profile) -> tuple[Verb, ...]:
    return tuple(command_line.describe(name, profile) for name in command_line.VERBS)
