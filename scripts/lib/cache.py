"""Where the scripts keep what they fetch, and Python environments in it. Standard library only."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Iterator, Mapping, Sequence

ROOT = Path(__file__).resolve().parents[2]
REQUIREMENTS = ROOT / "scripts" / "requirements"
_STAMP = "installed-from"


class PreparationError(Exception):
    """Something that a script needs is not available; the text says what it is and what to do."""


def folder() -> Path:
    """`.cache` in the checkout, which git ignores; GONKAGATE_SETUP_CACHE names another place."""
    return Path(os.environ.get("GONKAGATE_SETUP_CACHE") or ROOT / ".cache").resolve()


@contextmanager
def exclusive(target: Path) -> Iterator[None]:
    """One process at a time makes `target`; the others wait here and then find it made."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with target.with_name(f".{target.name}.lock").open("a", encoding="utf-8") as file:
        if sys.platform == "win32":
            import msvcrt

            while True:
                # LK_LOCK gives up after ten seconds.
                with suppress(OSError):
                    msvcrt.locking(file.fileno(), msvcrt.LK_LOCK, 1)
                    break
            yield
            return
        import fcntl

        fcntl.flock(file, fcntl.LOCK_EX)
        yield


@contextmanager
def building(target: Path) -> Iterator[Path]:
    """A temporary folder that becomes `target` at the end, unless another process was first."""
    temporary = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=target.parent))
    try:
        yield temporary
        try:
            temporary.rename(target)
        except OSError:
            if not target.is_dir():
                raise
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def run(
    command: Sequence[str],
    *,
    cwd: Path,
    environ: Mapping[str, str] | None = None,
    what: str,
    timeout: float = 600,
) -> None:
    """Run a preparation step quietly; PreparationError with the end of its output when it fails."""
    # pip, which venv starts too, asks rustc for its version, and rustup then makes its folder in the home.
    environ = {"RUSTUP_HOME": str(folder() / "rustup"), **(os.environ if environ is None else environ)}
    try:
        done = subprocess.run(
            command,
            cwd=cwd,
            env=environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=timeout,
            check=False,
        )
    except FileNotFoundError as error:
        raise PreparationError(f"{what}: {command[0]} is not installed or not on PATH") from error
    except subprocess.TimeoutExpired as error:
        raise PreparationError(f"{what}: {command[0]} took longer than {timeout:.0f} s") from error
    if done.returncode:
        tail = "\n".join(done.stdout.decode(errors="replace").strip().splitlines()[-15:])
        raise PreparationError(f"{what}: {command[0]} ended with status {done.returncode}\n{tail}")


def python_environment(python: str, requirements: str) -> Path:
    """The Python of a virtual environment with exactly the pinned `requirements` (a file name); made once.

    One environment per interpreter and content of the file, so a changed pin makes a new one.
    """
    pins = REQUIREMENTS / requirements
    version = _version(python)
    digest = hashlib.sha256(pins.read_bytes()).hexdigest()[:12]
    target = folder() / "venv" / f"{pins.stem}-{version}-{digest}"
    with exclusive(target):
        if not (target / _STAMP).is_file():
            _make_environment(python, pins, target)
    return executable(target)


def _make_environment(python: str, pins: Path, target: Path) -> None:
    # An environment cannot be moved, so it is built in place; the stamp says that it is complete.
    shutil.rmtree(target, ignore_errors=True)
    what = f"preparing {target.name}"
    run([python, "-m", "venv", str(target)], cwd=ROOT, what=what)
    pip = [str(executable(target)), "-m", "pip", "--disable-pip-version-check", "install", "--quiet"]
    pip += ["--require-hashes", "--only-binary", ":all:", "-r", str(pins)]
    # pip's own cache would otherwise grow in the user's home.
    run(pip, cwd=ROOT, environ={**os.environ, "PIP_CACHE_DIR": str(folder() / "pip")}, what=what)
    (target / _STAMP).write_text(f"{pins.name}\n", encoding="utf-8")


def executable(environment: Path) -> Path:
    """The Python of a virtual environment."""
    if sys.platform == "win32":
        return environment / "Scripts" / "python.exe"
    return environment / "bin" / "python"


def _version(python: str) -> str:
    asked = subprocess.run(
        [python, "-c", "import sys; print('%d.%d.%d' % sys.version_info[:3])"],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return asked.stdout.strip()
