"""git: its sub-commands, its aliases, and the options that start other programs.

The sub-commands are those that `git --list-cmds=main,others,nohelpers` prints (2.39); any other may be an
alias of the repository or a program named `git-...`, so it is unknown.
"""

from __future__ import annotations

import re
from typing import Final, Mapping

from sovereigncode.tools.classes import Reading, ToolClass, unknown
from sovereigncode.tools.programs.calls import Call, Rule, strictest
from sovereigncode.tools.programs.git_commands import BY_NAME, OPTIONS, SAFE_SETTINGS, SECOND, STARTING
from sovereigncode.tools.programs.options import has, operands, scan, shape, surely_has
from sovereigncode.tools.shell.syntax import NotUnderstoodError, Simple, Word, literal

_SHELL, _NETWORK, _DELETE = ToolClass.SHELL, ToolClass.NETWORK, ToolClass.DELETE
_COMMIT = ToolClass.COMMIT
_GLOBAL: Final = shape(
    "pPhv",
    "Cc",
    "no-pager paginate bare no-replace-objects literal-pathspecs glob-pathspecs noglob-pathspecs "
    "icase-pathspecs "
    "no-optional-locks no-lazy-fetch no-advice version help html-path man-path info-path "
    "git-dir= work-tree= namespace= super-prefix= list-cmds= attr-source=",
)
_DEPTH: Final = 8
_MOST_OPTIONS: Final = 100
# A word of `git checkout` that looks like a path: `.`, `./x`, `:/`, `a.txt`.
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
    for _ in range(_MOST_OPTIONS):
        if not rest:
            break
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
    if SAFE_SETTINGS.fullmatch(text) or (
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
    if name in SECOND:
        return _second(call, *SECOND[name])
    base = BY_NAME.get(name)
    if base is None:
        return None
    letters, names = STARTING.get(name, ("", ()))
    # What is published is strict enough for an argument that is known only when it runs.
    found = surely_has if base is ToolClass.PUBLISH else has
    if (letters or names) and found(call.args, letters, *names):
        return call.unknown("an option may start a program")
    if name in OPTIONS:
        letters, names, other = OPTIONS[name]
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
    if surely_has(call.args, "d", "delete"):
        return call.is_a(_DELETE)
    listing = surely_has(call.args, "lv", "list", "verify", "contains", "points-at", "merged")
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
        and SAFE_SETTINGS.fullmatch(words[0].exact)
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
    return _second(call, *SECOND["submodule"])


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
    stopping = len(call.args) == 1 and call.args[0].exact in ("--abort", "--quit")
    return call.is_a(_DELETE if stopping else _COMMIT)


def _rebase(call: Call) -> Reading:
    if has(call.args, "x", "exec"):
        return call.unknown("an option may start a program")
    return _stops(call)


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
    "rebase": _rebase,
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
