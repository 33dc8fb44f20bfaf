"""What a transaction promises besides: whose files stay, what copies hold, what is told."""

from __future__ import annotations

import os
import sys
from datetime import timedelta
from hashlib import sha256
from pathlib import Path

import pytest

from foundation.errors import Refusal
from foundation.files.reading import read_snapshot
from foundation.transaction import (
    Delete,
    Protect,
    Role,
    TargetChanged,
    Transaction,
    Write,
    backups,
    journal,
    lock,
    recover,
)
from foundation.transaction.changes import Change
from gonkagate_setup.catalog import GONKAGATE
from gonkagate_setup.errors import code_of, status_of
from tests.faults.homes import (
    BINDING,
    NEW_KEY,
    NOW,
    OLD_KEY,
    PLANTED,
    SCENARIOS,
    Home,
    config,
    private,
    put,
    state,
)
from tests.support.windows import link

posix = pytest.mark.skipif(sys.platform == "win32", reason="modes and owners are those of POSIX")
BY_NAME = {scenario.name: scenario for scenario in SCENARIOS}


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return BY_NAME["first setup"].make(tmp_path / "machine")


@pytest.fixture
def installed(tmp_path: Path) -> Home:
    return BY_NAME["scope switch"].make(tmp_path / "machine")


def user_write(home: Home, data: bytes) -> Write:
    return Write(read_snapshot(home.user_config), data, role=Role.USER_CONFIG)


@posix
def test_fresh_home_has_nothing_of_ours_after_a_roll_back(home: Home) -> None:
    before = home.tree()
    BY_NAME["roll back of a first setup"].run(home)
    assert home.tree() == before


@posix
def test_modes_of_what_is_made(home: Home) -> None:
    old = os.umask(0o027)
    try:
        BY_NAME["first setup"].run(home)
    finally:
        os.umask(old)
    modes = {path: entry[0] for path, entry in home.tree().items()}
    assert modes["home/.gonkagate"] == modes["home/.gonkagate/opencode"] == "drwx------"
    assert modes["home/.gonkagate/opencode/api-key"] == "-rw-------"
    assert modes["home/.gonkagate/opencode/install-state.json"] == "-rw-------"
    # As any editor would have made them under this umask.
    assert modes["home/.config/opencode"] == "drwxr-x---"
    assert modes["home/.config/opencode/opencode.json"] == "-rw-r-----"


@posix
def test_no_other_mode_is_touched(installed: Home) -> None:
    for path, mode in (
        (installed.folder, 0o755),
        (installed.user_config.parent, 0o775),
        (installed.project, 0o2775),
    ):
        path.chmod(mode)
    installed.user_config.chmod(0o664)
    before = {path: entry[:3] for path, entry in installed.tree().items()}
    BY_NAME["scope switch"].run(installed)
    after = {path: entry[:3] for path, entry in installed.tree().items()}
    assert {path: after[path] for path in before} == before


@pytest.mark.skipif(not hasattr(os, "getuid") or os.getuid() != 0, reason="only root can give a file away")
def test_owner_of_a_replaced_file_stays(installed: Home) -> None:
    os.chown(installed.user_config, 1234, 2345)
    before = installed.tree()
    BY_NAME["roll back of a rerun"].run(installed)
    assert installed.tree() == before
    BY_NAME["scope switch"].run(installed)
    status = installed.user_config.stat()
    assert (status.st_uid, status.st_gid) == (1234, 2345)


@pytest.mark.skipif(sys.platform != "linux", reason="Python knows extended attributes on Linux only")
def test_user_attributes_of_a_replaced_file_stay(installed: Home) -> None:
    try:
        os.setxattr(installed.user_config, "user.origin", b"dotfiles")
    except OSError as problem:
        pytest.skip(f"no extended attributes here: {problem}")
    BY_NAME["scope switch"].run(installed)
    assert os.getxattr(installed.user_config, "user.origin") == b"dotfiles"


def test_time_of_a_file_is_put_back(installed: Home) -> None:
    os.utime(installed.user_config, ns=(10**18, 10**18))
    BY_NAME["roll back of a rerun"].run(installed)
    assert installed.user_config.stat().st_mtime_ns == 10**18


def test_a_link_stays_and_its_target_changes(installed: Home, tmp_path: Path) -> None:
    real = tmp_path / "machine" / "dotfiles" / "oc.json"
    put(real, installed.user_config.read_bytes(), 0o640)
    installed.user_config.unlink()
    link(installed.user_config, real)
    BY_NAME["scope switch"].run(installed)
    assert installed.user_config.is_symlink()
    assert real.read_bytes() == config()
    assert sorted(path.name for path in real.parent.iterdir()) == ["oc.json", "oc.json.bak-20260701T120000Z"]


def test_changed_before_the_first_change_starts_again(installed: Home) -> None:
    changes = BY_NAME["scope switch"].changes(installed)
    installed.project_config.write_bytes(b'{"theme": "dark"}')
    before = installed.tree()
    with lock(installed.store, installed.host), pytest.raises(TargetChanged) as caught:
        Transaction(installed.store, installed.host).apply(changes)
    assert caught.value.path == installed.project_config
    assert code_of(caught.value) == "targets_keep_changing"
    assert installed.tree() == before


def test_changed_before_the_first_change_writes_nothing_at_all(
    installed: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    changes = BY_NAME["scope switch"].changes(installed)
    installed.project_config.write_bytes(b'{"theme": "dark"}')

    def refuse(*_arguments: object) -> None:
        raise AssertionError("a journal was begun")

    monkeypatch.setattr(journal, "append", refuse)
    with lock(installed.store, installed.host), pytest.raises(TargetChanged):
        Transaction(installed.store, installed.host).apply(changes)


def test_changed_right_before_its_replacement_starts_again(
    installed: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first target is written already when the second turns out to have changed."""
    changes = BY_NAME["scope switch"].changes(installed)
    before = installed.tree()
    original = os.replace

    def replace_and_edit(*arguments: object, **named: object) -> None:
        original(*arguments, **named)  # type: ignore[arg-type]
        if Path(str(arguments[1])).name == installed.user_config.name:
            installed.project_config.write_bytes(b'{"theme": "dark"}')

    monkeypatch.setattr(os, "replace", replace_and_edit)
    with lock(installed.store, installed.host), pytest.raises(TargetChanged):
        Transaction(installed.store, installed.host).apply(changes)
    after = installed.tree()
    assert after.pop("project/opencode.json")[3] == b'{"theme": "dark"}'
    before.pop("project/opencode.json")
    assert after == before


@posix
def test_only_a_mode_changed_counts_as_changed(installed: Home) -> None:
    change = user_write(installed, b"{}")
    installed.user_config.chmod(0o600)
    with lock(installed.store, installed.host), pytest.raises(TargetChanged):
        Transaction(installed.store, installed.host).apply([change])
    assert oct(installed.user_config.stat().st_mode)[-3:] == "600"


OPENCODE_ADDED = '{\n  "$schema": "https://opencode.ai/config.json",'


def test_schema_that_opencode_added_is_no_change_by_others(installed: Home) -> None:
    """The text is what opencode 1.14.34 and 1.18.33 made of such files, BOM and leading blanks gone."""
    installed.user_config.write_bytes(b"\xef\xbb\xbf {}")
    before = installed.tree()
    with lock(installed.store, installed.host):
        transaction = Transaction(installed.store, installed.host)
        transaction.apply([user_write(installed, b'\xef\xbb\xbf  {"model":"x/y"}')])
        installed.user_config.write_bytes((OPENCODE_ADDED + '"model":"x/y"}').encode())
        assert transaction.rollback() == ()
    assert installed.tree() == before


def test_what_opencode_drops_beside_its_config_keeps_the_folder(home: Home) -> None:
    with lock(home.store, home.host):
        transaction = Transaction(home.store, home.host)
        transaction.apply(BY_NAME["first setup"].changes(home))
        (home.user_config.parent / ".gitignore").write_text("node_modules\n")
        assert transaction.rollback() == ()
    files = [path for path, entry in home.tree().items() if entry[3] is not None]
    assert files == ["home/.config/opencode/.gitignore"]


def test_somebody_elses_change_stays_with_the_key_that_it_names(home: Home) -> None:
    theirs = config(theme="dark")
    with lock(home.store, home.host):
        transaction = Transaction(home.store, home.host)
        transaction.apply(BY_NAME["first setup"].changes(home))
        home.user_config.write_bytes(theirs)
        failures = transaction.rollback()
    assert home.user_config.read_bytes() == theirs
    assert home.store.key.read_bytes() == NEW_KEY
    assert home.would_start() is None
    assert [str(path) in text for path, text in zip((home.user_config, home.store.key), failures)] == [
        True,
        True,
    ]
    assert not home.store.journal.exists()


def test_somebody_elses_change_without_our_key_lets_the_key_go(home: Home) -> None:
    with lock(home.store, home.host):
        transaction = Transaction(home.store, home.host)
        transaction.apply(BY_NAME["first setup"].changes(home))
        home.user_config.write_bytes(b"{}")
        assert transaction.rollback() == ()
    assert home.user_config.read_bytes() == b"{}"
    assert not home.store.key.exists()


def test_incomplete_roll_back_has_its_own_code(home: Home) -> None:

    def blocked() -> None:
        with lock(home.store, home.host), Transaction(home.store, home.host) as transaction:
            transaction.apply(BY_NAME["first setup"].changes(home))
            home.user_config.write_bytes(config(theme="dark"))
            raise Refusal("effective_config_blocked", "A list excludes it.", next_step="x")

    with pytest.raises(Refusal) as caught:
        blocked()
    assert code_of(caught.value) == "managed_rollback_failed"
    assert status_of(caught.value) == 9
    assert "A list excludes it." in caught.value.message
    assert str(home.user_config) in caught.value.message


def test_one_failing_step_stops_no_other(installed: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """The user config cannot be put back just now; the project file and the key come back all the same."""
    before = installed.tree()
    original = os.replace

    def refuse(source: str, target: str, **named: object) -> None:
        if Path(target).name == "opencode.json" and b"model" in installed.project_config.read_bytes():
            original(source, target, **named)  # type: ignore[arg-type]
            return
        if Path(target).name == "opencode.json":
            raise OSError(28, "No space left on device")
        original(source, target, **named)  # type: ignore[arg-type]

    with lock(installed.store, installed.host):
        transaction = Transaction(installed.store, installed.host)
        transaction.apply(
            [private(installed.store.key, NEW_KEY), *BY_NAME["scope switch"].changes(installed)]
        )
        with monkeypatch.context() as patch:
            patch.setattr(os, "replace", refuse)
            failures = transaction.rollback()
        assert [str(installed.user_config) in text for text in failures] == [True]
        assert installed.project_config.read_bytes() == before["project/opencode.json"][3]
        assert installed.store.key.read_bytes() == OLD_KEY
        # The journal waits for the obstacle to go.
        done = recover(installed.store, installed.host)
    assert done is not None
    assert done.failures == ()
    assert installed.tree() == before


def test_a_folder_in_the_place_of_a_config_is_somebody_elses(installed: Home) -> None:
    before = installed.tree()
    with lock(installed.store, installed.host):
        transaction = Transaction(installed.store, installed.host)
        transaction.apply(
            [private(installed.store.key, NEW_KEY), *BY_NAME["scope switch"].changes(installed)]
        )
        installed.user_config.unlink()
        installed.user_config.mkdir()
        assert transaction.rollback() == ()
    assert installed.user_config.is_dir()
    assert installed.project_config.read_bytes() == before["project/opencode.json"][3]
    assert installed.store.key.read_bytes() == OLD_KEY
    # What was there before is nowhere else.
    (copy,) = installed.user_config.parent.glob("*.bak-*")
    assert copy.read_bytes() == before["home/.config/opencode/opencode.json"][3]
    assert not installed.store.journal.exists()


def test_a_journal_in_the_way_is_not_overwritten(installed: Home) -> None:
    with lock(installed.store, installed.host):
        Transaction(installed.store, installed.host).apply([user_write(installed, b"{}")])
        held = (installed.store.journal / "entries").read_bytes()
        with pytest.raises(Refusal) as caught:
            Transaction(installed.store, installed.host).apply([user_write(installed, b"[]")])
        assert code_of(caught.value) == "managed_state_unusable"
        assert (installed.store.journal / "entries").read_bytes() == held
        assert recover(installed.store, installed.host) is not None


@pytest.mark.parametrize(
    "rubbish",
    [b"", b"\n", b"{}\n", b"[1]\nnull\n", b'{"kind": "FileEntry", "path": "x"}\n', b"\xff\x00" * 99],
)
@pytest.mark.parametrize("with_sums", [False, True])
def test_a_journal_that_is_rubbish_undoes_nothing(installed: Home, rubbish: bytes, with_sums: bool) -> None:
    before = installed.tree()
    installed.store.journal.mkdir(mode=0o700)
    summed = b"".join(
        sha256(line).hexdigest().encode() + b" " + line + b"\n" for line in rubbish.split(b"\n")
    )
    put(installed.store.journal / "entries", summed if with_sums else rubbish, 0o600)
    with lock(installed.store, installed.host):
        assert recover(installed.store, installed.host) is None
    assert installed.tree() == before


def put_back(home: Home) -> None:
    with lock(home.store, home.host):
        recover(home.store, home.host)


@posix
@pytest.mark.parametrize("what", ["link", "writable by others"])
def test_a_journal_that_another_user_could_write_is_refused(
    installed: Home, what: str, tmp_path: Path
) -> None:
    if what == "link":
        (tmp_path / "evil").mkdir(mode=0o700)
        installed.store.journal.symlink_to(tmp_path / "evil")
    else:
        installed.store.journal.mkdir()
        installed.store.journal.chmod(0o777)
    with pytest.raises(Refusal) as caught:
        put_back(installed)
    assert code_of(caught.value) == "managed_state_unusable"
    assert str(installed.store.journal) in str(caught.value.where)


def test_the_journal_says_nothing_about_the_new_key(installed: Home) -> None:
    with lock(installed.store, installed.host):
        transaction = Transaction(installed.store, installed.host)
        transaction.apply([private(installed.store.key, NEW_KEY)])
        assert NEW_KEY not in (installed.store.journal / "entries").read_bytes()
        transaction.rollback()


def test_a_rotations_former_key_is_gone_after_commit(installed: Home) -> None:
    BY_NAME["key rotation"].run(installed)
    everything = b"".join(entry[3] or b"" for entry in installed.tree().values())
    assert NEW_KEY in everything
    assert OLD_KEY not in everything
    assert not [path for path in installed.tree() if "api-key." in path]


@posix
def test_protect_repairs_modes_without_writing(installed: Home) -> None:
    installed.store.key.chmod(0o644)
    installed.store.folder.chmod(0o755)
    identity = (installed.store.key.stat().st_ino, installed.store.key.stat().st_mtime_ns)
    with lock(installed.store, installed.host), Transaction(installed.store, installed.host) as transaction:
        transaction.apply([Protect(installed.store.key)])
        assert transaction.commit() == ()
    assert (installed.store.key.stat().st_ino, installed.store.key.stat().st_mtime_ns) == identity
    assert oct(installed.store.key.stat().st_mode)[-3:] == "600"
    assert oct(installed.store.folder.stat().st_mode)[-3:] == "700"


# -- copies that stay


def commit_one(home: Home, write: Write, **later: float) -> tuple[Path, ...]:
    host = home.host
    moment = NOW + timedelta(**later)
    host = type(host)(**{**vars(host), "now": lambda: moment})
    with lock(home.store, host), Transaction(home.store, host) as transaction:
        transaction.apply([write])
        return transaction.commit()


def test_copies_have_the_npm_tools_names_and_our_modes(installed: Home) -> None:
    user, project = installed.user_config.read_bytes(), installed.project_config.read_bytes()
    with lock(installed.store, installed.host), Transaction(installed.store, installed.host) as transaction:
        transaction.apply(BY_NAME["scope switch"].changes(installed))
        kept = transaction.commit()
    digest = sha256(os.fsencode(installed.project_config)).hexdigest()[:12]
    assert kept == (
        installed.user_config.with_name("opencode.json.bak-20260701T120000Z"),
        installed.store.backups / f"opencode.json.{digest}.bak-20260701T120000Z",
    )
    assert [path.read_bytes() for path in kept] == [user, project]
    if os.name != "nt":
        assert [oct(path.stat().st_mode)[-3:] for path in (*kept, installed.store.backups)] == [
            "600",
            "600",
            "700",
        ]
    assert sorted(path.name for path in installed.project.iterdir()) == ["opencode.json"]


def test_copies_of_one_second_do_not_overwrite_one_another(installed: Home) -> None:
    texts = [installed.user_config.read_bytes(), b'{"a": 1}', b'{"a": 2}']
    kept: list[Path] = []
    for text in (*texts[1:], b"{}"):
        kept += commit_one(installed, user_write(installed, text))
    assert [path.read_bytes() for path in kept] == texts
    assert len(set(kept)) == 3


def test_ten_copies_are_kept_the_newest(installed: Home) -> None:
    other = installed.user_config.with_name("opencode.json.bak-mine")
    other.write_text("not one of ours")
    for number in range(14):
        commit_one(installed, user_write(installed, b'{"n": %d}' % number), seconds=number // 2)
    names = sorted(path.name for path in installed.user_config.parent.glob("*.bak-2*"))
    assert len(names) == backups.KEPT == 10
    assert names[0] == "opencode.json.bak-20260701T120002Z"
    assert other.read_text() == "not one of ours"


def test_a_literal_key_does_not_survive_in_a_kept_copy(installed: Home) -> None:
    literal = OLD_KEY.decode()
    text = config(model="x/y").decode().replace(BINDING, literal)
    put(installed.user_config, text.encode(), 0o644)
    (kept,) = commit_one(installed, user_write(installed, config()))
    assert kept.read_text() == text.replace(literal, BINDING)


def test_a_literal_key_comes_back_on_roll_back(installed: Home) -> None:
    text = config().decode().replace(BINDING, OLD_KEY.decode())
    put(installed.user_config, text.encode(), 0o644)
    PLANTED.add(installed.user_config)
    before = installed.tree()
    with lock(installed.store, installed.host):
        transaction = Transaction(installed.store, installed.host)
        transaction.apply([user_write(installed, config())])
        assert transaction.rollback() == ()
    assert installed.tree() == before


def test_deleting_a_config_keeps_a_copy(installed: Home) -> None:
    data = installed.user_config.read_bytes()
    change = Delete(read_snapshot(installed.user_config), role=Role.USER_CONFIG)
    with lock(installed.store, installed.host), Transaction(installed.store, installed.host) as transaction:
        transaction.apply([change])
        (kept,) = transaction.commit()
    assert not installed.user_config.exists()
    assert kept.read_bytes() == data


def test_failing_writes_have_the_code_of_their_file(installed: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    cases: dict[str, list[Change]] = {
        "managed_secret_write_failed": [private(installed.store.key, NEW_KEY)],
        "managed_config_write_failed": [user_write(installed, b"{}")],
        "managed_state_write_failed": state(installed),
    }
    original = os.replace
    for code, changes in cases.items():
        path = changes[0].snapshot.real  # type: ignore[union-attr]

        def refuse(source: str, target: str, path: object = path, **named: object) -> None:
            if Path(target).name == Path(str(path)).name:
                raise OSError(28, "No space left on device")
            original(source, target, **named)  # type: ignore[arg-type]

        before = installed.tree()
        with monkeypatch.context() as patch, lock(installed.store, installed.host):
            patch.setattr(os, "replace", refuse)
            with pytest.raises(Refusal) as caught:
                Transaction(installed.store, installed.host).apply(changes)
            assert code_of(caught.value) == code
            assert str(caught.value.where) == str(path)
            assert "no space left" in caught.value.message
            assert status_of(caught.value) == 8
        assert installed.tree() == before


@pytest.mark.parametrize(
    ("code", "number"), [("managed_secret_backup_failed", 0), ("managed_config_backup_failed", 1)]
)
def test_failing_journal_has_the_code_of_a_failed_backup(
    installed: Home, monkeypatch: pytest.MonkeyPatch, code: str, number: int
) -> None:
    change = [private(installed.store.key, NEW_KEY), user_write(installed, b"{}")][number]
    before = installed.tree()

    def refuse(*_arguments: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(journal, "append", refuse)
    with lock(installed.store, installed.host), pytest.raises(Refusal) as caught:
        Transaction(installed.store, installed.host).apply([change])
    assert code_of(caught.value) == code
    assert installed.tree() == before


def test_profile_names_are_the_npm_tools(home: Home) -> None:
    assert home.store.key == home.folder / ".gonkagate" / "opencode" / "api-key"
    assert home.store.state == home.folder / ".gonkagate" / "opencode" / "install-state.json"
    assert home.store.backups == home.folder / ".gonkagate" / "opencode" / "backups" / "project-config"
    assert GONKAGATE.key_binding == "{file:~/.gonkagate/opencode/api-key}"


@posix
def test_the_mode_of_what_was_put_back_by_hand_stays(installed: Home) -> None:
    """A killed setup, then a person copies the backup back and takes the mode that they like."""
    before = installed.user_config.read_bytes()
    with lock(installed.store, installed.host):
        Transaction(installed.store, installed.host).apply([user_write(installed, b"{}")])
    installed.user_config.write_bytes(before)
    installed.user_config.chmod(0o600)
    with lock(installed.store, installed.host):
        recovery = recover(installed.store, installed.host)
    assert recovery is not None
    assert recovery.failures == ()
    assert oct(installed.user_config.stat().st_mode)[-3:] == "600"
    assert installed.user_config.read_bytes() == before
