"""An opencode that hangs, crashes, babbles or forks: a precise error in time, nothing left behind."""

from __future__ import annotations

import json
import os
import signal
import threading
import time
from pathlib import Path
from typing import Any, Iterator

import pytest

from foundation.errors import Refusal
from foundation.host import Host
from foundation.processes import Output
from gonkagate_setup.catalog import GONKAGATE
from gonkagate_setup.errors import code_of
from opencode_config.evidence import Gated
from opencode_config.launcher import Launcher
from opencode_config.places import Environment
from opencode_config.program import asking, launchers, surveying
from opencode_config.program.find import Executable, find
from opencode_config.program.opencode import Opencode
from opencode_config.program.run import run
from opencode_config.versions import Version

pytestmark = pytest.mark.skipif(os.name == "nt", reason="the fake opencode is a POSIX shell script")

SOON = 60.0  # far above what any of these takes; only the hanging ones get a short time-out


class Fake:
    """A shell script in place of opencode; `pids` are the processes that it said it started."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.path = root / "bin" / "opencode"
        self.path.parent.mkdir()
        self.home = root / "home"
        self.home.mkdir()
        self.scratch = root / "scratch"
        self.scratch.mkdir()
        self.pid_file = root / "pids"

    def does(self, body: str) -> None:
        self.path.write_text(f"#!/bin/sh\n{body}\n")
        self.path.chmod(0o755)

    @property
    def environ(self) -> dict[str, str]:
        return {
            "PATH": f"{self.path.parent}:/usr/bin:/bin",
            "HOME": str(self.home),
            "PIDS": str(self.pid_file),
            "GONKAGATE_API_KEY": "gp-real",
        }

    @property
    def host(self) -> Host:
        return Host(self.environ, self.home, self.home, "linux", hidden=GONKAGATE.hidden)

    @property
    def executable(self) -> Executable:
        return find(self.host)

    def run(self, *arguments: str, timeout: float = SOON, **more: Any) -> Output:
        return run(
            self.path,
            arguments,
            self.environ,
            self.home,
            hidden=GONKAGATE.hidden,
            timeout=timeout,
            scratch=self.scratch,
            **more,
        )

    def resolve(self, timeout: float = SOON) -> dict[str, Any]:
        return self.opencode(timeout).config(self.environ)

    def opencode(self, timeout: float = SOON) -> Opencode:
        return Opencode(self.executable, self.home, GONKAGATE.hidden, timeout=timeout, scratch=self.scratch)

    def left_behind(self) -> list[str]:
        """What is still there: processes that were named in the pid file, files in the scratch folder."""
        names = [str(path) for path in self.scratch.iterdir()]
        pids = self.pid_file.read_text().split() if self.pid_file.exists() else []
        return names + [pid for pid in pids if _runs(int(pid))]


def _runs(pid: int) -> bool:
    for _ in range(100):  # a killed orphan stays a zombie until init collects it
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except FileNotFoundError:
            return False
        if state in "ZX":
            return False
        time.sleep(0.02)
    return True


@pytest.fixture
def fake(tmp_path: Path) -> Iterator[Fake]:
    made = Fake(tmp_path)
    yield made
    assert made.left_behind() == []


def refusal(fake: Fake, timeout: float = SOON) -> Refusal:
    with pytest.raises(Refusal) as caught:
        fake.resolve(timeout)
    return caught.value


def test_one_that_hangs_is_ended_with_its_children(fake: Fake) -> None:
    fake.does('sleep 1000 & echo $! $$ >"$PIDS"; sleep 1000')
    error = refusal(fake, timeout=1)
    assert (code_of(error), error.message) == (
        "opencode_unresponsive",
        "`opencode debug config --pure` did not finish within 1 seconds",
    )


def test_one_that_ignores_signals_is_ended(fake: Fake) -> None:
    fake.does('trap "" TERM INT HUP; echo $$ >"$PIDS"; while :; do sleep 1; done')
    assert code_of(refusal(fake, timeout=1)) == "opencode_unresponsive"


def test_one_that_leaves_a_child_holding_its_output_is_not_waited_for(fake: Fake) -> None:
    fake.does('sleep 1000 & echo $! >"$PIDS"; echo "{}"')
    assert fake.resolve() == {}


@pytest.mark.parametrize("name", ["SEGV", "KILL", "TERM"])
def test_one_that_crashes_is_told_from_one_that_refuses(fake: Fake, name: str) -> None:
    fake.does(f"kill -{name} $$; sleep 5")
    error = refusal(fake)
    assert code_of(error) == "effective_config_command_failed"
    assert f"ended by signal {getattr(signal, 'SIG' + name).value}" in error.message


@pytest.mark.parametrize(
    "body",
    ["", "echo not json", "echo '[1]'", "printf '\\377\\376'", "printf '{'", "printf '%0100000d' 0 | tr 0 ["],
)
def test_one_that_prints_garbage_is_named(fake: Fake, body: str) -> None:
    fake.does(body)
    error = refusal(fake)
    assert (code_of(error), str(error.where)) == ("effective_config_parse_failed", str(fake.path))


@pytest.mark.parametrize("stream", [1, 2])
def test_one_that_prints_without_end_is_stopped(fake: Fake, stream: int) -> None:
    fake.does(f'echo $$ >"$PIDS"; exec cat /dev/zero >&{stream}')
    error = refusal(fake)
    assert (code_of(error), error.message) == (
        "opencode_unresponsive",
        "`opencode debug config --pure` printed more than 64 MiB",
    )


def test_one_that_prints_too_much_and_ends_is_refused_too(fake: Fake) -> None:
    fake.does("head -c 104857600 /dev/zero")
    assert refusal(fake).message.endswith("printed more than 64 MiB")


def test_output_far_above_a_pipe_is_read_whole(fake: Fake) -> None:
    fake.does("printf '{\"a\": \"'; head -c 3000000 /dev/zero | tr '\\0' x; printf '\"}'")
    assert len(fake.resolve()["a"]) == 3_000_000


def test_what_it_complains_about_is_named_and_nothing_of_it_quoted(fake: Fake) -> None:
    def says(*lines: str) -> None:
        (fake.root / "said").write_text("\n".join(lines))
        fake.does(f'cat "{fake.root}/said" >&2; exit 1')

    says(
        "\x1b[91mError: \x1b[0mConfig file at /p/a b.json is not valid JSON(C): ",
        "--- JSONC Input ---",
        '{"apiKey": "gp-secret" oops}',
        "--- Errors ---",
        "CommaExpected at line 3, column 19",
    )
    error = refusal(fake)
    assert (code_of(error), str(error.where)) == ("effective_config_command_failed", "/p/a b.json:3:19")
    says("Error: Configuration is invalid at /p/opencode.json", '↳ Expected string, got "gp-secret" model')
    second = refusal(fake)
    assert str(second.where) == "/p/opencode.json"
    says(
        "Error: Configuration is invalid at /p/opencode.json: "
        'bad file reference: "{file:~/gp-secret}" /x does not exist'
    )
    third = refusal(fake)
    assert (str(third.where), third.message) == (
        "/p/opencode.json",
        "this config refers to a file that opencode cannot read",
    )
    for each in (error, second, third):
        assert "gp-secret" not in each.message + each.next_step + str(each.where)


NOISE = 'echo "Now using node v22.11.0"; echo "{\\"level\\": \\"info\\", \\"a\\": {}}"; printf "\\033[32m"'
CONFIG = json.dumps({"agent": {}, "mode": {}, "plugin": [], "command": {}, "username": "m"}, indent=2)


@pytest.mark.parametrize("end", ["", "; echo Bye; echo '{\"done\": 1}'; echo '{ oops'"])
@pytest.mark.parametrize("ending", ["", " | sed 's/$/\\r/'"])
def test_w5_the_config_is_found_among_other_lines(fake: Fake, end: str, ending: str) -> None:
    (fake.root / "said").write_text(CONFIG)
    fake.does(f'{NOISE}; cat "{fake.root}/said"{ending}; echo{end}; echo bye >&2')
    assert fake.resolve() == json.loads(CONFIG)
    fake.does(f'{{ {NOISE}; cat "{fake.root}/said"{ending}; }} >&2')
    assert fake.resolve() == json.loads(CONFIG)


def test_w5_two_configs_or_half_a_one_are_none(fake: Fake) -> None:
    (fake.root / "said").write_text(CONFIG)
    other = CONFIG.replace('"m"', '"n"')
    fake.does(f"cat '{fake.root}/said'; echo; echo '{other}'")
    assert code_of(refusal(fake)) == "effective_config_parse_failed"
    fake.does(f"head -c 60 '{fake.root}/said'; echo; echo '{{\"level\": 1}}'")
    assert code_of(refusal(fake)) == "effective_config_parse_failed"


def test_w5_looking_for_the_config_is_bounded(fake: Fake) -> None:
    fake.does("yes '{\"a\":' | head -c 3000000")
    begun = time.monotonic()
    assert code_of(refusal(fake)) == "effective_config_parse_failed"
    assert time.monotonic() - begun < 10


SECRET = "abc4secret2value9"


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("Error: Unexpected error\n\nFailed to execute statement", "Failed to execute statement"),
        ("ENOSPC: no space left on device, write", "ENOSPC: no space left on device, write"),
        (f"SQLiteError: database or disk is full at {SECRET}", "database or disk is full"),
        (f"EACCES: permission denied, open '/d/x'\ngot \"{SECRET}\"", "permission denied, open '/d/x'"),
        (f'JSON Parse error: Unexpected identifier "{SECRET}"', "with status 1"),
        (f"--- JSONC Input ---\n{{ ENOENT: no such {SECRET}, open '{SECRET}' }}", "with status 1"),
        (f"Error: {SECRET} is wrong\n{SECRET}", "with status 1"),
    ],
)
def test_p4_of_a_config_only_known_words_are_shown(fake: Fake, said: str, told: str) -> None:
    (fake.root / "said").write_text(said)
    for stream in ("2", "1"):
        fake.does(f'cat "{fake.root}/said" >&{stream}; exit 1')
        error = refusal(fake)
        assert error.message.endswith(told)
        assert SECRET not in error.message + error.next_step


def test_w6_where_nothing_can_be_written_for_it_that_is_said(fake: Fake) -> None:
    fake.does("echo '{}'")
    with pytest.raises(Refusal) as caught:
        run(fake.path, [], fake.environ, fake.home, hidden={}, scratch=fake.root / "missing")
    assert (code_of(caught.value), str(caught.value.where)) == (
        "opencode_proof_unavailable",
        str(fake.root / "missing"),
    )


def test_p4_a_script_whose_interpreter_is_missing_says_so(fake: Fake) -> None:
    fake.path.write_text("#!/no/such/node --x\n")
    fake.path.chmod(0o755)
    error = refusal(fake)
    assert "the program that its first line names does not exist (#!/no/such/node --x)" in error.message
    assert "npm install" not in error.next_step


def test_a_named_place_cannot_carry_control_characters(fake: Fake) -> None:
    fake.does("printf 'Error: Configuration is invalid at /p/\\033]0;evil\\007.json\\n' >&2; exit 1")
    assert str(refusal(fake).where) == "/p/]0;evil.json"


def test_one_without_the_proof_says_so(fake: Fake) -> None:
    fake.does("printf 'opencode debug\\n\\nOptions:\\n  -h, --help\\n'; exit 1")
    assert code_of(refusal(fake)) == "opencode_proof_unavailable"


def test_one_that_cannot_be_started_is_named(fake: Fake) -> None:
    fake.path.write_text("#!/no/such/interpreter\n")
    fake.path.chmod(0o755)
    error = refusal(fake)
    assert (code_of(error), str(error.where)) == ("opencode_not_found", str(fake.path))


def test_its_input_is_closed_and_its_environment_clean(fake: Fake) -> None:
    fake.does('cat; env; own=$(dirname "$XDG_STATE_HOME"); ls -ld "$own"; ls "$own"')
    extra = {
        "_PYI_ARCHIVE_FILE": "x",
        "_MEIPASS2": "x",
        "NUITKA_ONEFILE_PARENT": "1",
        "SHIV_ROOT": "x",
        "LD_LIBRARY_PATH": "/tmp/_MEI123",
        "LD_LIBRARY_PATH_ORIG": "/opt/lib",
    }
    environ, hidden = {**fake.environ, **extra}, GONKAGATE.hidden
    output = run(fake.path, [], environ, fake.home, hidden=hidden, scratch=fake.scratch)
    lines = output.stdout.decode().splitlines()
    seen = dict(line.split("=", 1) for line in lines if "=" in line)
    assert seen["GONKAGATE_API_KEY"] == hidden["GONKAGATE_API_KEY"]
    assert seen["LD_LIBRARY_PATH"] == "/opt/lib"
    assert not {*extra} - {"LD_LIBRARY_PATH"} & {*seen}
    assert seen["XDG_STATE_HOME"].startswith(str(fake.scratch))
    assert [line[:10] for line in lines if line.startswith("d")] == ["drwx------"]
    # The folder holds no output under a name that another process could open.
    assert [line for line in lines if "=" not in line and not line.startswith("d")] == []


def test_another_thread_can_end_it(fake: Fake) -> None:
    fake.does('echo $$ >"$PIDS"; sleep 1000')
    stop = threading.Event()
    threading.Timer(0.3, stop.set).start()
    with pytest.raises(Refusal) as caught:
        fake.run("x", stop=stop)
    assert "cancelled" in caught.value.message


def test_an_interruption_ends_every_running_opencode(fake: Fake) -> None:
    fake.does('echo $$ >>"$PIDS"; sleep 1000')
    (fake.home / ".local/share/opencode").mkdir(parents=True)
    (fake.home / ".local/share/opencode/opencode.db").write_bytes(b"")
    host = Host(
        {**fake.environ, "OPENCODE_CONFIG_CONTENT": "{}"},
        fake.home,
        fake.home,
        "linux",
        hidden=GONKAGATE.hidden,
    )
    seen = surveying.take_survey(host, fake.home, GONKAGATE.id)

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    former = signal.signal(signal.SIGALRM, interrupt)
    signal.setitimer(signal.ITIMER_REAL, 1.0)
    try:
        with pytest.raises(KeyboardInterrupt):
            asking.gather(fake.opencode(), Version(1, 18, 33), seen, ask_models=False)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, former)
    assert len(fake.pid_file.read_text().split()) == 2


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("printf 'gonkagate/a\\nother/b\\ngonkagate/c/d\\n'", ("gonkagate/a", "gonkagate/c/d")),
        ("printf 'Now using node v22\\r\\n\\033[1mgonkagate/a\\033[0m\\r\\n'", ("gonkagate/a",)),
        ("printf '\\033[91mError: \\033[0mProvider not found: gonkagate\\n' >&2; exit 1", Gated()),
    ],
)
def test_the_model_list_is_read(fake: Fake, body: str, expected: object) -> None:
    fake.does(body)
    listed = fake.opencode().models(fake.environ, "gonkagate")
    assert listed == expected


def test_a_model_list_that_fails_otherwise_is_an_error(fake: Fake) -> None:
    fake.does("echo Provider not found: gonkagate2 >&2; exit 3")
    with pytest.raises(Refusal) as caught:
        fake.opencode().models(fake.environ, "gonkagate")
    assert "status 3" in caught.value.message


def gathered(fake: Fake, environ: dict[str, str] | None = None, **more: Any) -> tuple[Any, list[str]]:
    """The evidence, and which command lines opencode was started with."""
    log = fake.root / "log"
    log.write_text("")
    host = Host(
        {**fake.environ, "LOG": str(log), **(environ or {})},
        fake.home,
        fake.home,
        "linux",
        hidden=GONKAGATE.hidden,
    )
    seen = surveying.take_survey(host, fake.home, GONKAGATE.id)
    settings = {"ask_models": False, **more}
    version = settings.pop("version", Version(1, 18, 33))
    opencode = fake.opencode(settings.pop("timeout", SOON))
    found = asking.gather(opencode, version, seen, **settings)
    return found, sorted(log.read_text().splitlines())


ANSWERS = """echo "$*" >>"$LOG"
case "$*" in
  models*) echo gonkagate/kimi-k2.6;;
  *) cat "$HOME/answer";;
esac"""


def test_each_answer_is_that_of_its_environment(fake: Fake) -> None:
    seen = "${OPENCODE_CONFIG:-none}-${OPENCODE_PERMISSION:-none}"
    (fake.home / ".local/share/opencode").mkdir(parents=True)
    (fake.home / ".local/share/opencode/opencode.db").write_bytes(b"")  # so that several are asked at once
    fake.does(
        f'case "$*" in models*) echo "gonkagate/{seen}";; '
        f'*) echo "{{\\"model\\": \\"{seen}\\", \\"plugin\\": [\\"$2\\"]}}";; esac'
    )
    environ = {"OPENCODE_CONFIG": "own", "OPENCODE_PERMISSION": "{}"}
    found, _ = gathered(fake, environ, ask_models=True)
    for environment in Environment:
        chosen = environment.select(environ)
        expected = "-".join(chosen.get(name, "none") for name in environ)
        answer = found.answers[environment]
        assert answer.config == {"model": expected, "plugin": ["config"]}, environment
        assert answer.models in (None, (f"gonkagate/{expected}",)), environment
        assert found.plugins[environment].config["model"] == expected, environment
    assert found.answers[Environment.SESSION].models == ("gonkagate/own-{}",)
    assert len({answer.config["model"] for answer in found.answers.values()}) == 3


def test_only_what_is_needed_is_started(fake: Fake) -> None:
    fake.does(ANSWERS)
    answer = fake.home / "answer"
    answer.write_text("{}")
    pure = "debug config --pure"
    assert gathered(fake)[1] == [pure]
    assert gathered(fake, {"OPENCODE_CONFIG_CONTENT": "{}"})[1] == [pure] * 2
    assert gathered(fake, {"OPENCODE_CONFIG": "/x"})[1] == [pure] * 2
    both = {"OPENCODE_CONFIG": "/x", "OPENCODE_PERMISSION": "{}"}
    assert gathered(fake, both)[1] == [pure] * 3
    models = "models gonkagate --pure"
    assert gathered(fake, ask_models=True)[1] == [pure, models]
    assert gathered(fake, version=Version(1, 19, 0))[1] == [pure, models]
    gates: tuple[dict[str, Any], ...] = (
        {"enabled_providers": ["gonkagate"]},
        {"disabled_providers": []},
        {"provider": {"gonkagate": {"whitelist": ["kimi-k2.6"]}}},
        {"provider": {"gonkagate": {"models": {"kimi-k2.6": {"status": "beta"}}}}},
    )
    for gate in gates:
        answer.write_text(json.dumps(gate))
        assert gathered(fake)[1] == [pure, models]
    answer.write_text('{"plugin": ["x"]}')
    assert gathered(fake)[1] == ["debug config", pure]


PATHS = """case "$*" in
  "debug paths") echo Now using node v22; printf 'home  /snap\\r\\nconfig     /snap/.config/opencode\\r\\n';;
  *) cat "$HOME/answer";;
esac"""
USERS = {"provider": {"gonkagate": {}}, "model": "gonkagate/x"}


@pytest.mark.parametrize("answer", [{}, {"provider": {"gonkagate": {}}}, USERS, {**USERS, "model": "a/b"}])
def test_p5_opencode_is_asked_for_its_folders_only_where_it_does_not_see_ours(
    fake: Fake, answer: dict[str, Any]
) -> None:
    fake.does('echo "$*" >>"$LOG"\n' + PATHS)
    (fake.home / "answer").write_text(json.dumps(answer))
    config = fake.home / ".config" / "opencode" / "opencode.json"
    config.parent.mkdir(parents=True)
    config.write_text(json.dumps(USERS))
    found, asked = gathered(fake)
    sees = USERS.keys() == answer.keys()
    assert ("debug paths" in asked) == (not sees)
    assert {str(one.config) for one in found.folders.values()} == (
        set() if sees else {"/snap/.config/opencode"}
    )


def test_p5_a_refusal_of_our_own_config_may_come_from_another_home(fake: Fake) -> None:
    config = fake.home / ".config" / "opencode" / "opencode.json"
    config.parent.mkdir(parents=True)
    config.write_text(json.dumps(USERS))
    refuses = f"echo 'Error: Configuration is invalid at {config}: bad file reference: x' >&2; exit 1"
    named = "printf 'home  %s\\nconfig  %s\\n' {} " + str(config.parent)
    for home, said in (("/snap", {"/snap"}), (str(fake.home), set())):
        fake.does(f'case "$*" in "debug paths") {named.format(home)};; *) {refuses};; esac')
        found, _ = gathered(fake)
        assert {str(one.home) for one in found.folders.values()} == said


def test_p2_a_launcher_is_read_and_followed(fake: Fake) -> None:
    inner = fake.root / "bin" / ".opencode-wrapped"
    inner.write_text("#!/bin/sh\nexport OPENCODE_CONFIG='/etc/c.json'\necho '{}'\n")
    inner.chmod(0o755)
    fake.does(f'export HOME="$HOME"\nexec -a x "{inner}" "$@"')
    found = launchers.read(fake.executable)
    assert found is not None
    assert [(one.name, one.value, one.file.name, one.line) for one in found.settings] == [
        ("HOME", None, "opencode", 2),
        ("OPENCODE_CONFIG", "/etc/c.json", ".opencode-wrapped", 2),
    ]
    fake.does("exec " + str(fake.path))
    assert launchers.read(fake.executable) == Launcher(fake.path, readable=True)
    fake.path.write_bytes(b"\x7fELF" + bytes(70000))
    assert launchers.read(fake.executable) == Launcher(fake.path, readable=False)
    fake.path.write_bytes(b"#!/bin/sh\n" + b"x" * 70000)
    assert launchers.read(fake.executable) == Launcher(fake.path, readable=False)


def test_no_key_stays_in_the_evidence(fake: Fake) -> None:
    fake.does(ANSWERS)
    options = {"apiKey": "gp-secret", "baseURL": "https://api.gonkagate.com/v1"}
    other = {"options": {"apiKey": "sk-secret"}}
    config = {
        "provider": {"gonkagate": {"options": options}, "other": other},
        "mcp": {"x": {"environment": {"T": "t-secret"}}},
        "agent": {"a": {"prompt": "p-secret", "model": "m"}},
        "command": {"c": {"template": "c-secret"}},
    }
    (fake.home / "answer").write_text(json.dumps(config))
    found, _ = gathered(fake)
    kept = [answer.config for answer in found.answers.values()]
    assert kept[0]["provider"]["gonkagate"]["options"] == {"baseURL": "https://api.gonkagate.com/v1"}
    assert "secret" not in json.dumps(kept)


def test_a_failure_that_names_no_config_is_asked_once_more(fake: Fake) -> None:
    # Two opencodes that create the database at the same time: one fails with an SQL error.
    fake.does('echo x >>"$HOME/n"; [ "$(wc -l <"$HOME/n")" -gt 1 ] || exit 1; echo "{}"')
    found, _ = gathered(fake)
    assert all(answer.config == {} for answer in found.answers.values())
    fake.does('echo x >>"$HOME/m"; echo "Error: Configuration is invalid at /p/a.json" >&2; exit 1')
    found, _ = gathered(fake)
    assert all(str(answer.failure.where) == "/p/a.json" for answer in found.answers.values())
    assert (fake.home / "m").read_text().count("x") == 1


LOCKS = """echo "$* $([ -f "$XDG_STATE_HOME/opencode/locks" ] && echo none || echo free)" >>"$LOG"
case "$*" in models*) exit 0;; esac"""


def test_only_the_config_is_asked_for_without_locks(fake: Fake) -> None:
    fake.does(LOCKS + '\necho \'{"plugin": ["x"]}\'')
    _, asked = gathered(fake, ask_models=True)
    # Plugins are installed under a lock, and the models may come from a catalogue that is.
    assert asked == ["debug config --pure none", "debug config free", "models gonkagate --pure free"]


def test_an_opencode_that_cannot_do_without_locks_is_given_them(fake: Fake) -> None:
    fake.does(LOCKS + '\n[ ! -f "$XDG_STATE_HOME/opencode/locks" ] || exit 1; echo "{}"')
    found, asked = gathered(fake)
    assert all(answer.config == {} for answer in found.answers.values())
    assert asked == ["debug config --pure free", "debug config --pure none"]


def test_plugins_that_hang_are_bounded_and_no_failure(fake: Fake) -> None:
    fake.does('case "$*" in *--pure*) echo \'{"plugin": ["x"]}\';; *) echo $$ >>"$PIDS"; sleep 1000;; esac')
    found, _ = gathered(fake, timeout=2.0)
    (answer,) = {id(answer): answer for answer in found.plugins.values()}.values()
    assert answer.config is None
    assert answer.failure.kind == "opencode_unresponsive"


@pytest.mark.parametrize("code", ["opencode_unresponsive", "opencode_proof_unavailable"])
def test_an_opencode_that_can_prove_nothing_is_an_error(fake: Fake, code: str) -> None:
    body = {
        "opencode_unresponsive": 'echo $$ >>"$PIDS"; sleep 1000',
        "opencode_proof_unavailable": "printf 'opencode debug\\nOptions:\\n'; exit 1",
    }
    fake.does(body[code])
    with pytest.raises(Refusal) as caught:
        gathered(fake, timeout=1.0)
    assert code_of(caught.value) == code
