"""The opencode program: where it is, its version, its resolved config, its model list."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Iterator, Mapping

from foundation import disk, programs
from foundation.errors import Refusal, Where
from foundation.files.reading import reason
from foundation.host import Host
from opencode_config.evidence import Gated, Version
from opencode_config.program import answers, complaints
from opencode_config.program.child import TIMEOUT, Output, run

OLDEST: Final = Version(1, 4, 0)
_INSTALL: Final = "install it, for example with `npm install -g opencode-ai`, then run this command again"
_UPGRADE: Final = "upgrade it, for example with `opencode upgrade` or `npm install -g opencode-ai@latest`"
# opencode itself is well over 100 MB; a native shim (mise, volta, scoop, chocolatey) is far smaller.
_NATIVE_BYTES: Final = 20 * 1024 * 1024
_NATIVE_MAGIC: Final = (b"\x7fELF", b"MZ", b"\xcf\xfa\xed\xfe", b"\xca\xfe\xba\xbe")


@dataclass(frozen=True)
class Executable:
    """The opencode that plain `opencode` starts.

    `native` is the program itself, not a script or shim that starts one; only then do `size` (bytes) and
    `mtime_ns` of the file behind links identify its version. `also` are other ones on the PATH. Without
    `on_path` it was found in one of the usual places, and the shell does not find it.
    """

    path: Path
    native: bool
    size: int
    mtime_ns: int
    also: tuple[Path, ...] = ()
    on_path: bool = True


def find(host: Host) -> Executable:
    """The first opencode on the PATH, else in the usual places; Refusal opencode_not_found."""
    found: list[Path] = []
    foreign: list[Path] = []
    for path in programs.on_path("opencode", host):
        (foreign if host.wsl and _is_windows_drive(path) else found).append(path)
    on_path = bool(found)
    if not found:
        found = [path for path in _usual_places(host) if programs.startable(path)]
    if not found:
        raise _not_found(foreign)
    try:
        return _looked_at(found, on_path=on_path)
    except OSError as problem:
        raise Refusal(
            "opencode_not_found",
            f"opencode cannot be accessed ({reason(problem)})",
            where=Where(str(found[0])),
            next_step=f"make it readable for your user, or {_INSTALL}",
        ) from None


def _looked_at(found: list[Path], *, on_path: bool) -> Executable:
    path = found[0]
    real = path.resolve()
    others = {other.resolve(): other for other in reversed(found[1:]) if other.resolve() != real}
    status = real.stat()
    return Executable(
        path,
        native=status.st_size >= _NATIVE_BYTES and _magic(real) in _NATIVE_MAGIC,
        size=status.st_size,
        mtime_ns=status.st_mtime_ns,
        also=tuple(reversed(list(others.values()))) if on_path else (),
        on_path=on_path,
    )


def _is_windows_drive(path: Path) -> bool:
    # WSL can start a Windows opencode, but its config is in the Windows profile.
    return len(path.parts) > 2 and path.parts[1] == "mnt" and len(path.parts[2]) == 1  # noqa: PLR2004


def _usual_places(host: Host) -> Iterator[Path]:
    """Where the known installers put opencode (docs/opencode-facts.md#finding-opencode)."""
    environ, home = host.environ, host.home
    for name in ("OPENCODE_INSTALL_DIR", "XDG_BIN_DIR"):
        if environ.get(name):
            yield Path(environ[name], "opencode.exe" if host.windows else "opencode")
    if host.windows:
        for base, parts in (
            (environ.get("APPDATA"), ("npm", "opencode.cmd")),
            (environ.get("LOCALAPPDATA"), ("pnpm", "opencode.cmd")),
            (environ.get("PROGRAMDATA"), ("chocolatey", "bin", "opencode.exe")),
            (str(home), ("scoop", "shims", "opencode.exe")),
            (str(home), (".opencode", "bin", "opencode.exe")),
            (str(home), (".bun", "bin", "opencode.exe")),
        ):
            if base:
                yield Path(base, *parts)
        return
    for folder in (
        ".opencode/bin",
        ".local/bin",
        "bin",
        ".npm-global/bin",
        ".volta/bin",
        ".bun/bin",
        ".local/share/pnpm",
        "Library/pnpm",
        ".yarn/bin",
        ".local/share/mise/shims",
        ".nix-profile/bin",
    ):
        yield home / folder / "opencode"
    yield from sorted((home / ".nvm/versions/node").glob("*/bin/opencode"), reverse=True)
    for folder in ("/opt/homebrew/bin", "/usr/local/bin", "/home/linuxbrew/.linuxbrew/bin", "/usr/bin"):
        yield Path(folder, "opencode")


def _not_found(foreign: list[Path]) -> Refusal:
    if foreign:
        return Refusal(
            "opencode_not_found",
            "the only opencode on the PATH is a Windows one, which keeps its config in the Windows profile",
            where=Where(str(foreign[0])),
            next_step="install opencode inside WSL with `npm install -g opencode-ai`, or run this on Windows",
        )
    return Refusal(
        "opencode_not_found",
        "opencode is not installed: it is neither on the PATH nor where its installers put it",
        next_step=_INSTALL,
    )


def _magic(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            head = file.read(4)
    except OSError:
        return b""
    return b"MZ" if head.startswith(b"MZ") else head


def read_version(
    executable: Executable, host: Host, timeout: float = 20.0, *, stop: threading.Event | None = None
) -> Version:
    """What `opencode --version` says; needs no config and changes no file."""
    output = run(executable.path, ["--version"], host.environ, host.cwd, timeout=timeout, stop=stop)
    version = answers.version_of(output)
    if output.status == 0 and version is not None:
        return version
    command = f"{executable.path} --version"
    if output.status == 0:
        words = complaints.told(complaints.versions_said(output)) or complaints.first_words(output)
        message = "`opencode --version` did not print a version that is clearly opencode's"
        message += f"; it printed: {words}" if words else "; it printed nothing"
        step = f"run `{command}` yourself: it must print opencode's version on a line of its own; "
        step += "if a launcher prints more, make it quiet"
    else:
        message, step = complaints.failed(
            f"`opencode --version` {_ended(output)}",
            complaints.first_words(output),
            executable.path,
            command,
            _folders(host.environ),
        )
    raise Refusal("opencode_version_unparseable", message, where=Where(str(executable.path)), next_step=step)


def _ended(output: Output) -> str:
    if output.status < 0:
        return f"was ended by signal {-output.status}"
    return f"failed with status {output.status}"


def _folders(environ: Mapping[str, str], scratch: Path | None = None) -> list[Path]:
    """The folders that opencode writes to when it starts, and the one for its output."""
    import tempfile

    home = environ.get("HOME") or environ.get("USERPROFILE")
    data = environ.get("XDG_DATA_HOME") or (home and str(Path(home, ".local", "share")))
    named = [Path(data, "opencode")] if data else []
    return [*named, Path(tempfile.gettempdir()), *([scratch] if scratch else [])]


def require_supported(version: Version, executable: Executable) -> None:
    """Refusal opencode_version_unsupported below 1.4.0 and from 2.0.0 on."""
    if version < OLDEST:
        raise Refusal(
            "opencode_version_unsupported",
            f"opencode {version} is too old: {OLDEST} or newer is needed",
            where=Where(str(executable.path)),
            next_step=f"{_UPGRADE}, then run this command again",
        )
    if version.major >= 2:  # noqa: PLR2004
        raise Refusal(
            "opencode_version_unsupported",
            f"opencode {version} cannot prove what it uses: its `debug config` lists sources instead of "
            "the resolved config",
            where=Where(str(executable.path)),
            next_step="use opencode 1.x, for example with `npm install -g opencode-ai@1`, "
            "then run this command again",
        )


def resolve_config(
    executable: Executable,
    environ: Mapping[str, str],
    cwd: Path,
    *,
    pure: bool = True,
    timeout: float = TIMEOUT,
    scratch: Path | None = None,
    stop: threading.Event | None = None,
    locks: bool = False,
) -> dict[str, Any]:
    """The config that opencode resolves, with secrets below 1.18.33: the caller drops them at once.

    Plugins may need `locks`, see `child.run`; the config itself does not.

    Refusal: effective_config_command_failed (with the file that opencode named),
    effective_config_parse_failed, opencode_proof_unavailable (no `debug config --pure`).
    """
    arguments = ["debug", "config", "--pure"] if pure else ["debug", "config"]
    output = run(
        executable.path, arguments, environ, cwd, timeout=timeout, scratch=scratch, stop=stop, locks=locks
    )
    if output.status != 0:
        raise _config_failure(output, executable, _folders(environ, scratch))
    config = answers.config_of(output)
    if config is None:
        full = disk.full(_folders(environ, scratch))
        reason = "" if full is None else f": the disk that holds {full} is full"
        step = "run `opencode debug config --pure` yourself; upgrade opencode if it prints no JSON"
        raise Refusal(
            "effective_config_parse_failed",
            f"`opencode debug config` succeeded but printed no JSON object of its own{reason}",
            where=Where(str(executable.path)),
            next_step=step
            if full is None
            else f"free up space on the disk that holds {full}, {complaints.AGAIN}",
        )
    return config


def _config_failure(output: Output, executable: Executable, folders: list[Path]) -> Refusal:
    if output.status > 0 and complaints.without_proof(output):
        return Refusal(
            "opencode_proof_unavailable",
            "this opencode has no `debug config --pure`, so it cannot prove which config it uses",
            where=Where(str(executable.path)),
            next_step=f"{_UPGRADE}, then run this command again",
        )
    named = complaints.about_config(output) if output.status > 0 else None
    return named or _ended_badly("debug config", output, executable, folders)


def _ended_badly(command: str, output: Output, executable: Executable, folders: list[Path]) -> Refusal:
    message, step = complaints.failed(
        f"`opencode {command}` {_ended(output)}",
        complaints.known_words(output),
        executable.path,
        f"opencode {command} --pure",
        folders,
    )
    return Refusal(
        "effective_config_command_failed", message, where=Where(str(executable.path)), next_step=step
    )


def list_models(
    executable: Executable,
    environ: Mapping[str, str],
    cwd: Path,
    provider: str | None,
    *,
    timeout: float = TIMEOUT,
    scratch: Path | None = None,
    stop: threading.Event | None = None,
) -> tuple[str, ...] | Gated:
    """The models that opencode offers from the provider, as `<provider>/<key>`; Gated if it offers none.

    Without a provider: from all of them.
    """
    output = run(
        executable.path,
        ["models", *([] if provider is None else [provider]), "--pure"],
        environ,
        cwd,
        timeout=timeout,
        scratch=scratch,
        stop=stop,
    )
    if output.status == 0:
        return answers.models_of(output, provider)
    said = [*answers.lines(output.stderr), *answers.lines(output.stdout)]
    if any(line.endswith(f"Provider not found: {provider}") for line in said):
        return Gated()
    command = "models" if provider is None else f"models {provider}"
    raise _ended_badly(command, output, executable, _folders(environ, scratch))
