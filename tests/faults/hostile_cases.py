"""Hostile homes and projects, made from a number: what a cloned repository or another program may leave."""

from __future__ import annotations

import json
import os
import random
import socket
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Callable

from tests.faults.homes import Home, put
from tests.faults.interception import Action

ESCAPES = (
    "\x1b[2J", "\x1b]0;owned\x07", "\x1b]8;;http://x\x1b\\", "\x9b31m", "\x90q\x9c", "\r\x08\x7f", "\x00",
    "\n\nok: ", "\u202e", "\u2066\u2069", "\u2028", "\ufeff", "\udc80", "é漢\U0001f600", "%s{0}$(id)`id`",
    "../../etc/passwd",
)  # fmt: skip


@dataclass
class Case:
    """One hostile setup; `environ` and `arguments` come on top, `answer` is what opencode resolves."""

    kind: str
    arguments: list[str] = field(default_factory=list)
    environ: dict[str, str] = field(default_factory=dict)
    answer: dict[str, Any] = field(default_factory=dict)
    cwd: Path | None = None
    swap: Action | None = None
    at: int = 0


def make(seed: int, home: Home) -> Case:
    """Prepare the home for case number `seed`."""
    random_ = random.Random(seed)
    names = list(_MAKERS)
    kind = names[seed % len(names)]
    case = Case(kind)
    _MAKERS[kind](random_, home, case)
    return case


def hostile(random_: random.Random) -> str:
    """A text with escapes and more in it."""
    return "".join(random_.choice((*ESCAPES, "abc", "gonkagate/", " ")) for _ in range(random_.randint(1, 6)))


def _value(random_: random.Random, depth: int = 0) -> Any:
    if depth > 2 or random_.random() < 0.5:
        return random_.choice((hostile(random_), hostile(random_), 1e308, -0.0, True, None, []))
    if random_.random() < 0.5:
        return [_value(random_, depth + 1) for _ in range(random_.randint(0, 3))]
    return {hostile(random_): _value(random_, depth + 1) for _ in range(random_.randint(0, 3))}


def _config(random_: random.Random) -> dict[str, Any]:
    places: dict[str, Callable[[], Any]] = {
        "model": lambda: hostile(random_),
        "small_model": lambda: hostile(random_),
        "disabled_providers": lambda: ["gonkagate", hostile(random_)],
        "enabled_providers": lambda: [hostile(random_)],
        "plugin": lambda: [hostile(random_)],
        "agent": lambda: {hostile(random_): {"model": hostile(random_)}},
        "provider": lambda: {
            "gonkagate": {
                "name": hostile(random_),
                "npm": hostile(random_),
                "options": {"baseURL": hostile(random_), "headers": {hostile(random_): hostile(random_)}},
                "models": {hostile(random_): {"name": hostile(random_)}},
            },
            hostile(random_): {"options": _value(random_)},
        },
        hostile(random_): lambda: _value(random_),
    }
    chosen = random_.sample(sorted(places), random_.randint(1, 4))
    return {name: places[name]() for name in chosen}


def _configs(home: Home) -> list[Path]:
    both = [home.user_config, home.project_config]
    return (
        both + [path.with_suffix(".jsonc") for path in both] + [home.project / ".opencode" / "opencode.json"]
    )


def _escapes(random_: random.Random, home: Home, case: Case) -> None:
    for path in random_.sample(_configs(home), random_.randint(1, 3)):
        text = json.dumps(_config(random_), ensure_ascii=random_.random() < 0.5)
        put(path, text.encode("utf-8", "surrogatepass"), 0o644)
    case.answer = _config(random_)
    case.arguments = random_.choice((["--dry-run"], [], ["--on-blocked", "keep"]))


def _roots(random_: random.Random, home: Home, case: Case) -> None:
    up = "/".join([".."] * random_.randint(1, 40))
    (home.project / "deep").mkdir()
    (home.project / "away").symlink_to(home.root / "victim")
    case.cwd = home.project / random_.choice(
        (f"deep/../{up}/tmp", "deep/../deep", "away", "away/..", "deep/../away")
    )
    if random_.random() < 0.5:
        case.cwd = None
        (home.project / ".git" / "HEAD").unlink()
        (home.project / ".git").rmdir()
        put(
            home.project / ".git",
            f"gitdir: {up}{home.root}/victim\n{hostile(random_)}".encode("utf-8", "replace"),
            0o644,
        )
    for name in random_.sample(
        ("OPENCODE_CONFIG", "OPENCODE_CONFIG_DIR", "XDG_CONFIG_HOME", "XDG_DATA_HOME"), 2
    ):
        case.environ[name] = random_.choice(
            (f"{up}{home.root}/victim/file", "away/file", "../victim", "\n", "~")
        )


def _deep(random_: random.Random, home: Home, case: Case) -> None:
    times = random_.choice((100, 1000, 10_000, 100_000, 1_000_000))
    opening = random_.choice(("[", '{"a":', '[{"provider":', "/*", "//\n[", "{"))
    closing = {"[": "]", '{"a":': "}"}.get(opening, "") if random_.random() < 0.7 else ""
    inside = opening * times + "1" + closing * times
    put(random_.choice(_configs(home)), f'{{"x": {inside}}}'.encode(), 0o644)


def _huge(random_: random.Random, home: Home, case: Case) -> None:
    path = random_.choice([*_configs(home), home.store.state, home.store.note, home.store.key])
    put(path, b"{", 0o600)
    os.truncate(path, random_.choice((17, 100)) * 1024 * 1024)


def _kinds(random_: random.Random, home: Home, case: Case) -> None:
    store = home.store
    data = home.folder / ".local" / "share" / "opencode"
    places = [*_configs(home), store.key, store.state, store.note, store.history, store.lock, store.journal]
    places += [store.folder, store.backups, data / "auth.json", home.user_config.parent / "agent" / "a.md"]
    places += [home.project / ".git" / "HEAD", home.user_config.parent, store.journal / "entries"]
    path = random_.choice(places)
    if path.exists():
        path.unlink() if path.is_file() else path.rename(path.with_name("moved"))
    path.parent.mkdir(parents=True, exist_ok=True)
    kind = random_.choice(("fifo", "folder", "socket", "zero", "loop", "dangling", "victim", "full", "tty"))
    if kind == "fifo":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    elif kind == "socket":
        here = os.open(".", os.O_RDONLY)
        os.chdir(path.parent)
        with socket.socket(socket.AF_UNIX) as made:
            made.bind(path.name)
        os.fchdir(here)
        os.close(here)
    else:
        targets = {"zero": "/dev/zero", "loop": path.name, "dangling": "no/where", "full": "/dev/full"}
        path.symlink_to(targets.get(kind, "/dev/tty" if kind == "tty" else home.root / "victim" / "file"))


def _swaps(random_: random.Random, home: Home, case: Case) -> None:
    """A link to the victim takes the place of a file or folder right before some call."""
    put(home.user_config, b"{}", 0o644)
    put(home.project_config, b"{}", 0o644)
    path = random_.choice((home.user_config, home.project_config, home.user_config.parent, home.store.folder))
    rename, symlink, lexists = os.rename, os.symlink, os.path.lexists

    def swap(_name: str, do: Callable[[], Any]) -> Any:
        if lexists(path):
            rename(path, f"{path}.moved")
        if lexists(path.parent):
            is_folder = path in (home.user_config.parent, home.store.folder)
            symlink(home.root / "victim" / ("" if is_folder else "file"), path)
        return do()

    case.swap = swap
    case.at = random_.randint(1, 700)


_MAKERS: dict[str, Callable[[random.Random, Home, Case], None]] = {
    "terminal escapes": _escapes,
    "project roots": _roots,
    "kinds of files": _kinds,
    "swapped links": _swaps,
    "deep nesting": _deep,
    "huge files": _huge,
}
