"""Programs with sub-commands: `npm publish`, `gh release create`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Iterator, Mapping, Sequence

from sovereigncode.tools.classes import Reading, ToolClass
from sovereigncode.tools.programs.calls import Call, Rule, strictest
from sovereigncode.tools.shell.syntax import Word

Does = ToolClass | Rule
_MOST_PLACES: Final = 8
_TASK_PARTS: Final = re.compile(r"[A-Z]?[a-z]+|[A-Z]+")
# Names of tasks in package.json, Makefile and the like, by the words in them.
TASKS: Final[Mapping[ToolClass, tuple[str, ...]]] = {
    ToolClass.PUBLISH: (
        "publish", "prepublish", "postpublish", "unpublish", "release", "prerelease", "deploy", "predeploy",
        "upload", "push", "ship",
    ),
    ToolClass.COMMIT: ("commit",),
    ToolClass.DELETE: ("clean", "distclean", "clobber", "purge", "delete", "remove", "destroy", "wipe",
                       "drop"),
}  # fmt: skip


@dataclass(frozen=True)
class Family:
    """A program whose first word says what it does.

    `commands`: one or two words, and what they do. `valued`: options before the sub-command that take a
    value; `flags`: those that take none. Of an option that is in neither, both are assumed. `other`: the
    class of a sub-command that is not listed. `prefixes`: sub-commands may be abbreviated. `programs`: a
    sub-command that is not listed is a program that is started. `alone`: the class without a sub-command.
    """

    commands: Mapping[str, Does]
    valued: frozenset[str] = frozenset()
    flags: frozenset[str] = frozenset()
    other: ToolClass = ToolClass.SHELL
    prefixes: bool = False
    programs: bool = False
    alone: ToolClass = ToolClass.SHELL

    def __call__(self, call: Call) -> Reading:
        """The strictest of what the arguments may mean."""
        places = list(candidates(call.args, self.valued, self.flags))
        if len(places) > _MOST_PLACES:
            return call.unknown("it has too many options that are not known")
        if not places:
            first = call.args[0].exact if call.args else None
            if first is None and call.args:
                return call.unknown("its sub-command is known only when it runs")
            return call.is_a(self.alone)
        return strictest([self._at(call, place) for place in places])

    def _at(self, call: Call, place: int) -> Reading:
        name = call.args[place].exact
        rest = call.args[place + 1 :]
        if name is None or "{" in name:
            return call.unknown("its sub-command is known only when it runs")
        if any(key.startswith(f"{name} ") for key in self.commands):
            return self._second(call.under(name, rest), name)
        found = self._named(name)
        if found:
            return strictest([_does(does, call.under(name, rest)) for does in found])
        if self.programs:
            return call.run(call.args[place:])
        return call.under(name, rest).is_a(self.other)

    def _second(self, call: Call, name: str) -> Reading:
        fallback = self.commands.get(name, self.other)
        places = list(candidates(call.args, self.valued, self.flags))
        if not places:
            if call.args and call.args[0].exact is None:
                return call.unknown("its sub-command is known only when it runs")
            return _does(fallback, call)
        readings = []
        for place in places:
            second = call.args[place].exact
            if second is None or "{" in second:
                readings.append(call.unknown("its sub-command is known only when it runs"))
                continue
            rest = call.under(second, call.args[place + 1 :])
            found = self.commands.get(f"{name} {second}")
            readings.append(_does(fallback, call) if found is None else _does(found, rest))
        return strictest(readings)

    def _named(self, name: str) -> list[Does]:
        if name in self.commands:
            return [self.commands[name]]
        if not self.prefixes or not name:
            return []
        return [does for full, does in self.commands.items() if full.startswith(name)]


def _does(does: Does, call: Call) -> Reading:
    return call.is_a(does) if isinstance(does, ToolClass) else does(call)


def candidates(args: Sequence[Word], valued: frozenset[str], flags: frozenset[str]) -> Iterator[int]:
    """Where the first operand may be: after an option that is not known, at two places."""
    at = 0
    after_unknown = False
    while at < len(args):
        word = args[at]
        text = word.text if word.text is not None else word.start
        if word.text is None and (word.splits or not word.start):
            yield at
            return
        if text == "--":
            after_unknown = False
            at += 1
        elif not text.startswith("-") or text == "-":
            yield at
            if not after_unknown:
                return
            after_unknown = False
            at += 1
        elif text in valued:
            after_unknown = False
            if at + 1 < len(args) and args[at + 1].splits:
                # The value may become several words.
                yield at + 1
                return
            at += 2
        else:
            after_unknown = "=" not in text and text not in flags
            at += 1


def task_class(name: str) -> ToolClass:
    """What a task of a task runner does, by its name."""
    words = {part.lower() for part in _TASK_PARTS.findall(name)}
    return max((found for found, names in TASKS.items() if words & set(names)), default=ToolClass.SHELL)


def named_task(call: Call) -> Reading:
    """`npm run x`: the first word is the task, the others are for it."""
    places = list(candidates(call.args, frozenset(), frozenset()))
    if not places:
        return call.is_a(ToolClass.SHELL)
    return strictest([task(Call(call.what, call.args[place : place + 1], call.context)) for place in places])


def task(call: Call) -> Reading:
    """A task that is named in the arguments; any argument may be its name."""
    found = call.is_a(ToolClass.SHELL)
    for word in call.args:
        if word.exact is None and (word.splits or not word.start):
            return call.unknown("the task is known only when it runs")
        text = word.text if word.text is not None else word.start
        if not text.startswith("-") and "=" not in text:
            found = found + call.under(text, ()).is_a(task_class(text))
    return found


def starts(base: ToolClass, valued: str = "", flags: str = "", *, skip: int = 0) -> Rule:
    """A sub-command that starts another program: `poetry run x`; `skip`: so many words come before it."""
    known, plain = frozenset(valued.split()), frozenset(flags.split())

    def rule(call: Call) -> Reading:
        places = list(candidates(call.args, known, plain))
        readings = [call.is_a(base)]
        if len(places) > _MOST_PLACES:
            return call.unknown("it has too many options that are not known")
        for place in places:
            rest = call.args[place + skip :]
            readings.append(call.run(rest[1:] if rest and rest[0].exact == "--" else rest))
        return strictest(readings)

    return rule


def table(rows: Mapping[ToolClass, str], **others: Does) -> dict[str, Does]:
    """Names separated by commas; `_` in a keyword is a blank."""
    made: dict[str, Does] = {}
    for found, names in rows.items():
        made.update((name.strip(), found) for name in names.split(",") if name.strip())
    return {**made, **{name.replace("_", " "): does for name, does in others.items()}}


def words(text: str) -> frozenset[str]:
    """The words of a text."""
    return frozenset(text.split())
