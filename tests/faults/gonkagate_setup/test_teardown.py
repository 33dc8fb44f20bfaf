"""undo and uninstall killed at every filesystem call: opencode would start, and the next run ends right."""

from __future__ import annotations

import base64
import errno
import io
import json
import os
import signal
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Callable, Iterator

import pytest

from foundation.errors import Refusal
from foundation.files.reading import read_snapshot
from foundation.terminal.prompts import RefusingPrompter
from foundation.terminal.terminal import Outlet, Terminal
from foundation.transaction import Role, TargetChanged, Transaction, Write, journal, lock
from foundation.transaction import rollback as putting_back
from gonkagate_setup.catalog import GONKAGATE
from gonkagate_setup.changes import install_state as states
from gonkagate_setup.changes import plan as plans
from gonkagate_setup.changes.plan import KeyAction
from gonkagate_setup.choice import Choice, Scope
from gonkagate_setup.commands import last_change, teardown, undo, uninstall, verify
from gonkagate_setup.commands.setup import apply, planning, writes
from gonkagate_setup.commands.setup.blocked import OnBlocked
from gonkagate_setup.commands.setup.context import Agreed, Context, Observation
from gonkagate_setup.commands.setup.context import Request as SetupRequest
from gonkagate_setup.commands.setup.questions import Answers
from gonkagate_setup.commands.teardown import Request
from gonkagate_setup.errors import code_of
from opencode_config.program.surveying import take_survey
from tests.faults.foundation.test_kill import run_killed
from tests.faults.homes import NEW_KEY, NOW, Home
from tests.faults.interception import Counter, failing, intercepted, points

pytestmark = [
    pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL and fork are POSIX"),
    pytest.mark.filterwarnings("ignore:This process .* is multi-threaded"),
]

Verb = Callable[[Home], None]
Files = dict[str, "bytes | None"]


def set_up(home: Home, scope: Scope, model: int) -> None:
    """What commands/setup/apply.py does, without opencode."""
    store, host = home.store, home.host
    survey = take_survey(host, home.project, GONKAGATE.id)
    state_file = read_snapshot(store.state)
    state = states.parse(state_file.data)
    chosen = GONKAGATE.models[model]
    plan = plans.build(
        GONKAGATE,
        Choice(chosen, scope),
        KeyAction.CREATE,
        survey.user_files,
        survey.project_files,
        state,
    )
    with lock(store, host), Transaction(store, host) as changes:
        key = read_snapshot(store.key)
        roles = {"user_config": Role.USER_CONFIG, "project_config": Role.PROJECT_CONFIG}
        first = [] if key.exists else [Write(key, NEW_KEY, Role.SECRET, private=True)]
        changes.apply(
            first
            + [
                Write(config.snapshot, config.after.encode(), roles[config.layer])
                for config in plan.configs
                if config.changed
            ]
        )
        kept = last_change.writing(store, host, plan, state, changes)
        now = states.render(
            transport="chat_completions",
            version="0",
            last_durable_setup_at=states.timestamp(NOW),
            model_key=chosen.key,
            scope=scope,
        )
        changes.apply([Write(state_file, now, Role.STATE, private=True), *kept])
        changes.commit()


def silent() -> Terminal:
    nowhere = Outlet(None, terminal=False, colour=False)
    return Terminal(nowhere, nowhere, json=True, quiet=True, find_device=lambda: None, find_width=lambda: 80)


def run_undo(home: Home) -> None:
    undo.run(Request(True, False), home.host, GONKAGATE, silent(), RefusingPrompter("test", "X"))


def run_uninstall(home: Home) -> None:
    uninstall.run(Request(True, False), home.host, GONKAGATE, silent(), RefusingPrompter("test", "X"))


def first_setup(home: Home) -> None:
    set_up(home, Scope.PROJECT, 0)


def over_another(home: Home) -> None:
    home.user_config.parent.mkdir(parents=True)
    home.user_config.write_text(json.dumps({"model": "a/b", "provider": {"other": {}}}, indent=2))
    set_up(home, Scope.USER, 0)
    set_up(home, Scope.PROJECT, 1)


def changed_since(home: Home) -> None:
    over_another(home)
    value = json.loads(home.user_config.read_text())
    home.user_config.write_text(json.dumps({**value, "theme": "dark"}, indent=4))


def cases(*usual: str) -> list[Any]:
    """Every verb after every preparation; those that are not named are for the deep run."""
    found = []
    for prepare in (first_setup, over_another, changed_since):
        for verb in (run_undo, run_uninstall):
            name = f"{verb.__name__} {prepare.__name__}"
            found.append(
                pytest.param(prepare, verb, id=name, marks=[] if name in usual else pytest.mark.deep)
            )
    return found


def make(root: Path, prepare: Callable[[Home], None]) -> Home:
    home = Home.empty(root)
    prepare(home)
    return home


def files(home: Home) -> Files:
    """Content by path, without the lock of a killed run, which the next one that locks takes over.

    Empty folders are taken away after the commit, so they may still be there.
    """
    tree = home.tree().items()
    return {path: entry[3] for path, entry in tree if entry[3] is not None and not path.endswith("/lock")}


@pytest.mark.parametrize(("prepare", "verb"), cases("run_undo over_another", "run_uninstall over_another"))
def test_killed_at_every_call(
    prepare: Callable[[Home], None],
    verb: Verb,
    roots: Iterator[Path],
    deep: bool,
    figure: Callable[[str, float, str], None],
) -> None:
    before = files(make(next(roots), prepare))
    done = make(next(roots), prepare)
    calls, chosen = points(lambda: verb(done), every=deep)
    after = files(done)
    assert before != after
    assert done.would_start() is None
    ends = {"before": 0, "after": 0}
    for at in chosen:
        home = make(next(roots), prepare)
        status = run_killed(at, lambda home=home: verb(home))  # type: ignore[misc]
        if not os.WIFSIGNALED(status):
            continue  # threads make the number of calls differ by a few at the end
        assert os.WTERMSIG(status) == signal.SIGKILL
        assert home.would_start() is None, f"killed before call {at}"
        now = files(home)
        for path in before.keys() | after.keys():
            versions = (before.get(path), after.get(path))
            assert now.get(path) in versions, f"{path}, killed before call {at}"
        verb(home)
        assert home.would_start() is None
        assert files(home) == after, f"killed before call {at}"
        if verb is run_uninstall:
            assert not home.store.folders[0].exists(), f"killed before call {at}"
        ends["after" if now == after else "before"] += 1
    assert ends["before"] > 0
    figure("points killed", sum(ends.values()), f"of {calls} calls")


@pytest.mark.parametrize(("prepare", "verb"), cases("run_undo changed_since", "run_uninstall first_setup"))
def test_a_call_that_fails_leaves_everything_or_nothing(
    prepare: Callable[[Home], None],
    verb: Verb,
    roots: Iterator[Path],
    deep: bool,
    figure: Callable[[str, float, str], None],
) -> None:
    before = files(make(next(roots), prepare))
    done = make(next(roots), prepare)
    calls, chosen = points(lambda: verb(done), every=deep)
    after = files(done)
    refusals = 0
    for at in chosen:
        home = make(next(roots), prepare)
        try:
            with intercepted(Counter(at, failing(errno.EIO))):
                verb(home)
        except Refusal as refusal:
            refusals += 1
            if code_of(refusal) == "managed_rollback_failed":
                verb(home)
        now = files(home)
        assert now in (before, after), f"failed at call {at}"
        assert home.would_start() is None
    assert refusals > 0
    figure("calls failed", len(chosen), f"of {calls}")


def test_what_killing_proves_is_not_empty(roots: Iterator[Path]) -> None:
    """The static check does see a key file that went before its config."""
    home = make(next(roots), first_setup)
    home.store.key.unlink()
    assert "key file" in str(home.would_start())


def killed_meanwhile(home: Home, *, touched: bool) -> None:
    """A setup that began after this one had read everything, and was killed; then an editor wrote."""
    with lock(home.store, home.host):
        snapshot = read_snapshot(home.user_config)
        Transaction(home.store, home.host).apply([Write(snapshot, b'{"theme": "x"}', Role.USER_CONFIG)])
    if touched:
        home.user_config.write_bytes(b'{"by": "hand"}')


def run_setup(home: Home) -> None:
    """The writing half, with everything read before."""
    survey = take_survey(home.host, home.project, GONKAGATE.id)
    plan = plans.build(
        GONKAGATE,
        Choice(GONKAGATE.models[0], Scope.USER),
        KeyAction.KEEP,
        survey.user_files,
        survey.project_files,
        None,
    )
    observed = Observation(
        survey,
        read_snapshot(home.store.key),
        None,
        read_snapshot(home.store.state),
        None,
        (),
        (),
        read_snapshot(home.store.available),
    )

    probe: Any = SimpleNamespace(result=lambda: None)
    context = Context(home.host, GONKAGATE, home.store, silent(), RefusingPrompter("test", "X"), probe)
    request = SetupRequest(None, None, True, False, None, OnBlocked.ROLLBACK)
    apply.carry_out(request, context, Agreed(Answers(), plan, observed, ()))


@pytest.mark.parametrize("verb", [run_undo, run_uninstall, run_setup])
@pytest.mark.parametrize("how", ["untouched", "touched", "refused"])
def test_a_run_that_was_killed_meanwhile_is_put_back_and_what_could_not_be_is_told(
    verb: Verb, how: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = Home.empty(tmp_path / "machine")
    over_another(home)
    times: list[int] = []

    def meanwhile(*_: Any) -> None:
        if not times:
            killed_meanwhile(home, touched=how == "touched")
        times.append(1)

    for command, name in (
        (teardown, "_second_reading"),
        (writes, "second_read"),
    ):
        monkeypatch.setattr(command, name, meanwhile)

    def refuse(*_: Any) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    if how == "refused":
        monkeypatch.setattr(putting_back, "_restore", refuse)
        with pytest.raises(Refusal) as caught:
            verb(home)
        assert code_of(caught.value) == "managed_rollback_failed"
        assert str(home.user_config) in caught.value.message
        assert journal.exists(home.store)
        return
    if verb is run_setup:
        with pytest.raises(TargetChanged):
            verb(home)
    else:
        verb(home)
        assert len(times) == 2, "everything is read again"
    if how == "touched":
        assert b'"by": "hand"' in home.user_config.read_bytes()
    assert b"theme" not in home.user_config.read_bytes()
    assert not journal.exists(home.store)


def heard() -> tuple[Terminal, io.StringIO]:
    """A terminal, and all that it says."""
    said = io.StringIO()
    out = Outlet(said, terminal=False, colour=False)
    return Terminal(out, out, json=False, quiet=False, find_device=lambda: None, find_width=lambda: 80), said


def observe(home: Home, terminal: Terminal) -> None:
    probe: Any = None
    nobody = RefusingPrompter("test", "X")
    planning.observe(Context(home.host, GONKAGATE, home.store, terminal, nobody, probe))


def undo_dry(home: Home, terminal: Terminal) -> None:
    report = undo.run(Request(True, True), home.host, GONKAGATE, terminal, RefusingPrompter("test", "X"))
    terminal.say(report.details["diff"])


def uninstall_dry(home: Home, terminal: Terminal) -> None:
    report = uninstall.run(Request(True, True), home.host, GONKAGATE, terminal, RefusingPrompter("test", "X"))
    terminal.say(report.details["diff"])


def verify_refused(home: Home, terminal: Terminal) -> None:
    home.user_config.write_bytes(b"{")
    with pytest.raises(Refusal):
        verify.run(home.host, GONKAGATE, terminal)


@pytest.mark.parametrize("run", [observe, undo_dry, uninstall_dry, verify_refused])
def test_the_stored_key_is_masked_in_any_form_from_the_first_word_on(
    run: Callable[[Home, Terminal], None], tmp_path: Path
) -> None:
    home = Home.empty(tmp_path / "machine")
    form = base64.b64encode(NEW_KEY).decode()
    home.user_config.parent.mkdir(parents=True)
    home.user_config.write_text(json.dumps({"model": "a/b", "x": form}, indent=2))
    set_up(home, Scope.USER, 0)
    terminal, said = heard()
    run(home, terminal)
    terminal.say(f"in a message: {form}")
    assert "in a message: ***" in said.getvalue()
    assert form not in said.getvalue()
    assert run not in (undo_dry, uninstall_dry) or '"x": "***' in said.getvalue()


def test_no_copy_keeps_the_stored_key(tmp_path: Path) -> None:
    home = Home.empty(tmp_path / "machine")
    changed_since(home)
    for config in (home.user_config, home.project_config):
        value = json.loads(config.read_text())
        config.write_text(json.dumps({**value, "x": {"y": NEW_KEY.decode()}}, indent=4))
    run_undo(home)
    kept = list(home.root.rglob("*.bak-*"))
    assert any(b'"y"' in path.read_bytes() for path in kept)
    assert [path for path in kept if NEW_KEY in path.read_bytes()] == []


def test_uninstall_takes_the_npm_tools_copies_of_former_keys_along(tmp_path: Path) -> None:
    home = Home.empty(tmp_path / "machine")
    first_setup(home)
    copies = [home.store.folder / f"api-key.bak-20260501T101112Z{end}" for end in ("", "-2")]
    others = [home.store.folder / name for name in ("api-key.bak-x", "api-key.bak-20260501T101112Z.txt")]
    for path in (*copies, *others):
        path.write_bytes(NEW_KEY)
    (home.store.folder / "api-key.bak-20260501T101113Z").symlink_to(others[0])
    terminal, said = heard()
    report = uninstall.run(
        Request(True, False, keep_key=True), home.host, GONKAGATE, terminal, RefusingPrompter("test", "X")
    )
    assert [file.path for file in report.files if file.role == "backup"] == [str(path) for path in copies]
    assert "a copy of an old API key, made by the npm tool" in said.getvalue()
    assert [path.exists() for path in (*copies, *others, home.store.key)] == [False, False, True, True, True]
