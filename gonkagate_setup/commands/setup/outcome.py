"""How a setup ended, as a report."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Collection, Mapping, Sequence

from gonkagate_setup.catalog import Profile
from gonkagate_setup.changes.plan import ConfigChange, Plan
from gonkagate_setup.choice import Scope
from gonkagate_setup.errors import Exit
from gonkagate_setup.judgement.findings import Finding
from gonkagate_setup.report import FileReport, Report
from gonkagate_setup.store import Store
from opencode_config.program.search import Found

INFERRED = "inferred_higher_precedence"
# The backups that are kept, by the real path of their file: Transaction.kept.
Kept = Mapping[Path, Path]


@dataclass(frozen=True)
class Ending:
    """How a setup ended: the plan, opencode, and the findings."""

    profile: Profile
    store: Store
    plan: Plan
    found: Found
    findings: Sequence[Finding]
    state_existed: bool
    former_keys: Sequence[str] = ()


def dry_run(ending: Ending, diff: str) -> Report:
    """Nothing was written; findings are predictions from the files and the environment."""
    message = (
        "Nothing was written; this is what would change" if ending.plan.changed else "Nothing would change"
    )
    return replace(_report(ending, "dry_run", Exit.DONE, message, _files(ending)), details={"diff": diff})


def success(ending: Ending, kept: Kept) -> Report:
    """opencode proved the outcome in every environment that was asked."""
    available_only = ending.plan.choice.available_only
    reference = ending.profile.reference(ending.plan.choice.model.key)
    return _report(
        ending,
        "available" if available_only else "success",
        Exit.DONE,
        _available_message(ending) if available_only else _success_message(ending),
        _files(ending, kept) + _state(ending),
        proved=("durable", "fresh_shell", "session"),
        next_step=f"opencode --model {reference}" if available_only else "opencode",
    )


def session_blocked(ending: Ending, kept: Kept) -> Report:
    """The setup works in every new shell and is kept; something in this shell overrides it."""
    return _report(
        ending,
        "blocked",
        Exit.SESSION_BLOCKED,
        f"{ending.profile.display_name} is {'available' if ending.plan.choice.available_only else 'set up'}, "
        "but this shell's environment overrides it",
        _files(ending, kept) + _state(ending),
        proved=("durable", "fresh_shell"),
        error_code="effective_config_blocked",
        next_step=_way_out(ending.findings),
    )


def kept_elsewhere(ending: Ending, kept: Kept) -> Report:
    """Blocked by this folder's own config, and kept for every other folder, as requested."""
    return _report(
        ending,
        "blocked",
        Exit.BLOCKED,
        f"{ending.profile.display_name} is set up for every other folder; this folder's own config is in "
        "the way here",
        _files(ending, kept) + _state(ending),
        error_code="effective_config_blocked",
        next_step=_way_out(ending.findings),
        changed=ending.plan.changed,
    )


def durably_blocked(
    ending: Ending, failures: Sequence[str], left: Collection[str], *, here_only: bool
) -> Report:
    """opencode does not use the provider; everything was put back, except what `failures` names.

    `left` are the files that still have the setup's content.
    """
    done = {file.path: file for file in _files(ending)}
    files = tuple(done[file.path] if file.path in left else file for file in _files(ending, action="restore"))
    if failures:
        return _report(
            ending,
            "failed",
            Exit.PUT_BACK_INCOMPLETE,
            "The setup was blocked, and not everything could be put back: " + "; ".join(failures),
            files,
            error_code="managed_rollback_failed",
            next_step="fix what the message names, for example free up disk space, then run this "
            "command again: it puts the rest back first",
            changed=True,
        )
    explained = any(finding.layer != INFERRED for finding in _blockers(ending.findings))
    put_back = "; everything was put back" if ending.plan.changed else ""
    return _report(
        ending,
        "blocked",
        Exit.BLOCKED,
        f"opencode would not {'offer' if ending.plan.choice.available_only else 'use'} "
        f"{ending.profile.display_name}{put_back}",
        files,
        error_code="effective_config_blocked" if explained else "effective_config_mismatch",
        next_step=_way_out(ending.findings),
        changed=False,
        here_only=here_only,
        put_back=True,
    )


def _available_message(ending: Ending) -> str:
    name = ending.profile.display_name
    stays = "opencode starts with the same model as before"
    if ending.plan.changed:
        return f"{name} is available in opencode (switch to it with /models); {stays}"
    return f"Nothing needed to change: {name} is already available in opencode; {stays}"


def _success_message(ending: Ending) -> str:
    name, model = ending.profile.display_name, ending.plan.choice.model.display_name
    where = "in every folder" if ending.plan.choice.scope is Scope.USER else "in this project"
    if ending.plan.changed:
        return f"opencode uses {name} with {model} {where}"
    return f"Nothing needed to change: opencode already uses {name} with {model} {where}"


def _blockers(findings: Sequence[Finding]) -> list[Finding]:
    return [finding for finding in findings if finding.blocks]


def _way_out(findings: Sequence[Finding]) -> str:
    return _blockers(findings)[0].next_step


def _report(
    ending: Ending,
    status: str,
    exit_status: Exit,
    message: str,
    files: tuple[FileReport, ...],
    *,
    proved: tuple[str, ...] = (),
    error_code: str | None = None,
    next_step: str | None = None,
    changed: bool | None = None,
    here_only: bool = False,
    put_back: bool = False,
) -> Report:
    return Report(
        command="setup",
        status=status,
        exit_status=exit_status,
        message=message,
        profile=ending.profile,
        choice=ending.plan.choice,
        changed=ending.plan.changed if changed is None else changed,
        files=files,
        findings=tuple(ending.findings),
        proved=proved,
        opencode_path=str(ending.found.executable.path),
        opencode_version=str(ending.found.version),
        error_code=error_code,
        next_step=next_step,
        here_only=here_only,
        put_back=put_back,
        repairs=() if put_back else ending.plan.repairs,
    )


def _files(
    ending: Ending, kept: Kept = MappingProxyType({}), action: str | None = None
) -> tuple[FileReport, ...]:
    """What happened to each file; `action` replaces every action except keep."""
    planned = [FileReport(str(ending.store.key), "secret", ending.plan.key.value)]
    planned += [FileReport(copy, "backup", "delete") for copy in ending.former_keys]
    planned += [
        FileReport(
            str(change.snapshot.path),
            change.layer,
            change.action,
            _copy(kept, change),
            change.snapshot.leads_to,
        )
        for change in ending.plan.configs
    ]
    return tuple(
        replace(
            file,
            action=file.action if action is None or file.action == "keep" else action,
            existed=file.action != "create",
        )
        for file in planned
    )


def _copy(kept: Kept, change: ConfigChange) -> str | None:
    copy = kept.get(Path(change.snapshot.real))
    return None if copy is None else str(copy)


def _state(ending: Ending) -> tuple[FileReport, ...]:
    return (FileReport(str(ending.store.state), "state", "update" if ending.state_existed else "create"),)
