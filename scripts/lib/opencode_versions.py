"""Gets a real opencode from the npm registry into the cache folder.

Only what this machine runs is fetched: `opencode-ai` with its launcher, and the one platform package,
without the musl and baseline variants (140 MB instead of 550 MB for 1.14.34).
"""

from __future__ import annotations

import os
import platform
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Final, Sequence

from scripts.lib import cache

SUPPORTED: Final = ("1.18.33", "1.17.19", "1.14.34")
TOO_OLD: Final = "1.3.2"
NEWEST: Final = SUPPORTED[0]


def executable(version: str) -> Path:
    """The path of the `opencode` command of that version, installed if it is missing."""
    target = cache.folder() / "opencode" / version
    modules = target / "node_modules"
    with cache.exclusive(target):
        if not modules.is_dir():
            _install(version, target)
    commands = [modules / ".bin" / "opencode"]
    if sys.platform == "win32":
        # From 1.15 on the command is a program, which postinstall brings after npm made its launcher.
        commands = [modules / "opencode-ai" / "bin" / "opencode.exe", modules / ".bin" / "opencode.cmd"]
    command = next((path for path in commands if path.exists()), None)
    if command is None:
        raise cache.PreparationError(f"opencode-ai@{version} has no {commands[-1]}")
    return command


def _install(version: str, target: Path) -> None:
    node = tool("node")
    what = f"installing opencode-ai@{version}"
    with cache.building(target) as folder, tempfile.TemporaryDirectory() as home:
        npm_install(folder, [f"opencode-ai@{version}", f"{_platform_package()}@{version}"], what)
        # What npm would have run: it links the platform's executable into opencode-ai.
        script = folder / "node_modules" / "opencode-ai" / "postinstall.mjs"
        cache.run([node, str(script)], cwd=script.parent, environ={**os.environ, "HOME": home}, what=what)


def npm_install(folder: Path, packages: Sequence[str], what: str) -> None:
    """Install packages into `folder` without running their scripts; nothing is left in the user's home."""
    options = ["--no-save", "--no-audit", "--no-fund", "--omit=optional", "--ignore-scripts"]
    with tempfile.TemporaryDirectory() as home:
        # npm keeps its cache and logs in the home folder, so it gets a temporary one; the user's
        # npmrc is still read, because it may name a registry mirror or a proxy.
        environ = {**os.environ, "HOME": home, "npm_config_cache": str(Path(home) / "npm")}
        environ.setdefault("npm_config_userconfig", str(Path.home() / ".npmrc"))
        (folder / "package.json").write_text("{}\n", encoding="utf-8")
        cache.run([tool("npm"), "install", *options, *packages], cwd=folder, environ=environ, what=what)


def tool(name: str) -> str:
    """The path of node, npm or npx; PreparationError when it is not installed."""
    found = shutil.which(name)
    if found is None:
        raise cache.PreparationError(
            f"{name} is not on PATH: install Node.js with npm, then run this command again"
        )
    return found


def _platform_package() -> str:
    """The platform package that opencode-ai's own launcher would pick on this machine."""
    systems = {"linux": "linux", "darwin": "darwin", "win32": "windows"}
    machines = {"x86_64": "x64", "amd64": "x64", "aarch64": "arm64", "arm64": "arm64"}
    machine = machines.get(platform.machine().lower())
    if sys.platform not in systems or machine is None:
        raise cache.PreparationError(f"there is no opencode for {sys.platform} on {platform.machine()}")
    name = f"opencode-{systems[sys.platform]}-{machine}"
    if sys.platform == "linux":
        name += "" if machine == "arm64" or "avx2" in _cpu_flags() else "-baseline"
        name += "" if platform.libc_ver()[0] == "glibc" else "-musl"
    return name


def _cpu_flags() -> set[str]:
    return set(Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").split())
