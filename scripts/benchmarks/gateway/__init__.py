"""The gateway beside nginx, LiteLLM's proxy and a pass-through of our own, in one run.

    python3 scripts/bench.py gateway

Every target of the gateway is a row. `[fast]` is the product with the libraries' parts in C, and with
msgspec; `.pyz` is the single file, all Python. Both decide, check, store and record every request, on disk
before it is passed on. "Added" is the p50 at one connection, less that of the runtime alone.
"""

from __future__ import annotations

import contextlib
import functools
import statistics
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Callable, Final

from scripts.benchmarks import BenchmarkError, Row
from scripts.benchmarks.gateway import bodies, rig, subjects
from scripts.benchmarks.gateway.rig import Cell
from scripts.benchmarks.gateway.subjects import Subject

TITLE: Final = "Gateway: direct, nginx, LiteLLM, our pass-through, and the gateway itself"
_SECONDS: Final = 1.5
_AT_ONCE, _STREAMS, _PAUSING = 32, 16, 40
_GROWTH_REQUESTS: Final = 100_000
_GROWTH_WARM_UP: Final = 10_000


@dataclass
class Seen:
    """What was measured of one subject: cells by kind, one for each run."""

    cells: dict[str, list[Cell]] = field(default_factory=dict)
    start: list[float] = field(default_factory=list)
    memory: list[float] = field(default_factory=list)
    growth: float | None = None

    def add(self, kind: str, cell: Cell) -> None:
        """One more run."""
        self.cells.setdefault(kind, []).append(cell)

    def median(self, kind: str, value: Callable[[Cell], float]) -> float:
        """Of the runs."""
        return statistics.median(map(value, self.cells[kind]))


def measure(runs: int) -> list[Row]:
    """Every target of the gateway; a figure that cannot be had here says why."""
    reason = rig.why_not()
    if reason is not None:
        return [Row("the gateway", None, "", note=reason)]
    with tempfile.TemporaryDirectory() as name:
        bench = _Bench(Path(name))
        with bench.runtime():
            for subject in bench.subjects():
                _show(subject.name, bench.measured(subject, runs))
        return [*_rows(bench), *[Row(what, None, "", note=why) for what, why in bench.missing.items()]]


class _Bench:
    """One run of the whole section, in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.ports = rig.free_ports(2)
        self.seen: dict[str, Seen] = {}
        self.missing: dict[str, str] = {}
        self.client = rig.Client(rig.compiled("load", folder), folder)
        self.asked = _tried(bodies.captured, "opencode's real request", self.missing)

    def runtime(self) -> contextlib.AbstractContextManager[None]:
        return rig.stub(rig.compiled("stub", self.folder), self.ports, self.folder)

    def subjects(self) -> list[Subject]:
        """Those that there are; for the others `missing` says why."""
        packed = functools.cache(lambda: subjects.packed(self.folder))
        fast = functools.cache(subjects.fast_python)
        makers: dict[str, Callable[[], Subject | str]] = {
            "direct": lambda: subjects.direct(self.ports),
            "nginx": lambda: subjects.nginx(self._own("nginx"), rig.free_ports(2), self.ports),
            "LiteLLM": lambda: subjects.litellm(self._own("litellm"), rig.free_ports(1)[0], self.ports),
            "pass, fast": lambda: self._passing("pass, fast", (str(fast()),)),
            "pass, pure": lambda: self._passing("pass, pure", subjects.pure_python(packed())),
            "[fast]": lambda: self._governed("[fast]", (str(fast()), "-m", "marama_route")),
            ".pyz": lambda: self._governed(".pyz", (sys.executable, "-I", str(packed()))),
        }
        found = []
        for name, make in makers.items():
            made = _tried(make, name, self.missing)
            if isinstance(made, str):
                self.missing[name] = made
            elif made is not None:
                found.append(made)
        return found

    def _own(self, name: str) -> Path:
        folder = self.folder / name
        folder.mkdir()
        return folder

    def _passing(self, name: str, python: tuple[str, ...]) -> Subject:
        return subjects.passing(python, name, rig.free_ports(2), self.ports)

    def _governed(self, name: str, start: tuple[str, ...]) -> Subject:
        return subjects.governed(name, start, self._own(name.strip("[].")), rig.free_ports(1)[0], self.ports)

    def measured(self, subject: Subject, runs: int) -> Seen:
        """The subject, started once for each run; what it did before it failed, if it does."""
        seen = self.seen[subject.name] = Seen()
        try:
            for run in range(runs):
                self._one_run(subject, seen, last=run == runs - 1)
        except BenchmarkError as error:
            self.missing[subject.name] = str(error)
        return seen

    def _one_run(self, subject: Subject, seen: Seen, *, last: bool) -> None:
        if not subject.command:
            self._cells(subject, seen, None)
            return
        log = self.folder / f"{subject.name.strip('[].')}.log"
        environ = {"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", **subject.environ}
        began = time.monotonic()
        with rig.running(subject.command, core=1, log=log, environ=environ) as child:
            body = bodies.small(subject.model)
            rig.until_served(subject.port, body, subject.header, subject.within, child)
            seen.start.append(time.monotonic() - began)
            rig.calm(child.pid)
            self._cells(subject, seen, child.pid)
            seen.memory.append(rig.memory(child.pid))
            if last and subject.name in _GOVERNED:
                seen.growth = self._growth(subject, child.pid)

    def _cells(self, subject: Subject, seen: Seen, pid: int | None) -> None:
        ask = functools.partial(self.client.run, header=subject.header, gateway=pid)
        plain = bodies.small(subject.model)
        stream = bodies.small(subject.model, stream=True)
        pausing = bodies.small(subject.pausing_model, stream=True)
        for connections in (1, _AT_ONCE):
            ask(subject.port, plain, connections=connections, seconds=subject.warm_up)
        seen.add("one", ask(subject.port, plain, connections=1, seconds=_SECONDS))
        seen.add("many", ask(subject.port, plain, connections=_AT_ONCE, seconds=_SECONDS))
        seen.add("streams", ask(subject.port, stream, connections=_STREAMS, seconds=_SECONDS))
        seen.add(
            "pausing",
            ask(subject.pausing_port, pausing, connections=_PAUSING, seconds=_SECONDS, most=_PAUSING),
        )
        if self.asked is not None and subject.name in ("direct", *_GOVERNED):
            for kind, make in (("first", bodies.first), ("continued", bodies.continued)):
                seen.add(kind, ask(subject.port, make(self.asked, subject.model), connections=1, seconds=1))

    def _growth(self, subject: Subject, pid: int) -> float:
        """MB that the gateway has grown by over 100,000 requests, after it was warm."""
        body = bodies.small(subject.model)
        ask = functools.partial(
            self.client.run,
            subject.port,
            body,
            connections=8,
            seconds=3000,
            header=subject.header,
            fifo=False,
        )
        ask(most=_GROWTH_WARM_UP)
        before = rig.memory(pid)
        ask(most=_GROWTH_REQUESTS)
        return rig.memory(pid) - before


_GOVERNED: Final = ("[fast]", ".pyz")


def _tried(make: Callable[[], Any], what: str, missing: dict[str, str]) -> Any:
    from scripts.lib import cache

    try:
        return make()
    except (BenchmarkError, cache.PreparationError) as error:
        missing[what] = str(error)
        return None


def _show(name: str, seen: Seen) -> None:
    """The figures themselves, of which the rows are ratios."""
    if "pausing" not in seen.cells:
        return
    parts = [
        f"p50 {seen.median('one', lambda cell: cell.p50):.0f} us",
        f"p99 {seen.median('one', lambda cell: cell.p99):.0f} us",
        f"{seen.median('many', lambda cell: cell.rate):.0f}/s",
        f"{seen.median('many', lambda cell: cell.cpu_each):.0f} us CPU",
        f"{seen.median('streams', lambda cell: cell.rate):.0f} streams/s",
        f"{seen.median('streams', lambda cell: cell.cpu_each):.0f} us CPU",
        f"paused {seen.median('pausing', lambda cell: cell.p50) / 1e3:.0f} ms",
        f"{seen.median('pausing', _chunk):.1f} us CPU a chunk",
        f"first byte {seen.median('pausing', lambda cell: cell.first_byte_p50) / 1e3:.1f} ms",
    ]
    if seen.memory:
        parts += [f"{statistics.median(seen.memory):.0f} MB", f"start {statistics.median(seen.start):.2f} s"]
    print(f"{name:<11} {', '.join(parts)}", flush=True)


def _chunk(cell: Cell) -> float:
    return cell.cpu_each / rig.EVENTS


def _rows(bench: _Bench) -> list[Row]:
    found = []
    for name, passing, limits in (
        ("[fast]", "pass, fast", (6.5, 35, 150, 20)),
        (".pyz", "pass, pure", (9, 20, 50, 36)),
    ):
        if "continued" in bench.seen.get(name, Seen()).cells or (
            bench.asked is None and "pausing" in bench.seen.get(name, Seen()).cells
        ):
            found += _Figures(bench, name, passing).rows(*limits)
    return found


@dataclass(frozen=True)
class _Figures:
    """The rows of one form of the gateway."""

    bench: _Bench
    name: str
    passing: str

    def rows(self, added: float, rate: float, streams: float, cpu: float) -> list[Row]:
        """All targets, in the order in which they were promised."""
        own = self.bench.seen[self.name]
        one = functools.partial(own.median, "one")
        latency = [
            self._ratio("added p50 / nginx's", "nginx", lambda of: self._added(of, "one"), added),
            self._row("own p99 / own p50", one(lambda cell: cell.p99) / one(lambda cell: cell.p50), "x", 3),
        ]
        work = [
            self._times("requests a second / LiteLLM's", "many", rate),
            self._times("streams a second / LiteLLM's", "streams", streams),
            self._ratio("CPU a request / nginx's", "nginx", _cpu("many"), cpu),
            self._ratio("CPU a paused chunk / nginx's", "nginx", _cpu("pausing"), 4),
            self._ratio("CPU a request / our pass-through's", self.passing, _cpu("many"), 1.4),
            self._ratio(
                "40 paused streams, time / direct",
                "direct",
                lambda of: of.median("pausing", lambda cell: cell.p50),
                1.03,
            ),
        ]
        rest = [
            self._ratio("memory / LiteLLM's", "LiteLLM", lambda of: statistics.median(of.memory), 1 / 8),
            self._row("growth over 100,000 requests", own.growth, "MB", 5),
            self._row("start to the first served chat", statistics.median(own.start), "s", 1),
        ]
        return [*latency, *work, *rest, *self._real()]

    def _real(self) -> list[Row]:
        own, size = self.bench.seen[self.name], 0
        if "continued" not in own.cells:
            return []
        size = len(bodies.first(self.bench.asked, "m")) // 1000
        return [
            self._row(f"added p50, opencode's {size} kB, {words}", self._added(own, kind) / 1e3, "ms", limit)
            for kind, words, limit in (
                ("first", "the first time", 3),
                ("continued", "as the conversation goes on", 1.5),
            )
        ]

    def _added(self, of: Seen, kind: str) -> float:
        return of.median(kind, lambda cell: cell.p50) - self.bench.seen["direct"].median(
            kind, lambda cell: cell.p50
        )

    def _times(self, what: str, kind: str, least: float) -> Row:
        row = self._ratio(what, "LiteLLM", lambda of: of.median(kind, lambda cell: cell.rate), least)
        return Row(row.name, row.value, row.unit, row.target, row.note, at_least=True)

    def _ratio(self, what: str, other: str, value: Callable[[Seen], float], limit: float) -> Row:
        if "pausing" not in self.bench.seen.get(other, Seen()).cells:
            return self._row(what, None, "x", limit, f"{other} was not measured")
        theirs = self.bench.seen[other]
        return self._row(what, value(self.bench.seen[self.name]) / value(theirs), "x", limit)

    def _row(self, what: str, value: float | None, unit: str, limit: float, note: str = "") -> Row:
        return Row(f"{self.name} {what}", value, unit, limit, note)


def _cpu(kind: str) -> Callable[[Seen], float]:
    return lambda of: of.median(kind, lambda cell: cell.cpu_each)
