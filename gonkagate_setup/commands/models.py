"""models: the catalogue, each value with its source, and which model is selected in this folder."""

from __future__ import annotations

from typing import Any

from foundation.errors import Refusal
from foundation.files import reading
from foundation.host import Host
from gonkagate_setup.catalog import Model, Profile
from gonkagate_setup.changes import install_state as states
from gonkagate_setup.commands.setup.recommendation import installed
from gonkagate_setup.errors import Exit
from gonkagate_setup.report import Report
from gonkagate_setup.store import Store
from opencode_config.program.surveying import take_survey


def run(host: Host, profile: Profile) -> Report:
    """List the catalogue; reads the configs of this folder and the setup record, and starts no opencode."""
    store = Store.at(host.home, profile)
    try:
        state = states.parse(reading.read_snapshot(store.state, follow_links=False).data)
        survey = take_survey(host, host.cwd, profile.id)
        choice = installed(profile, survey, state, available_only=store.available.exists())
    except Refusal:
        # A file that cannot be read must not hide the list; setup and verify report it.
        choice = None
    selected = None if choice is None or choice.available_only else choice.model.key
    return Report(
        command="models",
        status="success",
        exit_status=Exit.DONE,
        message=f"{len(profile.validated)} validated models",
        profile=profile,
        details={"models": [_entry(model, profile, selected) for model in profile.models]},
    )


def _entry(model: Model, profile: Profile, selected: str | None) -> dict[str, Any]:
    limit = model.limit
    return {
        "key": model.key,
        "reference": profile.reference(model.key),
        "displayName": model.display_name,
        "upstreamId": model.upstream_id,
        "transport": model.transport.value,
        "adapter": model.adapter,
        "status": model.status.value,
        "proof": None if model.proof is None else str(model.proof),
        "wiringProofs": list(model.wiring_proofs),
        "limit": None if limit is None else {"context": limit.context, "output": limit.output},
        "recommended": model.key == profile.default_model,
        "selected": model.key == selected,
        "sources": dict(model.sources),
        "note": model.note,
    }
