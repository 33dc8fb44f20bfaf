"""Asking opencode what it would do, in each environment that differs, at most two at a time."""

from __future__ import annotations

import os
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any, Callable, Final, Mapping, Sequence, TypeVar

from foundation.errors import Refusal
from foundation.host import Host
from gonkagate_setup.catalog import Profile
from opencode_config.availability import rests_on_gating
from opencode_config.evidence import NEWEST_AUDITED, Answer, Evidence, Models, Version, answer_of
from opencode_config.launcher import Folders
from opencode_config.layers import MISSING, lookup
from opencode_config.places import USER, Environment
from opencode_config.program import launchers
from opencode_config.program.child import TIMEOUT
from opencode_config.program.opencode import Executable, list_models, resolve_config
from opencode_config.survey import Survey

_AT_A_TIME: Final = 2
# The environments in which the models are asked for: the durable one, and this session's.
_ASKED_FOR_MODELS: Final = (Environment.DURABLE, Environment.SESSION)
Progress = Callable[[str], None]
Result = TypeVar("Result")


def gather(
    executable: Executable,
    version: Version,
    host: Host,
    survey: Survey,
    *,
    ask_models: bool,
    timeout: float = TIMEOUT,
    scratch: Path | None = None,
    progress: Progress = lambda _: None,
    known: Answer | None = None,
) -> Evidence:
    """The resolved config per environment, and the offered models if the judgement depends on them.

    Environments that do not differ are asked once. `timeout` is per process, in seconds; `progress` gets
    a line about what is asked besides the config. A failing opencode is part of the evidence, unless
    it cannot prove anything at all (Refusal with exit status 3: unresponsive, no `--pure`, not startable).
    `known` is the durable environment's answer, if opencode has already given it.
    """
    profile = survey.profile
    asker = _Asker(executable, Path(survey.surroundings.cwd), profile, timeout, scratch, progress)
    environs = {environment: environment.select(host.environ) for environment in Environment}
    twins = _twins(environs)
    distinct = [environment for environment in Environment if twins[environment] is environment]
    for_models = [environment for environment in distinct if environment in _ASKED_FOR_MODELS]
    always = ask_models or version > NEWEST_AUDITED
    # The usual case: one process, and no other thread.
    first: list[Callable[[], Any]] = [_bound(asker.config, environs[name]) for name in distinct]
    if known is not None:
        first[0] = lambda: known
    if always:
        first += [_bound(asker.models, environs[name]) for name in for_models]
    with_plugins = [name for name in distinct if survey.has_plugins(name)]
    first += [_bound(asker.with_plugins, environs[name]) for name in with_plugins]
    # Two opencodes that create the database at once break each other (measured, 1.18.33).
    alone = [] if survey.traces.database or len(first) == 1 else [first.pop(0)()]
    results = iter(alone + _side_by_side(first, asker.stop))
    configs: dict[Environment, Answer] = {name: next(results) for name in distinct}
    models: dict[Environment, Answer] = {}
    if always:
        models.update((name, next(results)) for name in for_models)
    plugins: dict[Environment, Answer] = {name: next(results) for name in with_plugins}

    second = [
        name
        for name in for_models
        if name not in models and rests_on_gating(configs[name].config, profile.id)
    ]
    unseen = [name for name in distinct if name not in plugins and (configs[name].config or {}).get("plugin")]
    late: list[Callable[[], Any]] = [_bound(asker.models, environs[name]) for name in second]
    late += [_bound(asker.with_plugins, environs[name]) for name in unseen]
    results = iter(_side_by_side(late, asker.stop))
    models.update((name, next(results)) for name in second)
    plugins.update((name, next(results)) for name in unseen)
    answers = {name: _with_models(configs[twins[name]], models.get(twins[name])) for name in Environment}
    plugins = {name: plugins[twins[name]] for name in Environment if twins[name] in plugins}
    blind = [name for name in distinct if _sees_nothing_of_ours(survey, name, configs[name])]
    folders = {name: _elsewhere(survey, configs[name], asker.folders(environs[name])) for name in blind}
    return Evidence(
        version,
        executable.path,
        answers,
        plugins,
        executable.on_path,
        executable.also,
        launchers.read(executable),
        {name: found for name in Environment for found in [folders.get(twins[name])] if found is not None},
    )


def _elsewhere(survey: Survey, answer: Answer, folders: Folders | None) -> Folders | None:
    """The folders, if they explain what opencode does not see: they are not ours, or it has no provider."""
    own, home = survey.surroundings.user_folder, survey.surroundings.home
    if folders is not None and os.path.realpath(folders.home) == os.path.realpath(home):
        folders = replace(folders, home=home)
    if folders is None or os.path.realpath(folders.config) != os.path.realpath(own):
        return folders
    if answer.config is None:
        return None if folders.home == home else replace(folders, config=own)
    seen = lookup(answer.config, ("provider", survey.profile.id)) is not MISSING
    return None if seen else replace(folders, config=own)


def _sees_nothing_of_ours(survey: Survey, environment: Environment, answer: Answer) -> bool:
    """Whether opencode resolved no provider, or no model, although the user's own config has one.

    Or refused that config: with another home, the reference to the key file points to nothing.
    """
    config = answer.config
    paths = (("provider", survey.profile.id), ("model",))
    users = [layer for layer in survey.layers(environment) if layer.layer == USER]
    if config is None:
        where = None if answer.failure is None else answer.failure.where
        return where is not None and where.line is None and where.name in [layer.name for layer in users]
    return any(
        lookup(config, path) is MISSING and any(layer.get(path) is not MISSING for layer in users)
        for path in paths
    )


def _bound(ask: Callable[[Mapping[str, str]], Result], environ: Mapping[str, str]) -> Callable[[], Result]:
    return lambda: ask(environ)


def _twins(environs: Mapping[Environment, Mapping[str, str]]) -> dict[Environment, Environment]:
    """For each environment, the first one that equals it."""
    return {
        name: next(other for other in Environment if environs[other] == environ)
        for name, environ in environs.items()
    }


def _with_models(answer: Answer, models: Answer | None) -> Answer:
    if models is None:
        return answer
    return replace(answer, models=models.models, models_failure=models.models_failure)


class _Asker:
    """One opencode in one folder, asked about environments."""

    def __init__(
        self,
        executable: Executable,
        cwd: Path,
        profile: Profile,
        timeout: float,
        scratch: Path | None,
        progress: Progress,
    ) -> None:
        self._executable = executable
        self._cwd = cwd
        self._profile = profile
        self._timeout = timeout
        self._scratch = scratch
        self._progress = progress
        self.stop = threading.Event()

    def config(self, environ: Mapping[str, str], *, pure: bool = True) -> Answer:
        """The resolved config, or opencode's refusal.

        After a failure that names no config, it is asked once more, with locks: another opencode may have
        held the database, or a later opencode may not resolve anything without a lock.
        """
        try:
            try:
                config = self._resolve(environ, pure=pure, locks=not pure)
            except Refusal as error:
                if error.where is None or error.where.name != str(self._executable.path):
                    raise
                config = self._resolve(environ, pure=pure, locks=True)
        except Refusal as error:
            if pure and error.kind.startswith("opencode_"):
                raise
            return Answer(failure=error)
        return answer_of(config, self._profile.id)

    def _resolve(self, environ: Mapping[str, str], *, pure: bool, locks: bool) -> dict[str, Any]:
        return resolve_config(
            self._executable,
            environ,
            self._cwd,
            pure=pure,
            timeout=self._timeout,
            scratch=self._scratch,
            stop=self.stop,
            locks=locks,
        )

    def folders(self, environ: Mapping[str, str]) -> Folders | None:
        """The folders that opencode uses, if it names them."""
        self._progress("asking opencode for its folders")
        return launchers.folders(
            self._executable,
            environ,
            self._cwd,
            timeout=self._timeout,
            scratch=self._scratch,
            stop=self.stop,
        )

    def with_plugins(self, environ: Mapping[str, str]) -> Answer:
        """The resolved config with the user's plugins running; a failure is never raised."""
        self._progress("asking opencode with your plugins")
        with_plugins = {name: value for name, value in environ.items() if name != "OPENCODE_PURE"}
        return self.config(with_plugins, pure=False)

    def models(self, environ: Mapping[str, str]) -> Answer:
        """The offered models, in an answer without a config."""
        self._progress("asking opencode which models it offers")
        models: Models | None = None
        try:
            models = list_models(
                self._executable,
                environ,
                self._cwd,
                self._profile.id,
                timeout=self._timeout,
                scratch=self._scratch,
                stop=self.stop,
            )
        except Refusal as error:
            return Answer(models_failure=error)
        return Answer(models=models)


def _side_by_side(tasks: Sequence[Callable[[], Any]], stop: threading.Event) -> list[Any]:
    """Every task's result, in order, at most two at a time; the first failure is raised at the end.

    If this thread is interrupted, `stop` ends the running ones before the interruption continues.
    """
    if len(tasks) < _AT_A_TIME:
        return [task() for task in tasks]
    results: list[Any] = [None] * len(tasks)
    failures: list[Refusal] = []
    pending = list(enumerate(tasks))
    taking = threading.Lock()

    def work(ended: threading.Event) -> None:
        try:
            while not failures:
                with taking:
                    if not pending:
                        return
                    number, task = pending.pop(0)
                results[number] = task()
        except Refusal as error:
            failures.append(error)
        finally:
            ended.set()

    ends: list[threading.Event] = []
    try:
        for _ in range(_AT_A_TIME):
            ended = threading.Event()
            threading.Thread(target=work, args=(ended,), daemon=True).start()
            ends.append(ended)
        _wait(ends)
    except BaseException:
        stop.set()
        _wait(ends)
        raise
    if failures:
        raise failures[0]
    return results


def _wait(ends: Sequence[threading.Event]) -> None:
    """Wait for the workers; not with join(), which treats a thread as ended if it is interrupted (3.11)."""
    for ended in ends:
        while not ended.wait(0.1):  # in slices, because Windows does not interrupt a wait
            pass
