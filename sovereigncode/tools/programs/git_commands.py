"""What git's sub-commands do, as tables."""

from __future__ import annotations

import re
from typing import Final, Mapping

from sovereigncode.tools.classes import ToolClass

_SHELL, _NETWORK, _DELETE = ToolClass.SHELL, ToolClass.NETWORK, ToolClass.DELETE
_COMMIT, _PUBLISH, _FILE_WRITE = ToolClass.COMMIT, ToolClass.PUBLISH, ToolClass.FILE_WRITE
# Settings for one command that start nothing.
SAFE_SETTINGS: Final = re.compile(
    r"(user\.(name|email|signingkey)|color\..*|advice\..*|init\.defaultbranch|pull\.(rebase|ff)|merge\.ff|"
    r"commit\.gpgsign|tag\.gpgsign|core\.(autocrlf|eol|quotepath|filemode|ignorecase|longpaths|safecrlf|bare)|"
    r"push\.(default|autosetupremote|followtags)|fetch\.prune|log\.(date|decorate)|diff\.(renames|algorithm|noprefix|"
    r"mnemonicprefix)|safe\.directory|gc\.auto|rebase\.(autostash|autosquash)|http\.(postbuffer|sslverify)|"
    r"protocol\.version|branch\..*\.(remote|merge|rebase)|column\..*|status\..*|stash\..*|blame\..*|rerere\.enabled)"
    r"(=.*)?",
    re.IGNORECASE | re.DOTALL,
)
_PLAIN: Final[Mapping[ToolClass, str]] = {
    _SHELL: "add annotate apply archive bisect blame bugreport bundle cat-file check-attr check-ignore "
    "check-mailmap "
    "check-ref-format checkout-index cherry column commit-graph count-objects describe diagnose diff "
    "diff-files "
    "diff-index diff-tree fast-export fmt-merge-msg for-each-ref format-patch fsck get-tar-commit-id grep "
    "hash-object help index-pack init init-db log ls-files ls-tree mailinfo mailsplit maintenance merge-base "
    "merge-file merge-tree mktag mktree multi-pack-index mv name-rev pack-objects pack-redundant pack-refs "
    "patch-id range-diff read-tree rerere rev-list rev-parse shortlog show show-branch show-index show-ref "
    "sparse-checkout stage status stripspace symbolic-ref unpack-file unpack-objects update-index "
    "update-server-info var verify-commit verify-pack verify-tag version whatchanged write-tree",
    _NETWORK: "clone fetch fetch-pack http-fetch ls-remote daemon instaweb",
    _DELETE: "clean rm prune prune-packed gc repack",
    _COMMIT: "commit commit-tree merge rebase cherry-pick revert am pull quiltimport fast-import "
    "filter-branch "
    "update-ref replace merge-octopus merge-ours merge-recursive merge-resolve merge-subtree",
    _PUBLISH: "push send-pack http-push send-email imap-send request-pull svn p4 cvsexportcommit",
}
# Options of sub-commands whose value is a command, or that start one.
STARTING: Final[Mapping[str, tuple[str, tuple[str, ...]]]] = {
    "grep": ("O", ("open-files-in-pager",)),
    "clone": ("uc", ("upload-pack", "config", "template")),
    "init": ("", ("template",)),
    "fetch": ("", ("upload-pack",)),
    "fetch-pack": ("", ("upload-pack", "exec")),
    "ls-remote": ("", ("upload-pack", "exec")),
    "push": ("", ("receive-pack", "exec")),
    "archive": ("", ("exec",)),
    "filter-branch": (
        "",
        ("filter", "tree-filter", "index-filter", "msg-filter", "env-filter", "commit-filter"),
    ),
}
# What some options make of a sub-command: letters, long names, class.
OPTIONS: Final[Mapping[str, tuple[str, tuple[str, ...], ToolClass]]] = {
    "add": ("", (), _SHELL),
    "branch": ("dD", ("delete",), _DELETE),
    "tag": ("d", ("delete",), _DELETE),
    "reset": ("", ("hard", "merge"), _DELETE),
    "checkout": ("f", ("force", "ours", "theirs"), _DELETE),
    "switch": ("f", ("force", "discard-changes"), _DELETE),
    "log": ("", ("output",), _FILE_WRITE),
    "diff": ("", ("output",), _FILE_WRITE),
    "show": ("", ("output",), _FILE_WRITE),
    "archive": ("o", ("output",), _FILE_WRITE),
    "symbolic-ref": ("d", ("delete",), _DELETE),
    "notes": ("", (), _COMMIT),
}
SECOND: Final[Mapping[str, tuple[ToolClass, Mapping[str, ToolClass]]]] = {
    "stash": (_SHELL, {"drop": _DELETE, "clear": _DELETE, "pop": _SHELL}),
    "worktree": (_SHELL, {"remove": _DELETE, "prune": _DELETE}),
    "remote": (
        _SHELL,
        {"update": _NETWORK, "show": _NETWORK, "prune": _DELETE, "rm": _DELETE, "remove": _DELETE},
    ),
    "reflog": (_SHELL, {"expire": _DELETE, "delete": _DELETE}),
    "notes": (_COMMIT, {"list": _SHELL, "show": _SHELL, "get-ref": _SHELL}),
    "submodule": (
        _SHELL,
        {
            "update": _NETWORK,
            "add": _NETWORK,
            "deinit": _DELETE,
            "status": _SHELL,
            "init": _SHELL,
            "sync": _SHELL,
        },
    ),
    "lfs": (
        _NETWORK,
        {
            "push": _PUBLISH,
            "ls-files": _SHELL,
            "status": _SHELL,
            "track": _SHELL,
            "env": _SHELL,
            "prune": _DELETE,
        },
    ),
    "subtree": (_COMMIT, {"push": _PUBLISH, "split": _COMMIT}),
    "flow": (_COMMIT, {"publish": _PUBLISH, "finish": _PUBLISH, "release": _PUBLISH, "hotfix": _PUBLISH}),
}
BY_NAME: Final = {name: found for found, names in _PLAIN.items() for name in names.split()}
