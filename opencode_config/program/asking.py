"""Asking opencode what it would do, in each environment that differs, at most two at a time."""

from __future__ import annotations

import os
import threading
from dataclasses import dataclass, replace
from enum import Enum
from functools import partial
from typing import Any, Callable, Final, Iterable, Mapping, Sequence

from foundation.errors import Refusal
from opencode_config.availability import rests_on_gating
from opencode_config.evidence import Answer, Evidence
from opencode_config.launcher import Folders
from opencode_config.layers import MISSING, lookup
from opencode_config.output import answer_of
from opencode_config.places import USER, Environment
from opencode_config.program import launchers
from opencode_config.program.opencode import Opencode
from opencode_config.survey import Survey
from opencode_config.versions import NEWEST_AUDITED, Version

_AT_A_TIME: Final = 2
# The environments in which the models are asked for: the durable one, and this session's.
_ASKED_FOR_MODELS: Final = (Environment.DURABLE, Environment.SESSION)
Progress = Callable[[str], None]


class Topic(Enum):
    """What opencode can be asked in one environment."""

    CONFIG = "config"
    MODELS = "models"
    PLUGINS = "plugins"


@dataclass(frozen=True)
class Question:
    """One start of opencode."""

    topic: Topic
    environment: Environment


def gather(
    opencode: Opencode,
    version: Version,
    survey: Survey,
    *,
    ask_models: bool,
    progress: Progress = lambda _: None,
    known: Answer | None = None,
) -> Evidence:
    """The resolved config per environment, and the offered models if the judgement depends on them.

    Environments that do not differ are asked once. `progress` gets a line about what is asked besides the
    config. That opencode fails is part of the evidence, except where it cannot prove anything at all
    (Refusal: unresponsive, no `--pure`, not startable). `known` is the durable environment's answer, if
    opencode has given it already.
    """
    asker = _Asker(opencode, survey, progress)
    twins = _twins(asker.environs)
    distinct = [name for name in Environment if twins[name] is name]
    first = _foreseen(survey, distinct, models=ask_models or version > NEWEST_AUDITED)
    answers = {} if known is None else {Question(Topic.CONFIG, Environment.DURABLE): known}
    if not survey.traces.database:
        # Two opencodes that create the database at once break each other (measured, 1.18.33).
        answers.update(asker.ask(first[:1], answers))
    answers.update(asker.ask(first, answers))
    configs = {name: answers[Question(Topic.CONFIG, name)] for name in distinct}
    answers.update(asker.ask(_raised(configs, survey.provider), answers))
    folders = {
        name: _elsewhere(survey, configs[name], asker.folders(name))
        for name in distinct
        if _sees_nothing_of_ours(survey, name, configs[name])
    }
    plugins = {name: answers.get(Question(Topic.PLUGINS, twins[name])) for name in Environment}
    return Evidence(
        version,
        opencode.executable.path,
        {
            name: _with_models(configs[twins[name]], answers.get(Question(Topic.MODELS, twins[name])))
            for name in Environment
        },
        {name: answer for name, answer in plugins.items() if answer is not None},
        opencode.executable.on_path,
        opencode.executable.also,
        launchers.read(opencode.executable),
        {name: found for name in Environment for found in [folders.get(twins[name])] if found is not None},
    )


def _foreseen(survey: Survey, distinct: Sequence[Environment], *, models: bool) -> list[Question]:
    """The questions that are always asked."""
    questions = [Question(Topic.CONFIG, name) for name in distinct]
    questions += [Question(Topic.MODELS, name) for name in distinct if models and name in _ASKED_FOR_MODELS]
    return questions + [Question(Topic.PLUGINS, name) for name in distinct if survey.has_plugins(name)]


def _raised(configs: Mapping[Environment, Answer], provider: str) -> list[Question]:
    """The questions that the resolved configs leave open."""
    questions = [
        Question(Topic.MODELS, name)
        for name, answer in configs.items()
        if name in _ASKED_FOR_MODELS and rests_on_gating(answer.config, provider)
    ]
    plugins = (name for name, answer in configs.items() if (answer.config or {}).get("plugin"))
    return questions + [Question(Topic.PLUGINS, name) for name in plugins]


def _elsewhere(survey: Survey, answer: Answer, folders: Folders | None) -> Folders | None:
    """The folders, if they explain what opencode does not see: they are not ours, or it has no provider."""
    own, home = survey.surroundings.user_folder, survey.surroundings.home
    if folders is not None and os.path.realpath(folders.home) == os.path.realpath(home):
        folders = replace(folders, home=home)
    if folders is None or os.path.realpath(folders.config) != os.path.realpath(own):
        return folders
    if answer.config is None:
        return None if folders.home == home else replace(folders, config=own)
    seen = lookup(answer.config, ("provider", survey.provider)) is not MISSING
    return None if seen else replace(folders, config=own)


def _sees_nothing_of_ours(survey: Survey, environment: Environment, answer: Answer) -> bool:
    """Whether opencode resolved no provider, or no model, although the user's own config has one.

    Or refused that config: with another home, the reference to the key file points to nothing.
    """
    config = answer.config
    paths = (("provider", survey.provider), ("model",))
    users = [layer for layer in survey.layers(environment) if layer.layer == USER]
    if config is None:
        where = None if answer.failure is None else answer.failure.where
        return where is not None and where.line is None and where.name in [layer.name for layer in users]
    return any(
        lookup(config, path) is MISSING and any(layer.get(path) is not MISSING for layer in users)
        for path in paths
    )


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

    def __init__(self, opencode: Opencode, survey: Survey, progress: Progress) -> None:
        self._stop = threading.Event()
        self._opencode = replace(opencode, stop=self._stop)
        self._provider = survey.provider
        self._progress = progress
        self.environs = {name: name.select(survey.surroundings.environ) for name in Environment}

    def ask(
        self, questions: Iterable[Question], answered: Mapping[Question, Answer]
    ) -> dict[Question, Answer]:
        """The answers to the questions that are not answered yet."""
        ask = {Topic.CONFIG: self._config, Topic.MODELS: self._models, Topic.PLUGINS: self._with_plugins}
        asked = [question for question in questions if question not in answered]
        tasks = [partial(ask[question.topic], self.environs[question.environment]) for question in asked]
        return dict(zip(asked, _side_by_side(tasks, self._stop)))

    def folders(self, environment: Environment) -> Folders | None:
        """The folders that opencode uses, if it names them."""
        self._progress("asking opencode for its folders")
        return self._opencode.folders(self.environs[environment])

    def _config(self, environ: Mapping[str, str]) -> Answer:
        """The resolved config, or opencode's refusal; raised where it can prove nothing at all."""
        without_locks = partial(self._opencode.config, environ)
        answer = self._answer(without_locks, partial(self._opencode.config, environ, locks=True))
        if answer.failure is not None and answer.failure.kind.startswith("opencode_"):
            raise answer.failure
        return answer

    def _with_plugins(self, environ: Mapping[str, str]) -> Answer:
        """The resolved config with the user's plugins running; a failure is never raised."""
        self._progress("asking opencode with your plugins")
        ask = partial(self._opencode.config_with_plugins, environ)
        return self._answer(ask, ask)

    def _answer(self, ask: Callable[[], dict[str, Any]], again: Callable[[], dict[str, Any]]) -> Answer:
        """The config that `ask` brings, or a failure.

        A failure that names no config is asked once more: another opencode may have held the database, or a
        later opencode not resolve anything without a lock.
        """
        try:
            try:
                config = ask()
            except Refusal as error:
                if error.where is None or error.where.name != str(self._opencode.executable.path):
                    raise
                config = again()
        except Refusal as error:
            return Answer(failure=error)
        return answer_of(config, self._provider)

    def _models(self, environ: Mapping[str, str]) -> Answer:
        """The offered models, in an answer without a config."""
        self._progress("asking opencode which models it offers")
        try:
            return Answer(models=self._opencode.models(environ, self._provider))
        except Refusal as error:
            return Answer(models_failure=error)


def _side_by_side(tasks: Sequence[Callable[[], Answer]], stop: threading.Event) -> list[Answer]:
    """Every task's result, in order, at most two at a time; the first failure is raised at the end.

    If this thread is interrupted, `stop` ends the running ones before the interruption continues.
    """
    if len(tasks) < _AT_A_TIME:
        return [task() for task in tasks]
    results: dict[int, Answer] = {}
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
    return [results[number] for number in range(len(tasks))]


def _wait(ends: Sequence[threading.Event]) -> None:
    """Wait for the workers; not with join(), which treats a thread as ended if it is interrupted (3.11)."""
    for ended in ends:
        while not ended.wait(0.1):  # in slices, because Windows does not interrupt a wait
            pass
