"""Find the opencode that plain `opencode` starts."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final, Iterator

from foundation import programs
from foundation.errors import Refusal, Where
from foundation.files.reading import reason
from foundation.host import Host

_INSTALL: Final = "install it, for example with `npm install -g opencode-ai`, then run this command again"
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
