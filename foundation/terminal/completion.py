"""Completion scripts for shells, made from the same parsers as the help; they start no program."""

from __future__ import annotations

from typing import Callable, Final, Mapping, Sequence

from foundation.terminal.usage import Flag, Verb


def script(shell: str, program: str, verbs: Sequence[Verb]) -> str:
    """The script for bash, zsh, fish or powershell."""
    head = f"# {shell} completion for {program}; made by: {program} completion {shell}\n"
    made = _SHELLS[shell](program, verbs)
    # zsh recognises a completion by its first line.
    return made.replace("\n", f"\n{head}", 1) if shell == "zsh" else head + made


def _function(program: str) -> str:
    return "_" + program.replace("-", "_")


def _valued(verbs: Sequence[Verb]) -> dict[str, Flag]:
    """Every option name that takes a value; the same name means the same for every verb."""
    return {
        name: flag for verb in verbs for flag in verb.flags if flag.value is not None for name in flag.names
    }


def _names(verb: Verb) -> list[str]:
    return [name for flag in verb.flags for name in flag.names]


def _bash(program: str, verbs: Sequence[Verb]) -> str:
    function = _function(program)
    values = []
    for name, flag in _valued(verbs).items():
        if flag.folder:
            # bash itself quotes blanks and continues inside a folder; bash 3.2 has no compopt.
            reply = (
                "compopt -o dirnames -o filenames 2>/dev/null || "
                "{ local IFS=$'\\n'; COMPREPLY=($(compgen -d -- \"$current\")); }; "
            )
        elif flag.choices:
            reply = f'COMPREPLY=($(compgen -W "{" ".join(flag.choices)}" -- "$current")); '
        else:
            reply = ""
        values.append(f"        {name}) {reply}return ;;")
    words = [f'        {verb.name}) words="{" ".join((*verb.words, *_names(verb)))}" ;;' for verb in verbs]
    names = " ".join(verb.name for verb in verbs)
    default = next(verb.name for verb in verbs if verb.default)
    return "\n".join(
        [
            f"{function}() {{",
            '    local current="${COMP_WORDS[COMP_CWORD]}" previous="${COMP_WORDS[COMP_CWORD-1]}"',
            f'    local verb="" words="" index verbs="{names}"',
            "    COMPREPLY=()",
            '    # bash takes "--scope=user" for three words.',
            '    if [[ $current == "=" ]]; then current=""',
            '    elif [[ $previous == "=" ]]; then previous="${COMP_WORDS[COMP_CWORD-2]}"; fi',
            "    for ((index = 1; index < COMP_CWORD; index++)); do",
            '        if [[ " $verbs " == *" ${COMP_WORDS[index]} "* ]]; then',
            '            verb="${COMP_WORDS[index]}"',
            "            break",
            "        fi",
            "    done",
            "    case $previous in",
            *values,
            "    esac",
            f"    case ${{verb:-{default}}} in",
            *words,
            "    esac",
            '    [[ -z $verb ]] && words="$verbs $words"',
            '    COMPREPLY=($(compgen -W "$words" -- "$current"))',
            "}",
            f"complete -F {function} {program}",
            "",
        ]
    )


def _zsh(program: str, verbs: Sequence[Verb]) -> str:
    function = _function(program)
    cases = []
    for verb in verbs:
        specs = [spec for flag in verb.flags for spec in _zsh_flag(flag)]
        first = "1:verb:{_describe verb verbs}" if verb.default else f"1:verb:({verb.name})"
        specs.append(_single(first))
        if verb.words:
            specs.append(_single(f"2:{verb.word}:({' '.join(verb.words)})"))
        cases += [f"        {verb.name})", "            _arguments \\"]
        cases += [f"                {spec} \\" for spec in specs[:-1]]
        cases += [f"                {specs[-1]}", "            ;;"]
    described = [f"        {_single(f'{verb.name}:{verb.summary}')}" for verb in verbs]
    default = next(verb.name for verb in verbs if verb.default)
    return "\n".join(
        [
            f"#compdef {program}",
            f"{function}() {{",
            "    local -a verbs",
            "    verbs=(",
            *described,
            "    )",
            f"    local verb={default} word",
            "    for word in ${words[2,CURRENT-1]}; do",
            f"        case $word in ({'|'.join(verb.name for verb in verbs)}) verb=$word; break;; esac",
            "    done",
            "    case $verb in",
            *cases,
            "    esac",
            "}",
            f'if [[ "${{funcstack[1]}}" == "{function}" || "${{funcstack[1]}}" == "_{program}" ]]; then',
            f'    {function} "$@"',
            "else",
            f"    compdef {function} {program}",
            "fi",
            "",
        ]
    )


def _zsh_flag(flag: Flag) -> list[str]:
    about = flag.help
    for character in "\\[]:":
        about = about.replace(character, f"\\{character}")
    value = ""
    if flag.value is not None:
        action = "_files -/" if flag.folder else f"({' '.join(flag.choices)})" if flag.choices else ""
        value = f":{flag.value.split('|')[0] if flag.choices else flag.value}:{action}"
    return [_single(f"{name}[{about}]{value}") for name in flag.names]


def _single(text: str) -> str:
    quoted = text.replace("'", "'\\''")
    return f"'{quoted}'"


def _fish(program: str, verbs: Sequence[Verb]) -> str:
    names = " ".join(verb.name for verb in verbs)
    lines = [f"complete -c {program} -f"]
    for verb in verbs:
        unseen = f"not __fish_seen_subcommand_from {names}"
        lines.append(
            f"complete -c {program} -n {_single(unseen)} -a {verb.name} -d {_fish_text(verb.summary)}"
        )
    for verb in verbs:
        seen = f"__fish_seen_subcommand_from {verb.name}"
        if verb.default:
            seen = "not __fish_seen_subcommand_from " + " ".join(
                other.name for other in verbs if not other.default
            )
        start = f"complete -c {program} -n {_single(seen)}"
        lines += [f"{start} {_fish_flag(flag)}" for flag in verb.flags]
        if verb.words:
            lines.append(f"{start} -a {_single(' '.join(verb.words))}")
    return "\n".join([*lines, ""])


def _fish_flag(flag: Flag) -> str:
    parts = [f"-l {name[2:]}" if name.startswith("--") else f"-s {name[1:]}" for name in flag.names]
    if flag.folder:
        parts.append("-x -a '(__fish_complete_directories)'")
    elif flag.choices:
        parts.append(f"-x -a {_single(' '.join(flag.choices))}")
    elif flag.value is not None:
        parts.append("-x")
    return " ".join([*parts, f"-d {_fish_text(flag.help)}"])


def _fish_text(text: str) -> str:
    quoted = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{quoted}'"


def _powershell(program: str, verbs: Sequence[Verb]) -> str:
    def listed(words: Sequence[str]) -> str:
        return "@(" + ", ".join(f"'{word}'" for word in words) + ")"

    options = [f"        '{verb.name}' = {listed([*verb.words, *_names(verb)])}" for verb in verbs]
    values = [f"        '{name}' = {listed(flag.choices)}" for name, flag in _valued(verbs).items()]
    default = next(verb.name for verb in verbs if verb.default)
    return "\n".join(
        [
            f"Register-ArgumentCompleter -Native -CommandName {program} -ScriptBlock {{",
            "    param($wordToComplete, $commandAst, $cursorPosition)",
            "    $options = @{",
            *options,
            "    }",
            "    $values = @{",
            *values,
            "    }",
            "    $words = @($commandAst.CommandElements |",
            "        Where-Object { $_.Extent.EndOffset -lt $cursorPosition } |",
            "        Select-Object -Skip 1 | ForEach-Object { $_.ToString() })",
            "    $verb = $words | Where-Object { $options.ContainsKey($_) } | Select-Object -First 1",
            "    $last = if ($words.Count -gt 0) { $words[-1] } else { '' }",
            "    $candidates = if ($values.ContainsKey($last)) { $values[$last] }",
            "        elseif ($verb) { $options[$verb] }",
            f"        else {{ {listed([verb.name for verb in verbs])} + $options['{default}'] }}",
            '    $candidates | Where-Object { $_ -like "$wordToComplete*" } | ForEach-Object {',
            "        [System.Management.Automation.CompletionResult]::new($_, $_, 'ParameterValue', $_)",
            "    }",
            "}",
            "",
        ]
    )


_SHELLS: Final[Mapping[str, Callable[[str, Sequence[Verb]], str]]] = {
    "bash": _bash,
    "zsh": _zsh,
    "fish": _fish,
    "powershell": _powershell,
}
