"""The one-line install, in every shell that is here: it installs what the checksum says, or nothing."""

from __future__ import annotations

import os
import shutil
import signal
import stat
import subprocess
import sys
from pathlib import Path
from typing import Iterator

import pexpect
import pytest

from tests.faults.mounted import mounts, unshare
from tests.support.machine import ROOT
from tests.support.release_server import NATIVE, NATIVE_PROGRAM, PROGRAM, PYZ, SUMS, Release

if sys.platform == "win32":
    pytest.skip("install.ps1 is for Windows", allow_module_level=True)

SCRIPT = ROOT / "scripts" / "install.sh"
SHELLS = {"dash": ["dash"], "bash": ["bash"], "busybox": ["busybox", "sh"], "zsh": ["zsh"]}
TOOLS = (
    *("basename", "cat", "chmod", "curl", "dirname", "env", "grep", "head", "id", "mkdir", "mktemp", "mv"),
    *("python3", "rm", "rmdir", "sha256sum", "sh"),
)


class Box:
    """A home, a PATH with just the tools that the script may use, and a release to install from."""

    def __init__(self, root: Path, shell: list[str], release: Release) -> None:
        self.home, self.bin = root / "home with blanks", root / "bin"
        self.home.mkdir(parents=True)
        self.bin.mkdir()
        self.shell = shell
        self.release = release
        for tool in TOOLS:
            found = shutil.which(tool)
            assert found, tool
            (self.bin / tool).symlink_to(sys.executable if tool == "python3" else found)
        self.temp = root / "temp"
        self.temp.mkdir()
        self.fake("uname", "case $1 in -s) echo Linux ;; -m) echo x86_64 ;; esac")
        self.fake("getconf", 'case $1 in LONG_BIT) echo 64 ;; *) echo "glibc 2.39" ;; esac')

    def fake(self, tool: str, body: str) -> None:
        """Put a tool on PATH that does `body`."""
        path = self.bin / tool
        path.unlink(missing_ok=True)
        path.write_text(f"#!/bin/sh\n{body}\n")
        path.chmod(0o755)

    def without(self, *tools: str) -> None:
        for tool in tools:
            (self.bin / tool).unlink(missing_ok=True)

    @property
    def environment(self) -> dict[str, str]:
        releases = {"GONKAGATE_SETUP_RELEASES": self.release.url}
        places = {"HOME": str(self.home), "PATH": str(self.bin), "TMPDIR": str(self.temp)}
        return {**places, "LANG": "C.UTF-8", **releases}

    @property
    def target(self) -> Path:
        return self.home / ".local" / "bin" / "gonkagate-setup"

    def command(self, *arguments: str) -> list[str]:
        program = shutil.which(self.shell[0])
        assert program
        return [program, *self.shell[1:], "-s", "--", *arguments]

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run the script from a pipe, without a terminal; the temporary folder is empty after it."""
        done = subprocess.run(
            self.command(*arguments),
            input=SCRIPT.read_text(encoding="utf-8"),
            env=self.environment,
            cwd=self.home,
            capture_output=True,
            text=True,
            timeout=60,
            start_new_session=True,
            check=False,
        )
        assert list(self.temp.iterdir()) == []
        return done

    def left(self) -> list[str]:
        return sorted(str(path.relative_to(self.home)) for path in self.home.rglob("*"))


@pytest.fixture
def release() -> Iterator[Release]:
    with Release() as made:
        yield made


@pytest.fixture(params=SHELLS)
def box(request: pytest.FixtureRequest, tmp_path: Path, release: Release) -> Box:
    shell = SHELLS[request.param]
    if shutil.which(shell[0]) is None:
        pytest.skip(f"{shell[0]} is not on this machine")
    return Box(tmp_path, shell, release)


@pytest.fixture
def dash(tmp_path: Path, release: Release) -> Box:
    if shutil.which("dash") is None:
        pytest.skip("dash is not on this machine")
    return Box(tmp_path, SHELLS["dash"], release)


INSTALLED = [".local", ".local/bin", ".local/bin/.gonkagate-setup.installed", ".local/bin/gonkagate-setup"]


def refused(box: Box, *arguments: str) -> str:
    """Run, and hold what every refusal has in common; the sentence on standard error."""
    before = box.left()
    done = box.run(*arguments)
    assert done.returncode == 1, done.stderr
    assert done.stdout == ""
    assert box.left() == before
    assert done.stderr.endswith("Nothing was installed.\n")
    return done.stderr


def test_it_installs_runs_with_the_arguments_and_uninstalls(box: Box) -> None:
    done = box.run("--scope", "user", "--model", "two words", "*")
    assert done.returncode == 7, done.stderr
    assert done.stdout == ""
    assert box.target.read_bytes() == NATIVE_PROGRAM
    assert stat.S_IMODE(box.target.stat().st_mode) == 0o755
    assert (box.home / "arguments").read_text() == "--scope\nuser\n--model\ntwo words\n*\n"
    assert "export PATH=" in done.stderr
    assert box.left() == sorted([*INSTALLED, "answer", "arguments"])
    done = box.run("--uninstall")
    assert done.returncode == 0, done.stderr
    assert box.left() == [".local", ".local/bin", "answer", "arguments"]


def test_without_a_terminal_the_setup_gets_no_input(box: Box) -> None:
    box.run()
    assert (box.home / "answer").read_text() == "end of input"


def test_run_from_a_file_the_setup_gets_the_standard_input(box: Box) -> None:
    command = [word for word in box.command("--api-key-stdin") if word != "-s"]
    command[command.index("--")] = str(SCRIPT)
    done = subprocess.run(
        command,
        input="a line\n",
        env=box.environment,
        cwd=box.home,
        text=True,
        capture_output=True,
        check=False,
    )
    assert done.returncode == 7, done.stderr
    assert (box.home / "answer").read_text() == "a line"
    assert (box.home / "arguments").read_text() == "--api-key-stdin\n"


def test_questions_are_read_from_the_terminal(box: Box) -> None:
    copy = shutil.copy(SCRIPT, box.bin / "install.sh")
    command = " ".join(f"'{word}'" for word in box.command("--scope", "user"))
    environment = {**os.environ, **box.environment}
    child = pexpect.spawn(
        "/bin/sh", ["-c", f"cat '{copy}' | {command}"], env=environment, cwd=str(box.home), timeout=60
    )
    child.expect("installed")
    child.sendline("an answer from the terminal")
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 7
    assert (box.home / "answer").read_text() == "an answer from the terminal"


def test_a_second_install_replaces_the_first_and_a_pinned_version_is_asked_for(box: Box) -> None:
    assert box.run("--no-run").returncode == 0
    box.release.assets[NATIVE] = NATIVE_PROGRAM + b"# newer\n"
    done = box.run("--no-run", "--version", "v0.1.0")
    assert done.returncode == 0, done.stderr
    assert box.target.read_bytes() == NATIVE_PROGRAM + b"# newer\n"
    assert box.release.requests[-1] == f"/download/v0.1.0/{NATIVE}"
    assert box.left() == INSTALLED
    assert box.run("--uninstall").returncode == 0


def test_pyz_and_dir(box: Box) -> None:
    done = box.run("--no-run", "--pyz", "--dir", "some where/deep")
    assert done.returncode == 0, done.stderr
    folder = box.home / "some where" / "deep"
    assert (folder / "gonkagate-setup").read_bytes() == PROGRAM
    assert sorted(path.name for path in folder.iterdir()) == [".gonkagate-setup.installed", "gonkagate-setup"]


def test_options_of_the_setup_follow_two_dashes(dash: Box) -> None:
    dash.run("--", "--version", "--dir", "x")
    # Our program answers --version itself; it got all three words.
    assert dash.target.exists()
    dash.run("--", "--dir", "x", "--version")
    assert (dash.home / "arguments").read_text() == "--dir\nx\n--version\n"


def test_help_changes_nothing(box: Box) -> None:
    done = box.run("--help")
    assert (done.returncode, done.stderr) == (0, "")
    for option in ("--dir", "--version", "--pyz", "--no-run", "--uninstall"):
        assert option in done.stdout
    assert box.left() == []
    assert box.release.requests == []


def spoil(release: Release, how: str) -> None:
    lines = release.sums_of_assets().decode().splitlines(keepends=True)
    native = next(line for line in lines if line.endswith(f"{NATIVE}\n"))
    others = [line for line in lines if line != native]
    spoiled = {
        "tampered": ["0" * 64 + native[64:]],
        "missing": [],
        "twice": [native, native],
        "twice, different": [native, "0" * 64 + native[64:]],
        "short": [native[1:]],
        "upper case": [native[:64].upper() + native[64:]],
        "not hexadecimal": ["g" + native[1:]],
        "three words": [native.rstrip("\n") + " more\n"],
        "only the name": [f"{NATIVE}\n"],
        "HTML": ["<!DOCTYPE html><html><body>Sign in</body></html>\n"],
        "empty": [],
    }[how]
    release.sums = "".join(spoiled if how in ("HTML", "empty") else [*others, *spoiled]).encode()


@pytest.mark.parametrize(
    ("how", "says"),
    [
        ("tampered", "does not match its checksum"),
        ("missing", "does not name"),
        ("twice", "twice"),
        ("twice, different", "twice"),
        ("short", "malformed"),
        ("upper case", "malformed"),
        ("not hexadecimal", "malformed"),
        ("three words", "malformed"),
        ("only the name", "does not name"),
        ("HTML", "does not name"),
        ("empty", "does not name"),
    ],
)
def test_a_bad_list_of_checksums_installs_nothing(box: Box, how: str, says: str) -> None:
    spoil(box.release, how)
    assert says in refused(box)


@pytest.mark.parametrize(
    "data", [b"<!DOCTYPE html><html></html>", b"", NATIVE_PROGRAM[:-1], NATIVE_PROGRAM + b"\n"]
)
def test_another_file_than_the_checksum_says_installs_nothing(box: Box, data: bytes) -> None:
    box.release.sums = box.release.sums_of_assets()
    box.release.assets[NATIVE] = data
    assert "does not match its checksum" in refused(box)


@pytest.mark.parametrize("name", [SUMS, NATIVE])
def test_a_download_that_breaks_off_installs_nothing(box: Box, name: str) -> None:
    box.release.cut = name
    assert f"could not download {box.release.url}/latest/download/{name}" in refused(box)


def test_a_release_that_is_not_there_installs_nothing(box: Box) -> None:
    assert f"/download/v9.9.9/{SUMS}" in refused(box, "--version", "9.9.9")


def test_a_missing_asset_installs_nothing(box: Box) -> None:
    box.release.sums = box.release.sums_of_assets()
    del box.release.assets[NATIVE]
    assert f"could not download {box.release.url}/latest/download/{NATIVE}" in refused(box)


def test_another_version_than_asked_for_installs_nothing(dash: Box) -> None:
    for name, data in dash.release.assets.items():
        dash.release.assets[name] = data.replace(b"0.1.0", b"0.0.9")
    assert "does not run" in refused(dash, "--version", "0.1.0")


@pytest.mark.parametrize(
    ("tool", "body", "says"),
    [
        ("getconf", "exit 1", "another C library"),
        ("getconf", 'case $1 in LONG_BIT) echo 64 ;; *) echo "glibc 2.31" ;; esac', "this system has 2.31"),
        ("getconf", 'case $1 in LONG_BIT) echo 32 ;; *) echo "glibc 2.39" ;; esac', "on 32-bit"),
        ("uname", "case $1 in -s) echo Linux ;; -m) echo riscv64 ;; esac", "on riscv64"),
        ("uname", "case $1 in -s) echo FreeBSD ;; -m) echo x86_64 ;; esac", "for FreeBSD"),
    ],
    ids=["musl", "old glibc", "32-bit", "architecture", "system"],
)
def test_where_no_native_binary_fits_the_pyz_is_taken(box: Box, tool: str, body: str, says: str) -> None:
    box.fake(tool, body)
    done = box.run("--no-run")
    assert done.returncode == 0, done.stderr
    assert says in done.stderr
    assert box.target.read_bytes() == PROGRAM


@pytest.mark.parametrize(
    "data", [b"#!/bin/sh\nexit 127\n", b"\x7fELF of another machine", b"#!/bin/sh\necho hello\n"]
)
def test_a_native_binary_that_does_not_run_gives_way_to_the_pyz(box: Box, data: bytes) -> None:
    box.release.assets[NATIVE] = data
    done = box.run("--no-run")
    assert done.returncode == 0, done.stderr
    assert "noexec" in done.stderr
    assert box.target.read_bytes() == PROGRAM
    assert box.left() == INSTALLED


def test_a_folder_that_cannot_execute_installs_nothing(dash: Box) -> None:
    dash.fake("chmod", "exit 0")
    assert "noexec" in refused(dash)


def test_without_a_python_there_is_no_pyz(box: Box) -> None:
    box.without("python3")
    assert "there is no python3 here" in refused(box, "--pyz")


def test_an_old_python_is_no_python_for_the_pyz(box: Box) -> None:
    box.fake("python3", 'case $1 in --version) echo "Python 3.8.18" ;; *) exit 1 ;; esac')
    assert "is Python 3.8.18" in refused(box, "--pyz")


def test_on_macos_apples_stub_is_no_python_and_rosetta_is_seen_through(dash: Box) -> None:
    dash.fake("uname", "case $1 in -s) echo Darwin ;; -m) echo x86_64 ;; esac")
    dash.fake("sysctl", "echo 1")
    dash.release.assets["gonkagate-setup-macos-arm64"] = NATIVE_PROGRAM
    assert dash.run("--no-run").returncode == 0
    assert dash.target.read_bytes() == NATIVE_PROGRAM
    dash.fake("sysctl", "echo 0")
    dash.release.assets["gonkagate-setup-macos-x86_64"] = NATIVE_PROGRAM + b"# intel\n"
    assert dash.run("--no-run").returncode == 0
    assert dash.target.read_bytes() == NATIVE_PROGRAM + b"# intel\n"


@pytest.mark.parametrize("hasher", ["shasum", "openssl"])
def test_other_checksum_tools_serve_as_well(dash: Box, hasher: str) -> None:
    found = shutil.which(hasher)
    if found is None:
        pytest.skip(f"{hasher} is not on this machine")
    dash.without("sha256sum")
    dash.fake(hasher, f'exec {found} "$@"')
    assert dash.run("--no-run").returncode == 0
    assert dash.target.read_bytes() == NATIVE_PROGRAM


def test_without_a_checksum_tool_nothing_is_installed(box: Box) -> None:
    box.without("sha256sum")
    done = box.run()
    assert done.returncode == 1
    assert "this needs sha256sum, shasum or openssl" in done.stderr
    assert box.left() == []
    assert box.release.requests == []


def test_without_curl_nothing_is_installed(box: Box) -> None:
    box.without("curl")
    assert "needs curl for the download" in refused(box)


def test_a_file_that_is_not_ours_stays(box: Box) -> None:
    box.target.parent.mkdir(parents=True)
    box.target.write_text("somebody else's\n")
    assert "already exists" in refused(box)
    done = box.run("--uninstall")
    assert done.returncode == 1
    assert "it is kept" in done.stderr
    assert box.target.read_text() == "somebody else's\n"


def test_a_file_that_changed_since_stays(dash: Box) -> None:
    assert dash.run("--no-run").returncode == 0
    dash.target.write_text("changed\n")
    assert "changed since" in refused(dash)
    assert dash.run("--uninstall").returncode == 1
    assert dash.target.read_text() == "changed\n"


def test_a_link_or_a_folder_at_the_destination_stays(dash: Box) -> None:
    dash.target.parent.mkdir(parents=True)
    dash.target.symlink_to(dash.home / "nowhere")
    assert "already exists" in refused(dash)
    dash.target.unlink()
    dash.target.mkdir()
    assert "already exists" in refused(dash)


def test_a_file_where_the_folder_should_be_stays(box: Box) -> None:
    (box.home / ".local").write_text("a file\n")
    assert "cannot make the folder" in refused(box)
    assert (box.home / ".local").read_text() == "a file\n"


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--dir"], "--dir needs a value"),
        (["--version"], "--version needs a value"),
        (["--dir", "", "--no-run"], "--dir needs a value"),
        (["--version", "", "--no-run"], "--version needs a value"),
        (["--version", "v", "--no-run"], "not a version"),
        (["--version", "../../x"], "not a version"),
    ],
)
def test_a_bad_option_installs_nothing(box: Box, arguments: list[str], says: str) -> None:
    assert says in refused(box, *arguments)
    assert box.release.requests == []


def test_plain_http_is_refused_except_on_loopback(dash: Box) -> None:
    environment = {**dash.environment, "GONKAGATE_SETUP_RELEASES": "http://example.invalid/releases"}
    done = subprocess.run(
        dash.command(),
        input=SCRIPT.read_text(encoding="utf-8"),
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "must start with https://" in done.stderr


@pytest.mark.parametrize("name", [SUMS, NATIVE])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_an_interrupted_download_leaves_nothing(box: Box, name: str, number: signal.Signals) -> None:
    box.release.stall = name
    child = subprocess.Popen(
        box.command(),
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        env=box.environment,
        cwd=box.home,
        start_new_session=True,
    )
    assert child.stdin
    child.stdin.write(SCRIPT.read_bytes())
    child.stdin.close()
    assert box.release.stalled.wait(30)
    os.killpg(child.pid, number)
    assert child.wait(30) == 128 + number
    assert child.stderr
    assert child.stderr.read().endswith(b"interrupted. Nothing was installed.\n")
    child.stderr.close()
    assert box.left() == []


def fake_mv(box: Box, number: int, does: str) -> None:
    """The mv with that number, counted from 1, does something else; {mv} in it is the real one."""
    count = box.bin.parent / "moves"
    count.write_text("")
    mv = shutil.which("mv")
    first = f"echo >>'{count}'\nset -- \"$(grep -c '' '{count}')\" \"$@\"\nnumber=$1\nshift\n"
    box.fake("mv", f'{first}[ "$number" != {number} ] || {{\n{does.format(mv=mv)}\n}}\nexec {mv} "$@"')


MOVES = pytest.mark.parametrize("number", [1, 2], ids=["receipt", "program"])


@MOVES
def test_a_move_that_fails_installs_nothing(box: Box, number: int) -> None:
    fake_mv(box, number, "exit 1")
    refused(box, "--no-run")
    assert box.left() == []


@MOVES
def test_a_move_that_fails_leaves_what_was_installed(box: Box, number: int) -> None:
    assert box.run("--no-run").returncode == 0
    receipt = box.target.with_name(".gonkagate-setup.installed")
    before = receipt.read_bytes()
    box.release.assets[NATIVE] = NATIVE_PROGRAM + b"# newer\n"
    fake_mv(box, number, "exit 1")
    refused(box, "--no-run")
    assert (box.target.read_bytes(), receipt.read_bytes()) == (NATIVE_PROGRAM, before)
    assert box.run("--uninstall").returncode == 0


@MOVES
@pytest.mark.parametrize("name", ["INT", "TERM", "HUP"])
def test_an_interruption_before_the_program_is_in_place_leaves_nothing(
    box: Box, number: int, name: str
) -> None:
    fake_mv(box, number, f"kill -{name} $PPID; exit 1")
    done = box.run("--no-run")
    assert done.returncode == 128 + signal.Signals[f"SIG{name}"]
    assert done.stderr.endswith("interrupted. Nothing was installed.\n")
    assert box.left() == []


def test_an_interruption_between_receipt_and_program_leaves_nothing(box: Box) -> None:
    fake_mv(box, 1, '{mv} "$@"; kill -TERM $PPID; exit 0')
    done = box.run("--no-run")
    assert done.stderr.endswith("interrupted. Nothing was installed.\n")
    assert box.left() == []


def test_an_interruption_after_the_program_is_in_place_says_that_it_is(box: Box) -> None:
    fake_mv(box, 2, '{mv} "$@"; kill -TERM $PPID; exit 0')
    done = box.run("--no-run")
    assert done.returncode == 128 + signal.SIGTERM
    assert done.stderr.endswith(f"interrupted; {box.target} is installed.\n")
    assert box.left() == INSTALLED
    assert box.run("--uninstall").returncode == 0


# As PyInstaller's: it unpacks into the temporary folder, runs from there, and removes that at its end.
UNPACKS = NATIVE_PROGRAM.replace(
    b"\n",
    b"\nmkdir $TMPDIR/_MEI1 && head -c 300000 /dev/zero >$TMPDIR/_MEI1/library || exit 255"
    b"\npart=$TMPDIR/_MEI1/part; echo '#!/bin/sh' >$part && chmod 755 $part && $part || exit 127"
    b"\nrm -r $TMPDIR/_MEI1\n",
    1,
)


def test_what_a_binary_leaves_in_the_temporary_folder_is_removed(box: Box) -> None:
    box.release.assets[NATIVE] = UNPACKS.replace(b"\nrm -r $TMPDIR/_MEI1\n", b"\nexit 127\n")
    done = box.run("--no-run")
    assert done.returncode == 0, done.stderr
    assert box.target.read_bytes() == PROGRAM


def test_an_interruption_while_the_binary_is_tried_leaves_nothing(box: Box) -> None:
    box.release.assets[NATIVE] = UNPACKS.replace(b"\nrm -r", b"\nkill -TERM 0; exit 1\nrm -r")
    done = box.run("--no-run")
    assert done.stderr.endswith("interrupted. Nothing was installed.\n")
    assert box.left() == []


@pytest.mark.skipif(not mounts(), reason="this machine lets no test mount a file system (unshare -rm)")
@pytest.mark.parametrize(
    ("options", "works"),
    [("size=2m", True), ("size=2m,noexec", False), ("size=64k", False)],
    ids=["roomy", "noexec", "full"],
)
def test_a_real_temporary_folder_that_is_full_or_noexec(box: Box, options: str, works: bool) -> None:
    box.release.assets[NATIVE] = UNPACKS
    # Lists the folder from inside the mount name space, which ends with it.
    script = f'mount -t tmpfs -o {options} none "$TMPDIR" && "$@"; echo "status $?" && ls -A "$TMPDIR"'
    copy = str(shutil.copy(SCRIPT, box.bin / "install.sh"))
    command = [copy if word == "--" else word for word in box.command("--no-run") if word != "-s"]
    done = subprocess.run(
        [
            str(unshare),
            "-rm",
            "/bin/sh",
            "-c",
            f"PATH=$PATH:/usr/bin:/bin:/usr/sbin:/sbin; {script}",
            "sh",
            *command,
        ],
        env=box.environment,
        cwd=box.home,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout == "status 0\n", done.stderr
    assert box.target.read_bytes() == (UNPACKS if works else PROGRAM)
    assert ("noexec" in done.stderr) is not works
    assert box.left() == INSTALLED


def test_the_real_pyz_installs_runs_and_uninstalls(dash: Box, tmp_path: Path) -> None:
    command = [sys.executable, "scripts/build.py", "pyz", "--output", str(tmp_path / "built")]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    dash.release.assets[PYZ] = (tmp_path / "built" / PYZ).read_bytes()
    done = dash.run("--pyz", "--help")
    assert dash.left() == []
    done = dash.run("--pyz", "--", "--help")
    assert done.returncode == 0, done.stderr
    assert "--scope" in done.stdout
    assert dash.left() == INSTALLED
    assert dash.run("--uninstall").returncode == 0
