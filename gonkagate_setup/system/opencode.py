"""The opencode program: where it is, its version, its resolved config, its model list."""

from __future__ import annotations

import re
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Iterator, Mapping

from gonkagate_setup.core.evidence import Gated, Version
from gonkagate_setup.errors import SetupError, Where
from gonkagate_setup.system import programs
from gonkagate_setup.system.child import TIMEOUT, Output, run
from gonkagate_setup.system.files import reason
from gonkagate_setup.system.host import Host

OLDEST: Final = Version(1, 4, 0)
_INSTALL: Final = "install it, for example with `npm install -g opencode-ai`, and run this again"
_UPGRADE: Final = "upgrade it, for example with `opencode upgrade` or `npm install -g opencode-ai@latest`"
# opencode itself is well above 100 MB; a native shim (mise, volta, scoop, chocolatey) is far below.
_NATIVE_BYTES: Final = 20 * 1024 * 1024
_NATIVE_MAGIC: Final = (b"\x7fELF", b"MZ", b"\xcf\xfa\xed\xfe", b"\xca\xfe\xba\xbe")


@dataclass(frozen=True)
class Executable:
    """The opencode that plain `opencode` starts.

    `native` is the program itself, not a script or shim that starts one; only then do `size` (bytes) and
    `mtime_ns` of the file behind links stand for its version. `also` are other ones on the PATH. Without
    `on_path` it was found in one of the usual places, and the shell does not find it.
    """

    path: Path
    native: bool
    size: int
    mtime_ns: int
    also: tuple[Path, ...] = ()
    on_path: bool = True


def find(host: Host) -> Executable:
    """The first opencode on the PATH, else in the usual places; SetupError opencode_not_found."""
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
        raise SetupError(
            "opencode_not_found",
            f"opencode cannot be looked at ({reason(problem)})",
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
    # From WSL a Windows opencode is reachable, but its config lives in the Windows profile.
    return len(path.parts) > 2 and path.parts[1] == "mnt" and len(path.parts[2]) == 1  # noqa: PLR2004


def _usual_places(host: Host) -> Iterator[Path]:
    """Where the known installers put opencode (opencode-facts section 8)."""
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


def _not_found(foreign: list[Path]) -> SetupError:
    if foreign:
        return SetupError(
            "opencode_not_found",
            "the only opencode on the PATH is a Windows one, which keeps its config in the Windows profile",
            where=Where(str(foreign[0])),
            next_step="install opencode inside WSL with `npm install -g opencode-ai`, or run this on Windows",
        )
    return SetupError(
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
    text = output.stdout.decode("utf-8", "replace").strip()
    match = re.search(r"(\d+)\.(\d+)\.(\d+)", text)
    if output.status != 0 or match is None:
        raise SetupError(
            "opencode_version_unparseable",
            f"`opencode --version` ended with status {output.status} and named no version",
            where=Where(str(executable.path)),
            next_step=f"run `{executable.path} --version` yourself; {_INSTALL}",
        )
    major, minor, patch = (int(number) for number in match.groups())
    first_word = text[match.start() :].split()[0]
    return Version(major, minor, patch, first_word if re.fullmatch(r"[\w.+-]{1,40}", first_word) else "")


def require_supported(version: Version, executable: Executable) -> None:
    """SetupError opencode_version_unsupported below 1.4.0 and from 2.0.0 on."""
    if version < OLDEST:
        raise SetupError(
            "opencode_version_unsupported",
            f"opencode {version} is too old: {OLDEST} or newer is needed",
            where=Where(str(executable.path)),
            next_step=f"{_UPGRADE}, then run this again",
        )
    if version.major >= 2:  # noqa: PLR2004
        raise SetupError(
            "opencode_version_unsupported",
            f"opencode {version} cannot prove what it uses: its `debug config` lists sources instead of "
            "the resolved config",
            where=Where(str(executable.path)),
            next_step="use opencode 1.x, for example with `npm install -g opencode-ai@1`, and run this again",
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
    """The config that opencode resolves, secrets included below 1.18.33: the caller drops them at once.

    Plugins may need `locks`, see `child.run`; the config itself does not.

    SetupError: effective_config_command_failed (with the file that opencode named),
    effective_config_parse_failed, opencode_proof_unavailable (no `debug config --pure`).
    """
    import json

    arguments = ["debug", "config", "--pure"] if pure else ["debug", "config"]
    output = run(
        executable.path, arguments, environ, cwd, timeout=timeout, scratch=scratch, stop=stop, locks=locks
    )
    if output.status != 0:
        raise _config_failure(output, executable)
    try:
        config = json.loads(output.stdout)
    except (ValueError, RecursionError):
        config = None
    if not isinstance(config, dict):
        raise SetupError(
            "effective_config_parse_failed",
            "`opencode debug config` ended well but printed no JSON object",
            where=Where(str(executable.path)),
            next_step="run `opencode debug config --pure` yourself; upgrade opencode if it prints no JSON",
        )
    return config


_COMPLAINT: Final = re.compile(
    r"(?:Config file at (?P<syntax>.+?) is not valid JSON|Configuration is invalid at (?P<value>[^\n]+?)"
    r"(?=: bad file reference|\n|$))"
)
_PLACE: Final = re.compile(r"\bat line (\d+), column (\d+)")
_COLOUR: Final = re.compile(r"\x1b\[[0-9;]*m")


def _config_failure(output: Output, executable: Executable) -> SetupError:
    """What opencode complained about: only the file's name and a position leave its standard error."""
    text = _COLOUR.sub("", output.stderr.decode("utf-8", "replace"))
    if output.status < 0:
        return _ended_badly(f"`opencode debug config` was ended by signal {-output.status}", executable)
    usage = text + output.stdout.decode("utf-8", "replace")[:20000]
    if "--pure" not in usage and "opencode debug" in usage and "Options:" in usage:
        return SetupError(
            "opencode_proof_unavailable",
            "this opencode has no `debug config --pure`, so it cannot prove which config it uses",
            where=Where(str(executable.path)),
            next_step=f"{_UPGRADE}, then run this again",
        )
    match = _COMPLAINT.search(text)
    if match is None:
        return _ended_badly(f"`opencode debug config` failed with status {output.status}", executable)
    return _named_complaint(match, text)


def _ended_badly(message: str, executable: Executable) -> SetupError:
    return SetupError(
        "effective_config_command_failed",
        message,
        where=Where(str(executable.path)),
        next_step="run `opencode debug config --pure` yourself in this folder and correct what it names",
    )


def _named_complaint(match: re.Match[str], text: str) -> SetupError:
    name = "".join(character for character in (match["syntax"] or match["value"]) if character.isprintable())
    where = Where(name)
    reason = "opencode refuses a value in this config"
    if match["syntax"]:
        reason = "opencode cannot parse this config"
        place = _PLACE.search(text, match.end())
        if place:
            where = Where(name, int(place[1]), int(place[2]))
    elif ": bad file reference" in text[match.end() : match.end() + 40]:
        reason = "this config refers to a file that opencode cannot read"
    return SetupError(
        "effective_config_command_failed",
        reason,
        where=where,
        next_step="correct that file (`opencode debug config --pure` shows what opencode says), "
        "then run this again",
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
    """The models that opencode offers from the provider, as `<provider>/<key>`; Gated when it has none.

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
        text = output.stdout.decode("utf-8", "replace")
        named = "" if provider is None else f"{provider}/"
        return tuple(line.strip() for line in text.splitlines() if line.startswith(named) and "/" in line)
    complaint = _COLOUR.sub("", output.stderr.decode("utf-8", "replace"))
    if any(line.strip().endswith(f"Provider not found: {provider}") for line in complaint.splitlines()):
        return Gated()
    command = "opencode models" if provider is None else f"opencode models {provider}"
    raise _ended_badly(f"`{command}` failed with status {output.status}", executable)
