"""Bad input: each case ends with its status and one message, changes nothing and gives nothing away."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest

from scripts.lib import opencode_versions
from tests.support.configs import read
from tests.support.machine import Machine
from tests.support.refusals import fake_opencode, refused

CHOICES = ("--scope", "user", "--model", "kimi-k2.6", "--yes")
PROJECT = ("--scope", "project", "--model", "kimi-k2.6", "--yes")


def with_key(machine: Machine) -> dict[str, str]:
    return {"GONKAGATE_API_KEY": machine.key}


# -- opencode


def test_no_opencode(machine: Machine) -> None:
    machine.use_opencode(None)
    refused(machine, *CHOICES, env=with_key(machine), status=3, code="opencode_not_found", says=("opencode",))


def test_an_opencode_that_is_too_old(machine: Machine) -> None:
    machine.use_opencode(opencode_versions.executable(opencode_versions.TOO_OLD))
    machine.opencode("--version")  # which makes its folders the first time
    refused(
        machine,
        *CHOICES,
        env=with_key(machine),
        status=3,
        code="opencode_version_unsupported",
        says=("1.3.2", "1.4.0"),
    )


@pytest.mark.parametrize(
    ("program", "code"),
    [
        pytest.param("print('2.0.1')", "opencode_version_unsupported", id="from the future"),
        pytest.param("print('a nightly build')", "opencode_version_unparseable", id="no version"),
        pytest.param("sys.exit(3)", "opencode_version_unparseable", id="fails"),
        pytest.param("[print('x' * 100_000) for _ in range(1000)]", "opencode_unresponsive", id="100 MB"),
    ],
)
def test_an_opencode_whose_version_is_no_help(machine: Machine, program: str, code: str) -> None:
    fake_opencode(machine, program)
    refused(machine, *CHOICES, env=with_key(machine), status=3, code=code)


def test_an_opencode_without_pure(machine: Machine) -> None:
    real = opencode_versions.executable(opencode_versions.TOO_OLD)
    fake_opencode(
        machine,
        "if sys.argv[1:] == ['--version']: print('1.4.0'); sys.exit(0)\n"
        f"import os; os.execv({str(real)!r}, sys.argv)",
    )
    machine.run([str(real), "--version"])
    refused(machine, *CHOICES, env=with_key(machine), status=3, code="opencode_proof_unavailable")


def test_an_opencode_that_prints_100_mb_of_config(machine: Machine) -> None:
    fake_opencode(
        machine,
        "if sys.argv[1:] == ['--version']: print('1.18.33'); sys.exit(0)\n"
        "[print('x' * 100_000) for _ in range(1000)]",
    )
    refused(machine, *CHOICES, env=with_key(machine), status=3, code="opencode_unresponsive")


@pytest.mark.deep
def test_an_opencode_that_hangs(machine: Machine) -> None:
    fake_opencode(machine, "time.sleep(3600)")
    refused(machine, *CHOICES, env=with_key(machine), status=3, code="opencode_unresponsive")


# -- configs


@pytest.mark.parametrize("scope", ["user", "project"])
@pytest.mark.parametrize("name", ["opencode.json", "opencode.jsonc"])
def test_a_config_that_is_not_jsonc(machine: Machine, scope: str, name: str) -> None:
    folder = machine.config_folder if scope == "user" else machine.project
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text('{\n  "token": "secret-of-the-user",\n  "model" "missing a colon"\n}\n')
    report = refused(
        machine,
        *(CHOICES if scope == "user" else PROJECT),
        env=with_key(machine),
        status=5,
        code="managed_config_parse_failed",
        says=(name,),
        never=("secret-of-the-user", "missing a colon"),
    )
    assert (report["where"]["file"], report["where"]["line"]) == (str(folder / name), 3)


@pytest.mark.parametrize(
    ("content", "code"),
    [
        pytest.param("[]", "managed_config_parse_failed", id="root is a list"),
        pytest.param('"text"', "managed_config_parse_failed", id="root is text"),
        pytest.param("   \n", "managed_config_parse_failed", id="blank"),
        pytest.param('{"provider": 3}', "managed_config_merge_failed", id="provider is a number"),
        pytest.param(
            '{"provider": {"gonkagate": "x"}}', "managed_config_merge_failed", id="gonkagate is text"
        ),
    ],
)
def test_a_config_of_the_wrong_shape(machine: Machine, content: str, code: str) -> None:
    machine.config_folder.mkdir(parents=True)
    machine.user_config.write_text(content)
    refused(machine, *CHOICES, env=with_key(machine), status=5, code=code, says=("opencode.json",))


@pytest.mark.parametrize("scope", ["user", "project"])
def test_a_folder_where_a_config_should_be(machine: Machine, scope: str) -> None:
    target = machine.user_config if scope == "user" else machine.project_config
    target.mkdir(parents=True)
    refused(
        machine,
        *(CHOICES if scope == "user" else PROJECT),
        env=with_key(machine),
        status=5,
        code="managed_config_read_failed",
        says=(str(target),),
    )


def test_a_config_behind_a_link_that_leads_nowhere(machine: Machine) -> None:
    machine.config_folder.mkdir(parents=True)
    machine.user_config.symlink_to(machine.home / "dotfiles" / "opencode.json")
    refused(machine, *CHOICES, env=with_key(machine), status=5, code="managed_config_unsafe_link")


@pytest.mark.parametrize(
    ("mode", "code"), [(0o000, "managed_config_read_failed"), (0o444, "managed_config_read_only")]
)
def test_a_config_without_the_right_to_it(machine: Machine, mode: int, code: str) -> None:
    if os.geteuid() == 0:
        # root may read and write anything; without these two capabilities it is an owner like any other.
        setpriv = shutil.which("setpriv")
        if setpriv is None:
            pytest.skip("runs as root, and setpriv is not there to give root's rights up")
        rights = "-dac_override,-dac_read_search"
        machine.python = [setpriv, f"--bounding-set={rights}", f"--inh-caps={rights}", *machine.python]
    machine.config_folder.mkdir(parents=True)
    machine.user_config.write_text("{}\n")
    machine.user_config.chmod(mode)
    refused(machine, *CHOICES, env=with_key(machine), status=5, code=code, says=(str(machine.user_config),))


# -- usage


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        pytest.param(("--scope", "user", "--yes", "--model", "gpt-5"), "unsupported_model_key", id="model"),
        pytest.param(("--scope", "user"), "model_selection_required", id="no model"),
        pytest.param(("--model", "kimi-k2.6"), "scope_selection_required", id="no scope"),
        pytest.param((*CHOICES, "--cwd", "/nowhere/at/all"), "working_directory_unusable", id="cwd"),
        pytest.param((*CHOICES, "--frobnicate"), "usage_error", id="unknown option"),
        pytest.param(("--scope", "galaxy"), "usage_error", id="unknown scope"),
        pytest.param((*CHOICES, "surplus"), "usage_error", id="surplus word"),
        pytest.param(("--model",), "usage_error", id="no value"),
    ],
)
def test_usage(machine: Machine, arguments: tuple[str, ...], code: str) -> None:
    refused(machine, *arguments, env=with_key(machine), status=2, code=code, never=("frobnicate=", "galaxy"))
    assert not (machine.root / "nowhere").exists()


@pytest.mark.parametrize(
    "spelling",
    ["--api-key={}", "--api-key {}", "--apikey={}", "--API-KEY={}", "--key {}", "--scope {}", "{}"],
)
def test_a_key_as_an_argument(machine: Machine, spelling: str) -> None:
    arguments = spelling.format(machine.key).split()
    refused(machine, *CHOICES, *arguments, status=2, code="api_key_flag_refused", says=("GONKAGATE_API_KEY",))


# -- the key


def test_no_key(machine: Machine) -> None:
    refused(machine, *CHOICES, status=4, code="secret_source_unavailable", says=("GONKAGATE_API_KEY",))


@pytest.mark.parametrize(
    ("text", "code"),
    [
        pytest.param("", "secret_stdin_empty", id="empty"),
        pytest.param(" \n\t\n", "secret_stdin_empty", id="blank"),
        pytest.param('"{}"', "secret_invalid", id="quoted"),
        pytest.param("{}\n{}", "secret_invalid", id="two lines"),
        pytest.param("{} {}", "secret_invalid", id="two words"),
        pytest.param("x{}", "secret_invalid", id="another prefix"),
        pytest.param("{}\\n", "secret_invalid", id="backslash"),
        pytest.param("{}\x07", "secret_invalid", id="control character"),
        pytest.param("gp-", "secret_invalid", id="prefix only"),
        pytest.param("{}é", "secret_invalid", id="not ASCII"),
    ],
)
def test_what_is_not_a_key(machine: Machine, text: str, code: str) -> None:
    typed = text.replace("{}", machine.key)
    refused(machine, *CHOICES, "--api-key-stdin", stdin=typed, status=4, code=code)


# -- the setup record, which is never fatal


@pytest.mark.parametrize(
    "content",
    [
        pytest.param("{ not JSON", id="corrupt"),
        pytest.param("", id="empty"),
        pytest.param("[]", id="no object"),
        pytest.param(
            json.dumps({"schema": 7, "selectedScope": "everywhere", "selectedModelKey": "kimi-9"}), id="newer"
        ),
    ],
)
def test_a_state_file_that_cannot_be_used_is_repaired(machine: Machine, content: str) -> None:
    machine.key_file.parent.mkdir(parents=True, mode=0o700)
    machine.state_file.write_text(content)
    done = machine.run_setup("--scope", "user", "--yes", "--json", "--api-key-stdin", stdin=machine.key)
    assert (done.status, done.json["status"]) == (0, "success"), done.output
    state = read(machine.state_file)
    assert (state["selectedScope"], state["selectedModelKey"]) == ("user", "kimi-k2.6")
    assert len(state) == 5


def test_the_working_folder_is_never_made(machine: Machine, tmp_path: Path) -> None:
    missing = tmp_path / "typo"
    refused(
        machine,
        *PROJECT,
        "--cwd",
        str(missing),
        env=with_key(machine),
        status=2,
        code="working_directory_unusable",
    )
    assert not missing.exists()
