"""Plans and reports as text for the user. Wording may change freely; scripts read --json.

Paths, commands and next steps are never wrapped, so that they can be copied; prose is
wrapped to `width` cells.
"""

from __future__ import annotations

from typing import Final, Iterable, Mapping, Sequence

from foundation.terminal.terminal import error_text
from foundation.terminal.text import listed, style, visible, wrap
from gonkagate_setup.catalog import Profile
from gonkagate_setup.changes.plan import ConfigChange, KeyAction, Plan
from gonkagate_setup.choice import Scope
from gonkagate_setup.errors import NAMES
from gonkagate_setup.judgement.findings import Finding
from gonkagate_setup.report import FileReport, Report
from gonkagate_setup.store import Store
from gonkagate_setup.ui import catalogue
from opencode_config import places, schema_line
from opencode_config.jsonc.operations import Remove, Set
from opencode_config.judged_keys import ACTIVATION

_ACTION_WIDTH: Final = 11
_UPWARDS: Final = (
    "This is not a git repository: opencode also reads the opencode.json of every parent folder."
)

LAYERS: Final[Mapping[str, str]] = {
    places.USER: "your opencode config",
    places.CUSTOM: "the file that OPENCODE_CONFIG names",
    places.PROJECT: "this project's config",
    places.INLINE: "the variable OPENCODE_CONFIG_CONTENT",
    places.MANAGED: "this machine's managed config",
    places.INFERRED: "a layer that cannot be read from here",
    places.DOT_OPENCODE: "a .opencode folder",
    places.HOME_DOT_OPENCODE: "the .opencode folder in your home",
    places.CONFIG_DIR: "the folder that OPENCODE_CONFIG_DIR names",
    places.PREFERENCES: "managed macOS preferences",
    places.AGENT_MARKDOWN: "an agent's Markdown file",
    places.WELL_KNOWN: "your organisation's remote config",
    places.ORGANISATION: "your opencode organisation account",
    places.PLUGIN: "a plugin",
}
_KEY: Final[Mapping[KeyAction, tuple[str, str]]] = {
    KeyAction.CREATE: ("create", "your API key; no other file contains it, and only you can read it"),
    KeyAction.REPLACE: ("replace", "the new API key replaces the old one"),
    KeyAction.PROTECT: ("protect", "the stored API key is kept; access is restricted to you"),
    KeyAction.KEEP: ("no change", "the stored API key is used as it is"),
}
FORMER_KEY: Final = "a copy of an old API key, made by the npm tool"
_PLANNED: Final[Mapping[str, str]] = {"create": "create", "update": "change", "keep": "no change"}
_DONE: Final[Mapping[str, str]] = {
    "create": "created",
    "update": "changed",
    "replace": "replaced",
    "protect": "protected",
    "keep": "unchanged",
    "delete": "removed",
    "restore": "put back",
}
_PROVED: Final[Mapping[str, str]] = {
    "durable": "in every new shell",
    "fresh_shell": "in a shell without opencode's variables",
    "session": "in this shell",
}
# A shell without opencode's variables is a new shell too: named only if one of the three is missing.
_EVERYWHERE: Final = "in this shell and in every new one"


def preview(
    plan: Plan,
    *,
    profile: Profile,
    store: Store,
    findings: Sequence[Finding],
    in_git: bool = True,
    former_keys: Sequence[object] = (),
    width: int = 80,
) -> str:
    """What will change, file by file, and what would be in the way."""
    model = plan.choice.model
    title = f"{profile.display_name} with {model.display_name}, {_where(plan, in_git)}"
    if plan.choice.available_only:
        title = f"{profile.display_name} available in opencode"
        title += "; it starts with the same model as before" if plan.changed else ""
    if not plan.changed:
        title += ": already in place"
    action, about_key = _KEY[plan.key]
    lines = ["", style(wrap(title, width), "heading")]
    # If git does not trust the repository, a finding says so in more detail.
    trusted = not any(finding.code == "repository_not_trusted" for finding in findings)
    if plan.choice.scope is Scope.PROJECT and trusted and not (in_git or plan.choice.available_only):
        lines.append(wrap(_UPWARDS, width))
    lines += ["", *entry(action, store.key, [about_key], width)]
    for copy in former_keys:
        lines += entry("remove", copy, [FORMER_KEY], width)
    for config in plan.configs:
        about = _about(config, profile, store, _sentences(plan, config))
        shot = config.snapshot
        lines += entry(_PLANNED[config.action], shot.path, about, width, leads_to=shot.leads_to)
    about_state = ["what was set up and when, for the next run; no secret"]
    if plan.changed:
        about_state.append(f"next to it: {store.history.name}, for undo, and {store.note.name}")
    lines += entry("write", store.state, about_state, width)
    blockers = [finding for finding in findings if finding.blocks]
    notices = [finding for finding in findings if not finding.blocks]
    lines += section("This would be in the way:", blockers, width)
    lines += section("Good to know:", notices, width)
    return "\n".join(lines)


def repairs_preview(plan: Plan, base: Plan, width: int) -> str:
    """What is edited beyond a plan that was already shown: the sentences, and exactly these lines."""
    lines = ["", style("This changes what is in the way:", "heading")]
    before = {config.snapshot.real: config.after for config in base.configs}
    texts = []
    for config in plan.configs:
        sentences = _sentences(plan, config)
        if sentences:
            shot = config.snapshot
            lines += ["", *entry("change", shot.path, sentences, width, leads_to=shot.leads_to)]
            texts.append((before.get(shot.real, config.before), config.after, str(shot.path)))
    return "\n".join([*lines, "", in_colour(diffs(texts))])


def _sentences(plan: Plan, config: ConfigChange) -> list[str]:
    """What the repairs do to this file."""
    return [one.sentence for one in plan.repairs if one.snapshot.real == config.snapshot.real]


def _where(plan: Plan, in_git: bool) -> str:
    if plan.choice.scope is Scope.USER:
        return "in every folder"
    if plan.joins:
        return "in this project; other folders stay as they are"
    return "in this project only" if in_git else "in this folder and those below it"


def plain_diff(plan: Plan) -> str:
    """Every config change as a unified diff; values under secret-looking names are masked."""
    return diffs(
        (config.before if config.snapshot.exists else None, config.after, str(config.snapshot.path))
        for config in plan.configs
        if config.changed
    )


def diffs(texts: Iterable[tuple[str | None, str | None, str]]) -> str:
    """Unified diffs of (before, after, name), None meaning no file; secrets in them are masked."""
    from gonkagate_setup.masking.masked_diff import unified_diff

    shown = [unified_diff(before, after, name) for before, after, name in texts]
    return "\n".join(line.rstrip("\r") for text in shown for line in text.rstrip("\n").split("\n"))


def diff(plan: Plan) -> str:
    """The same in colour, for the terminal."""
    return in_colour(plain_diff(plan)) or "No config changes."


def report(report: Report, *, width: int = 80) -> str:
    """How it ended: what is true now, who confirms it, and what to do next."""
    lines = _ending(report, width)
    if report.details.get("diff"):
        lines += ["", in_colour(report.details["diff"])]
    if "models" in report.details:
        lines += catalogue.lines(report.details["models"], width)
    lines += section("In the way:", report.blockers, width)
    # A rerun that changed nothing still updates the time in the setup record: nothing to report.
    told = report.status in ("blocked", "failed") or (report.changed and report.status != "dry_run")
    touched = [file for file in report.files if file.action != "keep" and told]
    if touched:
        lines += ["", "Files:"]
        column = max(_ACTION_WIDTH, *(len(_done(file)) + 2 for file in touched))
        for file in touched:
            lines += _file(file, column)
    if report.repairs and report.changed:
        lines += ["", "Changed, because it was in the way:"]
        for path in dict.fromkeys(repair.snapshot.path for repair in report.repairs):
            about = [visible(one.sentence) for one in report.repairs if one.snapshot.path == path]
            lines += entry("edited", path, about, width)
    unseen = [finding for finding in report.notices if finding.id not in report.seen]
    lines += section("Good to know:", unseen, width)
    if report.command == "setup" and report.changed and touched and report.status != "failed":
        lines += ["", f"{style('undo:', 'heading')} gonkagate-setup undo"]
    if report.error is None and report.next_step not in (
        None,
        *(finding.next_step for finding in report.blockers),
    ):
        lines += ["", f"{style('next:', 'heading')} {visible(report.next_step)}"]
    return "\n".join(lines)


def _ending(report: Report, width: int) -> list[str]:
    """What went wrong, if anything, in the same form as any error; then what is true, and who confirms it."""
    lines: list[str] = []
    if report.error is None:
        good = report.status in ("success", "available", "dry_run")
        lines.append(style(wrap(_sentence(visible(report.message)), width), "heading" if good else "error"))
    else:
        lines.append(error_text(report.error, NAMES))
        if report.holds:
            lines += ["", wrap(_sentence(visible(report.holds)), width)]
    if report.proved:
        proof = _EVERYWHERE
        if {*report.proved} != {*_PROVED}:
            proof = listed(_PROVED.get(name, name) for name in report.proved)
        lines.append(wrap(f"opencode {visible(report.opencode_version)} itself confirms it {proof}.", width))
    return lines


def entry(
    action: str, path: object, about: Iterable[str], width: int, *, leads_to: str | None = None
) -> list[str]:
    """One file: what happens to it, its path, where its links lead, and why."""
    indent = " " * (2 + _ACTION_WIDTH)
    lines = [f"  {action:<{_ACTION_WIDTH}}{style(visible(path), 'place')}"]
    if leads_to is not None:
        lines.append(f"{indent}leads to: {style(visible(leads_to), 'place')}")
    return lines + [wrap(text, width, first=indent) for text in about]


def _about(config: ConfigChange, profile: Profile, store: Store, repairs: Sequence[str] = ()) -> list[str]:
    """The operations in plain words; `repairs` are the sentences for the last of them."""
    if not config.changed:
        return ["nothing to do"]
    name = f"provider.{profile.id}"
    operations = config.operations[: len(config.operations) - len(repairs)]
    settings = [op for op in operations if op.path[0] == "provider"]
    written = [op for op in settings if isinstance(op, Set)]
    dropped = [op for op in settings if isinstance(op, Remove)]
    about = []
    if any(op.path in (("provider",), ("provider", profile.id)) for op in written):
        about.append(f"defines {name} with {len(profile.validated)} models")
    elif written:
        about.append(f"updates {name}: {_keys(written, 2)}")
    if dropped:
        about.append(f"removes from {name} what is not needed here: {_keys(dropped, 2)}")
    started = [op for op in operations if op.path[0] in ACTIVATION]
    switched_on = [op for op in started if isinstance(op, Set)]
    if switched_on:
        about.append(f"opencode starts with {visible(switched_on[0].value)} ({_keys(switched_on, 0)})")
    switched_off = [op for op in started if isinstance(op, Remove)]
    if switched_off:
        about.append(f"no longer sets the model here ({_keys(switched_off, 0)})")
    if any(op.path == (schema_line.KEY,) for op in config.operations):
        about.append("adds opencode's $schema, which opencode would add itself")
    about += [visible(sentence) for sentence in repairs]
    about += [visible(duplicate.sentence) for duplicate in config.duplicates]
    if config.snapshot.exists:
        beside = "next to it" if config.layer == places.USER else f"in {visible(store.backups)}"
        about.append(f"a backup is kept {beside}")
    return about


def _keys(operations: Iterable[Set | Remove], start: int) -> str:
    return listed(visible(".".join(op.path[start:]) or "all of it") for op in operations)


def section(title: str, findings: Sequence[Finding], width: int) -> list[str]:
    """Findings under a title; nothing if there are none."""
    if not findings:
        return []
    lines = ["", style(title, "warning")]
    for finding in findings:
        lines += _finding(finding, width)
    return lines


def _finding(finding: Finding, width: int) -> list[str]:
    place = [visible(part) for part in (finding.path, finding.line, finding.column) if part is not None]
    layer = f"{LAYERS.get(finding.layer, finding.layer)} ({finding.layer})"
    lines = [wrap(_sentence(visible(finding.message)), width, first="  - ", rest="    ")]
    lines.append(f"    layer: {visible(layer)}")
    if place:
        lines.append(f"    where: {':'.join(place)}")
    if finding.key is not None:
        lines.append(f"    key: {visible(finding.key)}")
    if finding.next_step:
        lines.append(f"    next: {visible(finding.next_step)}")
    return lines


def _done(file: FileReport) -> str:
    return _DONE[file.action] if file.existed or file.action != "restore" else "removed again"


def _file(file: FileReport, column: int) -> list[str]:
    lines = [f"  {_done(file):<{column}}{style(visible(file.path), 'place')}"]
    if file.leads_to is not None:
        lines.append(f"  {'':<{column}}leads to: {visible(file.leads_to)}")
    if file.backup is not None:
        lines.append(f"  {'':<{column}}backup: {visible(file.backup)}")
    return lines


def _sentence(text: str) -> str:
    return text if text.endswith((".", "?", "!", ":")) else f"{text}."


def in_colour(diff: str) -> str:
    """A diff with its added and removed lines in colour."""
    return "\n".join(_coloured(line) for line in diff.split("\n"))


def _coloured(line: str) -> str:
    if line.startswith("+"):
        return style(line, "added")
    return style(line, "removed") if line.startswith("-") else line
