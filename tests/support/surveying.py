"""Surveys and evidence from plain text, without a disk: what the real ones are made of."""

from __future__ import annotations

import copy
import json
from dataclasses import replace
from pathlib import PurePath, PurePosixPath
from typing import Any, Mapping

from foundation.files.snapshot import Snapshot
from gonkagate_setup.catalog import GONKAGATE
from gonkagate_setup.choice import Scope
from gonkagate_setup.judgement.verdict import Expectation, Finding
from opencode_config.evidence import Answer, Evidence, Models
from opencode_config.layers import merge
from opencode_config.output import answer_of
from opencode_config.places import (
    JSON_NAMES,
    PLUGIN_SUFFIXES,
    USER_NAMES,
    Environment,
    Kind,
    Surroundings,
    places,
)
from opencode_config.survey import Reading, Survey, Traces
from opencode_config.versions import Version

HOME = PurePosixPath("/home/mia")
ROOT = HOME / "code" / "shop"
USER_FILE = str(HOME / ".config/opencode/opencode.json")
USER_JSONC = str(HOME / ".config/opencode/opencode.jsonc")
PROJECT_FILE = str(ROOT / "opencode.json")
MODEL = GONKAGATE.default_model
REFERENCE = GONKAGATE.reference(MODEL)
ACTIVE = {"model": REFERENCE, "small_model": REFERENCE}
INSTALLED = {
    "$schema": "https://opencode.ai/config.json",
    "provider": {"gonkagate": GONKAGATE.provider_config()},
}


def survey(
    files: Mapping[str, Any],
    environ: Mapping[str, str] | None = None,
    *,
    cwd: PurePath = ROOT,
    worktree: PurePath | None = ROOT,
    platform: str = "linux",
    traces: Traces | None = None,
) -> Survey:
    """A survey that found `files` (text, or a value that becomes JSON; other paths are not there)."""
    texts = {
        PurePosixPath(path): text if isinstance(text, str) else json.dumps(text, indent=2)
        for path, text in files.items()
    }
    around = Surroundings({"HOME": str(HOME), **(environ or {})}, HOME, cwd, worktree, platform)
    wanted = [around.user_folder / name for name in USER_NAMES]
    wanted += [around.project_root / name for name in JSON_NAMES]
    agents: dict[PurePath, tuple[PurePath, ...]] = {}
    plugins: dict[PurePath, tuple[PurePath, ...]] = {}
    for environment in Environment:
        for place in places(around, environment):
            if place.path is not None and place.kind is Kind.AGENTS:
                found = [path for path in texts if path.suffix == ".md" and place.path in path.parents]
                agents[place.path] = tuple(found)
                wanted += found
                inside = [path for path in texts if path.parent.parent == place.path]
                plugins[place.path] = tuple(path for path in inside if path.suffix in PLUGIN_SUFFIXES)
            elif place.path is not None:
                wanted.append(place.path)
    readings = {}
    for path in wanted:
        text = texts.get(PurePosixPath(path))
        readings[path] = Reading.of(Snapshot(path, path, None if text is None else text.encode()))
    seen = Survey(GONKAGATE.id, around, readings, agents, traces or Traces(), in_git=worktree is not None)
    return replace(seen, plugin_files=plugins)


def expectation(scope: Scope = Scope.USER) -> Expectation:
    """The default model of the catalogue, in that scope."""
    return Expectation(GONKAGATE, MODEL, scope)


def evidence(
    seen: Survey,
    *,
    config: Mapping[str, Any] | None = None,
    session: Mapping[str, Any] | None = None,
    models: Models | None = None,
    plugins: Answer | None = None,
    **more: Any,
) -> Evidence:
    """What an opencode would have answered that resolves what is readable, or `config` where given."""
    answers = {
        environment: as_printed(
            Answer(merge(seen.layers(environment)) if config is None else config, models=models)
        )
        for environment in Environment
    }
    if session is not None:
        answers[Environment.SESSION] = as_printed(Answer(session, models=models))
    asked = {} if plugins is None else dict.fromkeys(Environment, as_printed(plugins))
    return Evidence(Version(1, 18, 33), PurePosixPath("/usr/bin/opencode"), answers, asked, **more)


def as_printed(answer: Answer) -> Answer:
    """The answer as far as it is kept of what opencode prints: nothing is that is not judged."""
    if answer.config is None:
        return answer
    kept = answer_of(copy.deepcopy(answer.config), GONKAGATE.id)
    return replace(answer, config=kept.config, key=answer.key or kept.key)


def blockers(findings: tuple[Finding, ...]) -> list[tuple[str, str, str | None, str]]:
    """(code, layer, key, reach) of the findings that stop success, in order."""
    return [(entry.code, entry.layer, entry.key, entry.reach) for entry in findings if entry.blocks]


def notices(findings: tuple[Finding, ...]) -> list[tuple[str, str, str | None]]:
    """(code, layer, key) of the others, in order."""
    return [(entry.code, entry.layer, entry.key) for entry in findings if not entry.blocks]
