"""Findings about configs that cannot be read, and about an opencode that refuses to start with one."""

from __future__ import annotations

from pathlib import PurePath
from typing import Final

from foundation.errors import Refusal, Where
from gonkagate_setup.catalog import Profile
from gonkagate_setup.judgement.findings import BLOCKER, Finding
from gonkagate_setup.judgement.wording import suspects
from opencode_config.launcher import Folders
from opencode_config.layers import Layer
from opencode_config.places import CONFIG_DIR, CUSTOM, INFERRED, USER, Environment
from opencode_config.survey import Survey

# The variables that name a config, with what each must name.
_NAMING: Final = {CUSTOM: "a file", CONFIG_DIR: "a folder that you can write to"}


def unreadable(layer: Layer, reach: str, severity: str) -> Finding:
    """A config that cannot be read or parsed: opencode does not start with it, or it cannot be judged."""
    problem = layer.problem
    reason = "" if problem is None else problem.reason
    return Finding(
        "config_unreadable",
        severity,
        layer.layer,
        f"this config cannot be read: {reason}",
        f"{_corrected(layer)}, then run this command again",
        reach=reach,
        where=Where(
            _named_place(layer),
            None if problem is None else problem.line,
            None if problem is None else problem.column,
        ),
    )


def _of_variable(layer: Layer) -> bool:
    """Whether the variable that names this config is wrong; a mistake in the config itself has a line."""
    return layer.layer in _NAMING and layer.problem is not None and layer.problem.line is None


def _named_place(layer: Layer) -> str:
    """The wrong place: for files in something that is not a folder, what the variable names."""
    return str(
        layer.path.parent if layer.layer == CONFIG_DIR and _of_variable(layer) and layer.path else layer.name
    )


def _corrected(layer: Layer) -> str:
    if _of_variable(layer):
        return f"set the variable {layer.layer} to {_NAMING[layer.layer]}, or `unset {layer.layer}`"
    return f"correct {layer.name}"


def _stumbled_over(failure: Refusal, survey: Survey, environment: Environment) -> tuple[str, PurePath] | None:
    """The variable that made opencode fail, and what it names: by opencode's message, or by what exists."""
    environ = environment.select(survey.surroundings.environ)
    layers = survey.layers(environment)
    for variable in _NAMING:
        if not environ.get(variable):
            continue
        place = survey.surroundings.cwd / environ[variable]
        # 1.14.34 requires that the folder exists; every version requires that it can write to it.
        said = any(f"({place}{end}" in failure.message for end in (")", "/", "\\"))
        if said or any(layer.layer == variable and _of_variable(layer) for layer in layers):
            return variable, place
    return None


def refused(failure: Refusal, survey: Survey, environment: Environment, reach: str) -> Finding:
    """Opencode did not resolve its config; the layer is the one that opencode named, if any."""
    where = failure.where
    name = None if where is None else where.name
    layers = survey.layers(environment)
    layer = next((entry.layer for entry in reversed(layers) if entry.name == name), INFERRED)
    stumbled = _stumbled_over(failure, survey, environment) if layer == INFERRED else None
    if stumbled is not None:
        variable, place = stumbled
        return Finding(
            "opencode_refused",
            BLOCKER,
            variable,
            f"opencode does not start with the place that {variable} names: {failure.message}",
            f"set the variable {variable} to {_NAMING[variable]}, or `unset {variable}`, "
            "then run this command again",
            reach=reach,
            where=Where(str(place)),
        )
    unseen = layer == INFERRED and survey.traces.well_known
    return Finding(
        "opencode_refused",
        BLOCKER,
        layer,
        failure.message,
        f"{failure.next_step}; or {suspects(survey)}" if unseen else failure.next_step,
        reach=reach,
        where=where,
    )


def elsewhere(
    profile: Profile, survey: Survey, folders: Folders, executable: PurePath, reach: str
) -> Finding:
    """Opencode uses another config folder than this program, or sees other files in it."""
    own, launcher = survey.surroundings.user_folder, survey.traces.launcher
    other = (
        "use an opencode without such a launcher or sandbox, for example from `npm install -g opencode-ai`"
    )
    if folders.config == own and folders.home != survey.surroundings.home:
        message = f"opencode uses {folders.home} as the home folder, not {survey.surroundings.home}, so the "
        message += (
            "reference to the key file points elsewhere; a launcher or sandbox (snap, firejail) sets it"
        )
        step = f"run `HOME='{folders.home}' gonkagate-setup`, which puts the key there, or {other}"
    elif folders.config == own:
        message = f"opencode reads {own}, but does not see the config that is there: "
        message += f"a sandbox around {executable} (snap, firejail, a container) may show it another folder"
        step = f"give the sandbox access to {own} and ~/{profile.folder[0]}, or {other}; "
        step += "then run this command again"
    else:
        message = f"opencode reads its config from {folders.config}, not from {own}: what starts it "
        message += "(snap, firejail, a launcher) gives it another home or XDG_CONFIG_HOME"
        moved = f"HOME='{folders.home}'"
        if folders.home == survey.surroundings.home:
            moved = f"XDG_CONFIG_HOME='{folders.config.parent}'"
        step = f"run `{moved} gonkagate-setup`, which sets GonkaGate up there, or {other}"
    culprits = launcher.sets("HOME", "XDG_CONFIG_HOME") if launcher is not None else ()
    if culprits:
        message += f"; {', '.join(map(str, culprits))}"
    return Finding(
        "config_folder_moved", BLOCKER, USER, message, step, reach=reach, where=Where(str(folders.config))
    )
