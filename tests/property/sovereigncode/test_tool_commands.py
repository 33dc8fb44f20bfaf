"""What holds for every command: there is a class, wrapping never lowers it, `;` gives the strictest."""

from __future__ import annotations

import shlex
from random import Random

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from sovereigncode.tools.classes import ToolClass
from sovereigncode.tools.command import ON_WINDOWS, read_command, read_program
from tests.support.shell_scripts import TOKENS, heap, quoted, script

SEEDS = st.integers(0, 2**32)
SCRIPTS = SEEDS.map(lambda seed: script(Random(seed)))
HEAPS = SEEDS.map(lambda seed: heap(Random(seed)))
TEXTS = st.one_of(st.text(max_size=60), HEAPS, SCRIPTS, st.lists(st.sampled_from(TOKENS)).map("".join))
WRAPPERS = (
    "sh -c {}", "bash -c {}", "bash -lc {}", "dash -c {}", "zsh -c {}", "env sh -c {}",
    "env -i A=b bash -c {}", "sudo sh -c {}", "nohup sh -c {} &", "time bash -c {}", "timeout 5 sh -c {}",
    "exec sh -c {}", "eval {}", "command bash -c {}", "trap {} EXIT", "xargs sh -c {}",
    "find . -exec sh -c {} \\;", "echo x | bash -c {}", "ssh host {}", "su -c {}", "flock l -c {}",
    "git -c alias.x=!{} x", "git submodule foreach {}", "busybox sh -c {}",
)  # fmt: skip
AROUND = (
    "$({}\n)", "echo $({}\n)", "echo \"$({}\n)\"", "x=$({}\n)", "( {}\n)", "{{ {}\n}}",
    "if true\nthen {}\nfi", "while true\ndo {}\ndone", "! {{ {}\n}}", "f() {{ {}\n}}; f", "cat <({}\n)",
    "[ \"$({}\n)\" ]", "{}\n: end", "case a in a) {}\n;; esac", "echo ${{X:-$({}\n)}}",
    "for i in $({}\n)\ndo ls\ndone", "true && {{ {}\n}}",
)  # fmt: skip


def class_of(text: str) -> ToolClass:
    return read_command(text).tool_class


@given(TEXTS)
def test_every_text_has_a_class_in_every_shell(text: str) -> None:
    for dialect in ON_WINDOWS:
        assert isinstance(read_command(text, dialects=(dialect,)).tool_class, ToolClass)
    assert read_command(text, dialects=ON_WINDOWS).tool_class >= class_of(text)
    assert class_of(text) >= ToolClass.SHELL


@given(st.lists(st.text(max_size=20), max_size=6))
def test_every_program_has_a_class(words: list[str]) -> None:
    assert read_program(words).tool_class >= ToolClass.SHELL


@pytest.mark.parametrize("wrapper", WRAPPERS)
@given(text=st.one_of(SCRIPTS, HEAPS))
def test_a_wrapper_never_lowers_the_class(wrapper: str, text: str) -> None:
    # A text that begins with a hyphen is an option to these programs, not a script.
    assume(not text.startswith("-"))
    assert class_of(wrapper.replace("{}", shlex.quote(text))) >= class_of(text)


@pytest.mark.parametrize("around", AROUND)
@given(text=SCRIPTS)
def test_a_script_around_it_never_lowers_the_class(around: str, text: str) -> None:
    assert class_of(around.format(text)) >= class_of(text)


@given(SCRIPTS, SCRIPTS)
def test_a_semicolon_or_a_new_line_gives_the_strictest(first: str, second: str) -> None:
    both = max(class_of(first), class_of(second))
    assert class_of(f"{first}\n{second}") == both
    if "<<" not in first and "#" not in first and not first.rstrip().endswith("&"):
        assert class_of(f"{first}; {second}") == both


@given(SCRIPTS, SCRIPTS)
def test_what_is_not_understood_stays_so_beside_what_is(text: str, other: str) -> None:
    assert class_of(f"{text}\n$X") is ToolClass.UNKNOWN
    assert class_of(f"$X\n{text}") is ToolClass.UNKNOWN
    assert class_of(f"{other}\n{text}\n)") is ToolClass.UNKNOWN


@given(SEEDS, st.sampled_from(("git push", "rm x", "curl x", "git commit", "ls")))
def test_quotation_marks_do_not_change_the_class(seed: int, command: str) -> None:
    random = Random(seed)
    assert class_of(" ".join(quoted(word, random) for word in command.split())) == class_of(command)


@given(HEAPS)
def test_the_same_text_always_has_the_same_reading(text: str) -> None:
    assert read_command(text) == read_command(text)
