"""git: its sub-commands, its aliases, and the options that start other programs.

The sub-commands are those that `git --list-cmds=main,others,nohelpers` prints (2.39); any other may be an alias of the
repository or a program named `git-...`, so it is unknown.
"""

from __future__ import annotations

import re
from typing import Final, Mapping

from sovereigncode.tools.classes import Reading, ToolClass, unknown
from sovereigncode.tools.programs.calls import Call, Rule, strictest
from sovereigncode.tools.programs.options import has, operands, scan, shape
from sovereigncode.tools.shell.syntax import NotUnderstoodError, Simple, Word, literal

_SHELL, _NETWORK, _DELETE = ToolClass.SHELL, ToolClass.NETWORK, ToolClass.DELETE
_COMMIT, _PUBLISH, _FILE_WRITE = ToolClass.COMMIT, ToolClass.PUBLISH, ToolClass.FILE_WRITE
_GLOBAL: Final = shape(
    "pPhv",
    "Cc",
    "no-pager paginate bare no-replace-objects literal-pathspecs glob-pathspecs noglob-pathspecs icase-pathspecs "
    "no-optional-locks no-lazy-fetch no-advice version help html-path man-path info-path "
    "git-dir= work-tree= namespace= super-prefix= list-cmds= attr-source=",
)
# Settings for one command that start nothing.
_SAFE_SETTINGS: Final = re.compile(
    r"(user\.(name|email|signingkey)|color\..*|advice\..*|init\.defaultbranch|pull\.(rebase|ff)|merge\.ff|"
    r"commit\.gpgsign|tag\.gpgsign|core\.(autocrlf|eol|quotepath|filemode|ignorecase|longpaths|safecrlf|bare)|"
    r"push\.(default|autosetupremote|followtags)|fetch\.prune|log\.(date|decorate)|diff\.(renames|algorithm|noprefix|"
    r"mnemonicprefix)|safe\.directory|gc\.auto|rebase\.(autostash|autosquash)|http\.(postbuffer|sslverify)|"
    r"protocol\.version|branch\..*\.(remote|merge|rebase)|column\..*|status\..*|stash\..*|blame\..*|rerere\.enabled)"
    r"(=.*)?",
    re.IGNORECASE | re.DOTALL,
)
_PLAIN: Final[Mapping[ToolClass, str]] = {
    _SHELL: "add annotate apply archive bisect blame bugreport bundle cat-file check-attr check-ignore check-mailmap "
    "check-ref-format checkout-index cherry column commit-graph count-objects describe diagnose diff diff-files "
    "diff-index diff-tree fast-export fmt-merge-msg for-each-ref format-patch fsck get-tar-commit-id grep "
    "hash-object help index-pack init init-db log ls-files ls-tree mailinfo mailsplit maintenance merge-base "
    "merge-file merge-tree mktag mktree multi-pack-index mv name-rev pack-objects pack-redundant pack-refs "
    "patch-id range-diff read-tree rerere rev-list rev-parse shortlog show show-branch show-index show-ref "
    "sparse-checkout stage status stripspace symbolic-ref unpack-file unpack-objects update-index "
    "update-server-info var verify-commit verify-pack verify-tag version whatchanged write-tree",
    _NETWORK: "clone fetch fetch-pack http-fetch ls-remote daemon instaweb",
    _DELETE: "clean rm prune prune-packed gc repack",
    _COMMIT: "commit commit-tree merge rebase cherry-pick revert am pull quiltimport fast-import filter-branch "
    "update-ref replace merge-octopus merge-ours merge-recursive merge-resolve merge-subtree",
    _PUBLISH: "push send-pack http-push send-email imap-send request-pull svn p4 cvsexportcommit",
}
# Options of sub-commands whose value is a command, or that start one.
_STARTING: Final[Mapping[str, tuple[str, tuple[str, ...]]]] = {
    "grep": ("O", ("open-files-in-pager",)),
    "diff": ("", ("ext-diff",)),
    "log": ("", ("ext-diff",)),
    "show": ("", ("ext-diff",)),
    "rebase": ("x", ("exec",)),
    "clone": ("uc", ("upload-pack", "config", "template")),
    "init": ("", ("template",)),
    "fetch": ("", ("upload-pack",)),
    "fetch-pack": ("", ("upload-pack", "exec")),
    "pull": ("", ("upload-pack",)),
    "ls-remote": ("", ("upload-pack", "exec")),
    "push": ("", ("receive-pack", "exec")),
    "archive": ("", ("exec",)),
    "filter-branch": (
        "",
        ("filter", "tree-filter", "index-filter", "msg-filter", "env-filter", "commit-filter"),
    ),
}
# What some options make of a sub-command: letters, long names, class.
_OPTIONS: Final[Mapping[str, tuple[str, tuple[str, ...], ToolClass]]] = {
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
_SECOND: Final[Mapping[str, tuple[ToolClass, Mapping[str, ToolClass]]]] = {
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
_BY_NAME: Final = {name: found for found, names in _PLAIN.items() for name in names.split()}
_DEPTH: Final = 8
# A word of `git checkout` that looks like a path: `.`, `./x`, `:/`, `a.py`.
_PATH: Final = re.compile(r"^\.{0,2}$|^\.{1,2}/|^:|\.[A-Za-z]\w*$|/$")


def git(call: Call) -> Reading:
    """git with its options, aliases and sub-command."""
    return _git(call, {}, 0)


def _git(call: Call, aliases: Mapping[str, Word], depth: int) -> Reading:
    found = _settings(call, aliases)
    if isinstance(found, Reading):
        return found
    aliases, rest = found
    if not rest:
        return call.is_a(_SHELL)
    name = rest[0].exact
    if name is None or depth > _DEPTH:
        return call.unknown("its sub-command is known only when it runs")
    known = _sub_command(name, call.under(name, rest[1:]))
    alias = aliases.get(name.lower())
    if alias is None:
        return known or call.unknown(f"{name} is not one of its sub-commands, so it may be an alias")
    return strictest([_alias(call, alias, rest[1:], aliases, depth), *([known] if known else [])])


def _settings(call: Call, aliases: Mapping[str, Word]) -> Reading | tuple[dict[str, Word], tuple[Word, ...]]:
    """The aliases that `-c` sets, and the words from the sub-command on."""
    collected = dict(aliases)
    rest = call.args
    while rest:
        # One option at a time: -c may be given more than once.
        first = rest[0].exact
        if first is None:
            return call.unknown("its sub-command is known only when it runs")
        if not first.startswith("-"):
            break
        taken = 2 if first in ("-C", "-c", "--git-dir", "--work-tree", "--namespace") else 1
        found = scan(rest[:taken], _GLOBAL)
        if found is None or found.rest:
            return call.unknown(f"{first} is not an option that is known")
        setting = found.options.get("c")
        if setting is not None:
            wrong = _setting(call, setting, collected)
            if wrong:
                return wrong
        rest = rest[taken:]
    return collected, rest


def _setting(call: Call, setting: Word, aliases: dict[str, Word]) -> Reading | None:
    text = setting.exact
    if text is None:
        return call.unknown("a setting is known only when it runs")
    name, _, value = text.partition("=")
    if name.lower().startswith("alias."):
        aliases[name.lower().removeprefix("alias.")] = literal(value)
        return None
    if _SAFE_SETTINGS.fullmatch(text) or (
        name.lower() in ("core.pager", "core.editor") and value in ("cat", "true", "")
    ):
        return None
    return call.unknown(f"the setting {name} may start a program")


def _alias(
    call: Call, alias: Word, rest: tuple[Word, ...], aliases: Mapping[str, Word], depth: int
) -> Reading:
    text = alias.text or ""
    if text.startswith("!"):
        # git runs it by a shell, with the arguments behind it.
        return call.script(literal(text[1:] + ' "$@"')) if rest else call.script(literal(text[1:]))
    words = _split(text)
    if words is None:
        return call.unknown("its alias is not plain")
    return _git(Call(call.what, (*words, *rest), call.context), aliases, depth + 1)


def _split(text: str) -> tuple[Word, ...] | None:
    from sovereigncode.tools.shell.reader import read_script

    try:
        steps = read_script(text).steps
    except NotUnderstoodError:
        return None
    command = steps[0].command if len(steps) == 1 else None
    if not isinstance(command, Simple) or command.assignments or command.redirections or steps[0].background:
        return None
    return command.words if all(word.exact is not None for word in command.words) else None


def _sub_command(name: str, call: Call) -> Reading | None:
    if any((word.text or word.start).startswith(("ext::", "fd::")) for word in call.args):
        return call.unknown("this address starts a program")
    if name in _RULES:
        return _RULES[name](call)
    if name in _SECOND:
        return _second(call, *_SECOND[name])
    base = _BY_NAME.get(name)
    if base is None:
        return None
    letters, names = _STARTING.get(name, ("", ()))
    if (letters or names) and has(call.args, letters, *names):
        return call.unknown("an option may start a program")
    if name in _OPTIONS:
        letters, names, other = _OPTIONS[name]
        base = max(base, other) if has(call.args, letters, *names) else base
    return call.is_a(base)


def _second(call: Call, base: ToolClass, table: Mapping[str, ToolClass]) -> Reading:
    found = operands(call.args)
    if found and found[0].exact is None:
        return call.unknown("what it does is known only when it runs")
    name = found[0].exact if found else ""
    return call.is_a(table.get(name or "", base))


def _branch(call: Call) -> Reading:
    return call.is_a(_DELETE if has(call.args, "dD", "delete") else _SHELL)


def _tag(call: Call) -> Reading:
    if has(call.args, "d", "delete"):
        return call.is_a(_DELETE)
    listing = has(call.args, "lv", "list", "verify", "contains", "points-at", "merged")
    return call.is_a(_COMMIT if operands(call.args) and not listing else _SHELL)


def _checkout(call: Call) -> Reading:
    words = operands(call.args, "bB", "orphan")
    creates = has(call.args, "b", "orphan") and not has(call.args, "B")
    discards = has(call.args, "f", "force", "ours", "theirs", "pathspec-from-file") or any(
        word.exact == "--" or word.pattern or _PATH.search(word.shape) for word in call.args
    )
    # A branch and a file may have the same name; two words are a commit and a file.
    return call.is_a(_DELETE if discards or (len(words) > 1 and not creates) else _SHELL)


def _restore(call: Call) -> Reading:
    staged_only = has(call.args, "S", "staged") and not has(call.args, "W", "worktree")
    return call.is_a(_SHELL if staged_only else _DELETE)


def _config(call: Call) -> Reading:
    reading = (
        "get",
        "get-all",
        "get-regexp",
        "list",
        "get-urlmatch",
        "get-color",
        "get-colorbool",
        "show-origin",
    )
    words = operands(call.args, "f", "file", "blob", "type", "default")
    if words and words[0].exact in ("get", "list"):
        return call.is_a(_SHELL)
    if words and words[0].exact in ("set", "unset"):
        words = words[1:]
    if has(call.args, "l", *reading) or (
        len(words) == 1 and not has(call.args, "e", "edit", "unset", "unset-all")
    ):
        return (
            call.is_a(_SHELL)
            if all(word.text is not None for word in call.args)
            else call.unknown("it may set anything")
        )
    if (
        words
        and words[0].exact
        and _SAFE_SETTINGS.fullmatch(words[0].exact)
        and not has(call.args, "e", "edit")
    ):
        return call.is_a(_SHELL)
    return call.unknown("the setting may start a program")


def _submodule(call: Call) -> Reading:
    words = operands(call.args)
    if words and words[0].exact == "foreach":
        rest = [word for word in words[1:] if word.exact not in ("--recursive", "--quiet")]
        if len(rest) == 1:
            return call.is_a(_SHELL) + call.script(rest[0])
        return call.is_a(_SHELL) + call.run(rest)
    return _second(call, *_SECOND["submodule"])


def _bisect(call: Call) -> Reading:
    words = call.args
    if words and words[0].exact is None:
        return call.unknown("what it does is known only when it runs")
    if words and words[0].exact == "run":
        return call.is_a(_SHELL) + call.run(words[1:])
    return call.is_a(_SHELL)


def _pull(call: Call) -> Reading:
    if has(call.args, "", "upload-pack"):
        return call.unknown("an option may start a program")
    only = any(word.exact in ("--ff-only", "--no-commit") for word in call.args)
    return call.is_a(_NETWORK if only and not has(call.args, "r", "rebase") else _COMMIT)


def _stops(call: Call) -> Reading:
    """merge, rebase and their like: `--abort` and `--quit` record nothing."""
    if has(call.args, "x", "exec"):
        return call.unknown("an option may start a program")
    stopping = len(call.args) == 1 and call.args[0].exact in ("--abort", "--quit")
    return call.is_a(_DELETE if stopping else _COMMIT)


def _starts_a_tool(call: Call) -> Reading:
    return unknown(f"{call.what} starts a program that its settings name")


_RULES: Final[Mapping[str, Rule]] = {
    "branch": _branch,
    "tag": _tag,
    "checkout": _checkout,
    "switch": lambda call: call.is_a(_DELETE if has(call.args, "fC", "force", "discard-changes") else _SHELL),
    "restore": _restore,
    "reset": lambda call: call.is_a(_DELETE if has(call.args, "", "hard", "merge", "keep") else _SHELL),
    "config": _config,
    "submodule": _submodule,
    "bisect": _bisect,
    "pull": _pull,
    "merge": _stops,
    "rebase": _stops,
    "cherry-pick": _stops,
    "revert": _stops,
    "am": _stops,
    **dict.fromkeys(
        ("difftool", "mergetool", "for-each-repo", "hook", "credential", "gui", "citool"), _starts_a_tool
    ),
    **dict.fromkeys(
        ("filter-repo", "shell", "remote-ext", "remote-fd", "upload-pack", "receive-pack"), _starts_a_tool
    ),
}
