"""What is set up here, and which model and scope are recommended, both from the same place."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePath
from typing import Final, Sequence

from foundation.errors import Refusal, Where
from foundation.files.snapshot import Snapshot
from gonkagate_setup.catalog import Model, Profile
from gonkagate_setup.changes.install_state import State
from gonkagate_setup.choice import Choice, Scope
from opencode_config import jsonc
from opencode_config.survey import Survey

NAMED: Final = "this project's opencode.json names it"


@dataclass(frozen=True)
class Recommendation:
    """The recommended answers, each with the reason in words."""

    model: Model
    scope: Scope
    why_model: str
    why_scope: str


def active_model(profile: Profile, snapshots: Sequence[Snapshot]) -> Model | None:
    """The catalogue model that these files (low to high) select; unreadable files are ignored."""
    for snapshot in reversed(snapshots):
        try:
            value = jsonc.parse(jsonc.decode(snapshot.data or b"")).value
        except jsonc.JsoncError:
            continue
        if "model" in value:
            references = {profile.reference(model.key): model for model in profile.validated}
            return references.get(value["model"]) if isinstance(value["model"], str) else None
    return None


def active_here(profile: Profile, survey: Survey, home: PurePath) -> Model | None:
    """The catalogue model that the project's own file selects; None if there is no project."""
    if no_project(survey, home) is not None:
        return None
    return active_model(profile, survey.project_files)


def installed(
    profile: Profile, survey: Survey, state: State | None, *, available_only: bool = False
) -> Choice | None:
    """What is selected for this folder: by its own file, else by the user's, else by the setup record.

    `available_only`: available-only.json says that opencode only offers the provider.
    """
    for scope, snapshots in ((Scope.PROJECT, survey.project_files), (Scope.USER, survey.user_files)):
        model = active_model(profile, snapshots)
        if model is not None:
            return Choice(model, scope)
    if state is None:
        return None
    recorded = profile.model(state.model_key or "")
    return None if recorded is None else Choice(recorded, state.scope or Scope.USER, available_only)


def no_project(survey: Survey, home: PurePath) -> Refusal | None:
    """Why this folder cannot be a project of its own; None if it can. `home` has no links in it."""
    root = survey.project_root
    if root == home or root in home.parents:
        return Refusal(
            "project_scope_unavailable",
            "The home folder cannot be a project: opencode reads its opencode.json in every folder below it",
            where=Where(str(root)),
            next_step="choose user scope (--scope user), or a project's folder (--cwd PATH)",
        )
    users = {snapshot.real for snapshot in survey.user_files}
    if any(snapshot.real in users for snapshot in survey.project_files):
        return Refusal(
            "project_scope_unavailable",
            "This folder's opencode.json is opencode's user config, so it cannot be a project file",
            where=Where(str(root)),
            next_step="choose user scope: --scope user",
        )
    return None


def recommend(profile: Profile, survey: Survey, state: State | None, home: PurePath) -> Recommendation:
    """The project's own file decides, then a setup for every folder; else the folder and the last choice."""
    here = active_here(profile, survey, home)
    if here is not None:
        return Recommendation(here, Scope.PROJECT, NAMED, NAMED)
    recorded = profile.model(state.model_key or "") if state is not None else None
    default = profile.model(profile.default_model) or profile.validated[0]
    if state is not None and state.scope is Scope.USER:
        # A user who set it up everywhere must not lose that in other folders by running again with --yes.
        why = "as it is set up now"
        if recorded is None:
            return Recommendation(default, Scope.USER, profile.default_model_reason, why)
        return Recommendation(recorded, Scope.USER, "your current choice", why)
    model, why_model = (
        (default, profile.default_model_reason) if recorded is None else (recorded, "your last choice")
    )
    if survey.in_git and no_project(survey, home) is None:
        return Recommendation(model, Scope.PROJECT, why_model, "this folder is a git repository")
    why = "there is no project here" if survey.in_git else "this folder is not a git repository"
    if survey.distrust is not None:
        why = "git does not trust this repository, so opencode ignores it"
    return Recommendation(model, Scope.USER, why_model, why)
