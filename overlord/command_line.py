"""The command line as data: verbs, what each takes, and help made from it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final, Mapping, NoReturn, Sequence

from foundation.errors import Refusal
from foundation.terminal.text import closest, listed, wrap
from foundation.terminal.usage import Flag, Verb, heading, rows
from overlord.core.servants import MOST_NORMAL, PROFILES

PROGRAM: Final = "mmi-cli"
GROUP: Final = "overlord"
_WORDS: Final = f"{PROGRAM} {GROUP}"

_WHAT: Final = (
    "A run has one Ultra, which is a strong, slow model, and one to eight normal servants, which are quick "
    "ones. Each of them is a conversation that is kept, in a slot: ultra, normal-1 to normal-8."
)
_KEY: Final = (
    "The key is read from the variable SAKANA_API_KEY or MMI_OVERLORD_LLM_API_KEY, never from an argument."
)

# --api-key, --apikey, -api_key=…, --key, --token …, as gonkagate-setup refuses them.
_KEY_FLAG: Final = re.compile(r"--?(api[-_]?)?(key|secret|token)", re.IGNORECASE)
_OPTION: Final = re.compile(r"-[a-z]|--[a-z]+(-[a-z]+)*")
_LONGEST_OPTION: Final = 24


def _flag(name: str, value: str | None, help_: str, choices: tuple[str, ...] = ()) -> Flag:
    return Flag((name,), value, choices, help_, folder=value == "PATH")


_COMMON: Final = (
    _flag("--run", "ID", "the run (default: MMI_OVERLORD_RUN, else the only open run of this worktree)"),
    _flag("--cwd", "PATH", "act as if started in PATH (default: the current folder)"),
    _flag("--json", None, "print exactly one JSON object on standard output"),
    _flag("--no-input", None, "accepted, and changes nothing: no question is ever asked"),
    _flag("--debug", None, "show the beginning of what the service says when it refuses a request"),
    Flag(("-h", "--help"), None, (), "show this help"),
)
_NORMAL: Final = _flag("--normal", "N", f"how many normal servants, 1 to {MOST_NORMAL} (default: 2)")
_FILE: Final = _flag("--file", "FILE", "read the text from FILE")
_TARGET: Final = (
    "TARGET is a slot (ultra, normal-1, ...), a servant's name, normals, all, or several with commas."
)


@dataclass(frozen=True)
class Words:
    """What a verb takes besides options: the names of its words, and how many of them must be there."""

    names: tuple[str, ...] = ()
    needed: int = 0


def _verb(name: str, summary: str, *flags: Flag, epilog: str = "") -> Verb:
    return Verb(name, summary, (*flags, *_COMMON), epilog)


VERBS: Final[Mapping[str, tuple[Verb, Words]]] = {
    verb.name: (verb, words)
    for verb, words in (
        (
            _verb(
                "start",
                "start a run: one Ultra and several normal servants",
                _NORMAL,
                _flag("--assignment", "TEXT", "what every servant is for; - reads it from standard input"),
                _flag("--assign", "SLOT=TEXT", "what one servant is for; can be given several times"),
                _flag(
                    "--profile",
                    "|".join(PROFILES),
                    "advice, or patches as text (default: consultation)",
                    PROFILES,
                ),
                _flag("--new", None, "start another run, although one is open in this worktree"),
                _flag("--dry-run", None, "ask the service for its models, and show what would be sent"),
            ),
            Words(),
        ),
        (
            _verb(
                "send",
                "send one message to servants, and wait for their answers",
                _FILE,
                _flag("--then", "SERVANT", "then ask this servant too, with all answers quoted"),
                epilog=f"{_TARGET} If MESSAGE is -, it is read from standard input.",
            ),
            Words(("TARGET", "MESSAGE"), 1),
        ),
        (
            _verb(
                "retry",
                "ask again those who did not answer a message",
                epilog="MESSAGE_ID is such as m-0001 (default: the newest that somebody did not answer).",
            ),
            Words(("MESSAGE_ID",)),
        ),
        (
            _verb(
                "status",
                "say who is ready; ask those who have been silent for long for a sign of life",
                _flag("--no-liveness", None, "make no request"),
                epilog="An answer counts as a sign of life for 15 minutes: its lease. "
                "MMI_OVERLORD_LEASE_MS sets another time.",
            ),
            Words(),
        ),
        (
            _verb("recover", "bring blocked servants back (default: all of them)", epilog=_TARGET),
            Words(("TARGET",)),
        ),
        (
            _verb(
                "replace",
                "begin a new conversation in a slot; the new servant gets a handoff of the old one",
                _flag("--assignment", "TEXT", "what the servant is for (default: as before)"),
                _flag("--note", "TEXT", "a note for the new servant"),
            ),
            Words(("SLOT",), 1),
        ),
        (
            _verb(
                "await-human",
                "note that the run waits for a person; an answered send ends that",
                epilog="NOTE says what for; status shows it.",
            ),
            Words(("NOTE",)),
        ),
        (_verb("stop", "end the run; what was said is kept"), Words()),
        (
            _verb(
                "ask",
                "ask several servants one question, and keep nothing",
                _NORMAL,
                _FILE,
                epilog="If QUESTION is -, it is read from standard input.",
            ),
            Words(("QUESTION",)),
        ),
        (_verb("watch", "show what changes in a run, until nobody in it is waited for"), Words()),
        (_verb("list", "list all runs, with their ids"), Words()),
        (
            _verb(
                "export",
                "print the run's transcript as Markdown",
                _flag("--out", "FILE", "write it to FILE instead"),
            ),
            Words(),
        ),
        (_verb("delete", "remove a stopped or failed run"), Words(("RUN_ID",), 1)),
        (
            _verb(
                "doctor",
                "show the settings in effect",
                _flag("--live", None, "also ask the service for its models"),
            ),
            Words(),
        ),
    )
}


@dataclass(frozen=True)
class Arguments:
    """A parsed command line: the verb, its words, and its options with the values that each was given."""

    verb: str
    words: tuple[str, ...] = ()
    options: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def has(self, name: str) -> bool:
        """Whether the option was given."""
        return name in self.options

    def value(self, name: str) -> str | None:
        """The option's value; the last one counts."""
        return self.options[name][-1] if name in self.options else None

    def word(self, index: int) -> str | None:
        """A word, None if it was left out."""
        return self.words[index] if index < len(self.words) else None


def refuse_keys(argv: Sequence[str], how_to_set: str) -> None:
    """Refuse a key given as an argument, unread; Refusal api_key_flag_refused.

    `how_to_set` is the command that sets the variable for it.
    """
    if any(_KEY_FLAG.match(word) for word in before_separator(argv)):
        raise Refusal(
            "api_key_flag_refused",
            "a key is not accepted as an argument: it would stay in the shell's history and be visible to "
            "other programs",
            next_step=how_to_set,
        )


def before_separator(argv: Sequence[str]) -> Sequence[str]:
    """The arguments before `--`."""
    return argv[: argv.index("--")] if "--" in argv else argv


def verb_of(argv: Sequence[str]) -> str:
    """The verb that `argv` names; `help` without one."""
    return _split(argv)[0] or "help"


def wants_help(argv: Sequence[str]) -> bool:
    """Whether `argv` asks for help."""
    return any(word in ("-h", "--help") for word in before_separator(argv))


def parse(argv: Sequence[str]) -> Arguments:
    """The arguments; Refusal usage_error, which repeats names that were typed and never values."""
    name, rest = _split(argv)
    if name is None:
        return _without_verb(rest)
    verb, words = VERBS[name]
    found, options = _taken_apart(rest, verb)
    if "--help" not in options:
        if len(found) < words.needed:
            _refuse(f"{words.names[len(found)]} is missing", verb)
        if len(found) > len(words.names):
            _refuse("too many arguments", verb, "quote a text that has blanks; ")
    return Arguments(name, tuple(found), options)


def _without_verb(rest: Sequence[str]) -> Arguments:
    if any(word in ("-h", "--help") for word in rest) or list(rest[:1]) == ["help"]:
        return Arguments("help")
    if "--version" in rest:
        return Arguments("version")
    typed = next((word for word in rest if not word.startswith("-")), None)
    near = None if typed is None else closest(typed, tuple(VERBS))
    hint = "" if near is None else f"did you mean {near}? "
    what = "no command was given" if typed is None else "there is no such command"
    raise Refusal("usage_error", what, next_step=f"{hint}see: {_WORDS} --help")


def _taken_apart(rest: Sequence[str], verb: Verb) -> tuple[list[str], dict[str, tuple[str, ...]]]:
    """The words, and the options with their values."""
    found: list[str] = []
    options: dict[str, tuple[str, ...]] = {}
    waiting = list(rest)
    while waiting:
        word = waiting.pop(0)
        if word == "--":
            return found + waiting, options
        if not word.startswith("-") or word == "-":
            found.append(word)
            continue
        name, value = _option(word, waiting, verb)
        options[name] = (*options.get(name, ()), value)
    return found, options


def _option(word: str, waiting: list[str], verb: Verb) -> tuple[str, str]:
    """An option's long name and its value, which is taken from what is waiting if it is not in the word."""
    given, equals, value = word.partition("=")
    flag = next((flag for flag in verb.flags if given in flag.names), None)
    if flag is None:
        _refuse_option(given, verb)
    if flag.value is None and equals:
        _refuse(f"{given} takes no value", verb)
    if flag.value is not None and not equals:
        if not waiting:
            _refuse(f"{given} needs a value", verb)
        value = waiting.pop(0)
    if flag.choices and value not in flag.choices:
        _refuse(f"invalid value for {given}", verb, f"it can be {listed(flag.choices, 'or')}; ")
    return flag.names[-1], value


def _split(argv: Sequence[str]) -> tuple[str | None, list[str]]:
    """The verb, which is the first word that is neither an option nor an option's value, and the rest."""
    flags = [flag for verb, _ in VERBS.values() for flag in verb.flags]
    takes_value = {name for flag in flags for name in flag.names if flag.value is not None}
    skip = False
    for index, word in enumerate(argv):
        if skip:
            skip = False
        elif word in takes_value:
            skip = True
        elif not word.startswith("-"):
            known = word if word in VERBS else None
            return known, list(argv) if known is None else [*argv[:index], *argv[index + 1 :]]
    return None, list(argv)


def _refuse_option(given: str, verb: Verb) -> NoReturn:
    near = closest(given, [name for flag in verb.flags for name in flag.names])
    hint = "" if near is None else f"did you mean {near}? "
    plain = _OPTION.fullmatch(given) and len(given) <= _LONGEST_OPTION
    _refuse(f"unknown option: {given}" if plain else "unknown option", verb, hint)


def _refuse(message: str, verb: Verb, hint: str = "") -> NoReturn:
    raise Refusal("usage_error", message, next_step=f"{hint}see: {_WORDS} {verb.name} --help")


def usage_line(name: str) -> str:
    """`mmi-cli overlord send TARGET [MESSAGE] [options]`."""
    words = VERBS[name][1]
    shown = [word if place < words.needed else f"[{word}]" for place, word in enumerate(words.names)]
    return " ".join(["usage:", _WORDS, name, *shown, "[options]"])


def help_text(name: str, width: int) -> str:
    """The help of one verb, or of the program (`help`)."""
    if name not in VERBS:
        commands = rows([(verb.name, verb.summary) for verb, _ in VERBS.values()], width)
        lines = [wrap(f"usage: {_WORDS} COMMAND [options]", width, rest="  "), ""]
        lines += [wrap(_WHAT, width)]
        lines += ["", "commands:", *commands, ""]
        lines += [
            wrap(_KEY, width),
            wrap(f"Each command has its own help, for example: {_WORDS} send --help", width),
        ]
        return "\n".join(lines)
    verb = VERBS[name][0]
    lines = [wrap(usage_line(name), width, rest="  "), "", wrap(verb.description, width)]
    lines += ["", "options:", *rows([(heading(flag), flag.help) for flag in verb.flags], width)]
    if verb.epilog:
        lines += ["", wrap(verb.epilog, width)]
    return "\n".join(lines)
