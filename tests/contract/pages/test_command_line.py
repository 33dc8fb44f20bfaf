"""Help, completion scripts and manual page say what the parsers take, and no mistyped value is repeated."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from foundation.errors import Refusal
from foundation.secrets.scrub import scrub
from foundation.terminal.completion import script
from foundation.terminal.usage import Verb
from gonkagate_setup.catalog import GONKAGATE
from gonkagate_setup.command_line import arguments, self_description
from gonkagate_setup.command_line.self_description import ENVIRONMENT, EXITS
from gonkagate_setup.errors import Exit, code_of

ROOT = Path(__file__).resolve().parents[3]
VERBS = tuple(arguments.describe(name, GONKAGATE) for name in arguments.VERBS)
MODELS = {"kimi-k2.6", "qwen3-235b-a22b-instruct-2507-fp8", "minimax-m2.7"}


def shell(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        pytest.skip(f"{name} is not installed here; CI runs this where it is")
    return found


def saved(tmp_path: Path, name: str) -> Path:
    path = tmp_path / f"completion.{name}"
    done = subprocess.run(
        [sys.executable, "-m", "gonkagate_setup", "completion", name],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stderr == ""
    path.write_text(done.stdout)
    return path


def run(command: list[str], stdin: str = "") -> str:
    done = subprocess.run(command, input=stdin, capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stderr) == (0, ""), done
    return done.stdout


def bash(path: Path, *words: str) -> set[str]:
    line = " ".join(f"'{word}'" for word in words)
    # Outside of a completion compopt refuses, as it is not there in bash 3.2.
    ask = (
        f"source {path}; COMP_WORDS=({line}); COMP_CWORD={len(words) - 1}; "
        '_gonkagate_setup; printf "%s\\n" "${COMPREPLY[@]}"'
    )
    return set(run([shell("bash"), "--norc", "-c", ask]).split())


def test_bash_completes_verbs_flags_and_values(tmp_path: Path) -> None:
    path = saved(tmp_path, "bash")
    program = "gonkagate-setup"
    assert bash(path, program, "u") == {"undo", "uninstall"}
    assert bash(path, program, "verify", "--l") == {"--live"}
    assert bash(path, program, "--model", "") == MODELS
    assert bash(path, program, "--scope", "=", "u") == {"user"}
    assert bash(path, program, "completion", "") >= {"bash", "zsh", "fish", "powershell"}
    assert "--live" not in bash(path, program, "undo", "--")
    (tmp_path / "a folder").mkdir()
    ask = f"{tmp_path}/a"
    assert bash(path, program, "--cwd", ask) == set(f"{tmp_path}/a folder".split())


@pytest.mark.skipif(sys.platform == "win32", reason="pseudo-terminals are POSIX")
def test_bash_goes_on_below_a_folder_with_blanks(tmp_path: Path) -> None:
    """In an interactive bash: it quotes what it fills in, adds the slash, and completes below."""
    pexpect = pytest.importorskip("pexpect", reason="needs a pseudo-terminal")
    path = saved(tmp_path, "bash")
    (tmp_path / "a folder" / "inner one").mkdir(parents=True)
    child = pexpect.spawn(
        shell("bash"), ["--norc", "--noprofile", "-i"], cwd=str(tmp_path), encoding="utf-8", timeout=20,
        env={"PS1": "ready> ", "PATH": os.environ["PATH"], "TERM": "dumb", "HOME": str(tmp_path)},
    )  # fmt: skip
    try:
        child.sendline(f"source '{path}'; gonkagate-setup() {{ printf '<%s>' \"$@\"; }}; echo loaded")
        child.expect("loaded\r\n")
        for typed in ("--cwd a", "--cwd=a"):
            child.sendline(f"gonkagate-setup {typed}\t\t")
            equals = "=" in typed
            child.expect_exact("<--cwd=a folder/inner one/>" if equals else "<--cwd><a folder/inner one/>")
    finally:
        child.close(force=True)


def test_fish_completes_verbs_flags_and_values(tmp_path: Path) -> None:
    path = saved(tmp_path, "fish")
    fish = shell("fish")

    def completed(line: str) -> set[str]:
        out = run([fish, "--no-config", "-c", f"source {path}; complete -C '{line}'"])
        return {row.split("\t")[0] for row in out.splitlines()}

    assert completed("gonkagate-setup u") == {"undo", "uninstall"}
    assert completed("gonkagate-setup verify --l") == {"--live"}
    assert completed("gonkagate-setup --model ") == MODELS
    assert completed("gonkagate-setup completion ") >= {"bash", "zsh", "fish", "powershell"}
    assert "--live" not in completed("gonkagate-setup undo --")


def test_zsh_loads_and_completes(tmp_path: Path) -> None:
    path = saved(tmp_path, "zsh")
    zsh = shell("zsh")
    assert path.read_text().startswith("#compdef gonkagate-setup\n")
    run([zsh, "-f", "-n", str(path)])
    # The completion system itself, with what it was given to offer written down.
    ask = f"""
autoload -Uz compinit && compinit -u -D
source {path}
print -r -- ${{_comps[gonkagate-setup]}}
_arguments() {{ print -rl -- "$@" }}
for line in 'gonkagate-setup' 'gonkagate-setup verify' 'gonkagate-setup completion'; do
    words=(${{=line}} ''); CURRENT=${{#words}}; _gonkagate_setup
done
"""
    offered = run([zsh, "-f", "-c", ask]).splitlines()
    assert offered[0] == "_gonkagate_setup"
    assert any(spec.startswith("--live[") for spec in offered)
    assert "2:shell:(bash zsh fish powershell)" in offered
    assert any(spec.startswith("--model[") and all(model in spec for model in MODELS) for spec in offered)
    assert not any(spec.startswith("--keep-key[") for spec in offered)


def test_powershell_parses_and_completes(tmp_path: Path) -> None:
    pwsh = shell("pwsh")
    path = saved(tmp_path, "powershell")
    ask = f". {path}; (TabExpansion2 'gonkagate-setup verify --l' 26).CompletionMatches.CompletionText"
    assert run([pwsh, "-NoProfile", "-Command", ask]).split() == ["--live"]


@pytest.mark.parametrize("name", ["bash", "zsh", "fish", "powershell"])
def test_no_script_misses_a_flag_or_is_changed_by_the_scrubber(name: str) -> None:
    text = script(name, "gonkagate-setup", VERBS)
    assert scrub(text) == text
    assert text.isascii()
    for verb in VERBS:
        assert verb.name in text
        for flag in verb.flags:
            for option in flag.names:
                spelt = {"fish": f"-l {option[2:]}" if option.startswith("--") else f"-s {option[1:]}"}
                assert spelt.get(name, option) in text, option
            assert all(choice in text for choice in flag.choices)


def test_the_manual_page_has_every_flag_and_is_clean_roff(tmp_path: Path) -> None:
    text = self_description.manual(GONKAGATE)
    assert scrub(text) == text
    assert set(EXITS) == set(Exit)
    # Names and values stand as they are typed.
    assert '.SS "uninstall"' in text
    assert "\nuser: every folder on this account" in text
    variables = (
        (ROOT / "docs" / "automation.md").read_text(encoding="utf-8").split("## Environment variables")[1]
    )
    rows = [row.split("|")[1] for row in variables.splitlines() if row.startswith("| `")]
    listed = {name for row in rows for name in re.findall(r"`(\w+)`", row)}
    named = {name for names in ENVIRONMENT for name in names.split(", ")} | {GONKAGATE.key_variable}
    assert named == listed
    for file in ("api-key", "install-state.json", "last-change.json", "opencode-executable.json", "backups"):
        assert file.replace("-", "\\-") in text
    for verb in VERBS:
        for flag in verb.flags:
            assert all(name.replace("-", "\\-") in text for name in flag.names)
    groff = shell("groff")
    path = tmp_path / "page.1"
    path.write_text(text)
    shown = run([groff, "-man", "-Tascii", "-ww", str(path)])
    assert "gonkagate" in shown


@pytest.mark.parametrize("verb", VERBS, ids=lambda verb: verb.name)
@pytest.mark.parametrize("width", [40, 80, 120])
def test_the_help_fits_and_names_everything(verb: Verb, width: int) -> None:
    text = arguments.help_text(verb.name, GONKAGATE, width)
    assert text.startswith("usage: gonkagate-setup")
    for flag in verb.flags:
        assert all(name in text for name in flag.names)
    too_long = [line for line in text.splitlines() if len(line) > width and len(line.split()) > 1]
    assert [line for line in too_long if not line.strip().startswith(("--", "source", "~", "usage"))] == []
    if verb.default:
        assert all(other.summary.split()[0] in text and other.name in text for other in VERBS)


@pytest.mark.parametrize(
    ("typed", "hint"),
    [
        (["--scop", "user"], "did you mean --scope? "),
        (["--apikey-stdin"], "did you mean --api-key-stdin? "),
        (["undo", "--dryrun"], "did you mean --dry-run? "),
        (["verfy"], "did you mean verify? "),
        (["unistall", "--yes"], "did you mean uninstall? "),
        (["--scope", "usr"], "did you mean --scope user? "),
        (["--color=allways"], "did you mean --color always? it can be auto, always or never"),
        (["undo", "--live"], "see: gonkagate-setup undo --help"),
        (["help", "modles"], "did you mean help models? "),
        (["--on-blocked", "kep"], "did you mean --on-blocked keep? "),
        (["completion", "bsh"], "did you mean completion bash? "),
        (["--zzzz"], "see: gonkagate-setup --help"),
    ],
)
def test_what_was_mistyped_gets_a_suggestion(typed: list[str], hint: str) -> None:
    with pytest.raises(Refusal) as caught:
        arguments.parse(typed, GONKAGATE)
    assert code_of(caught.value) == "usage_error"
    assert caught.value.next_step.startswith(hint)
    words = [word for word in typed[1:] if not word.startswith("--") and word not in arguments.VERBS]
    said = caught.value.message + caught.value.next_step
    assert not any(word in said.split() for word in words if word not in ("user",))


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        (["verfy"], "unknown command: verfy"),
        (["frobnicate"], "unknown command: frobnicate"),
        (["Passw0rd"], "unexpected argument"),
        (["correcthorsebattery"], "unexpected argument"),
        (["undo", "--live"], "undo has no option --live; verify has it"),
        (["models", "--dry-run"], "models has no option --dry-run; setup, undo and uninstall have it"),
        (["verify", "--keep-key=x"], "verify has no option --keep-key; uninstall has it"),
    ],
)
def test_an_unknown_command_is_named_where_it_can_be_nothing_else(typed: list[str], said: str) -> None:
    with pytest.raises(Refusal) as caught:
        arguments.parse(typed, GONKAGATE)
    assert caught.value.message == said
