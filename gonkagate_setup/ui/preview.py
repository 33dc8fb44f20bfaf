"""What `undo` and `uninstall` are about to do, as text for the user."""

from __future__ import annotations

from typing import Final, Iterator, Mapping, Sequence

from foundation.terminal.text import style, wrap
from gonkagate_setup.changes.undoing import FileEdit
from gonkagate_setup.judgement.findings import Finding
from gonkagate_setup.report import FileReport
from gonkagate_setup.ui.render import entry, section

_PLANNED: Final[Mapping[str, str]] = {
    "restore": "put back",
    "update": "change",
    "delete": "remove",
    "keep": "keep",
}


def preview(
    title: str, entries: Sequence[tuple[FileReport, Sequence[str]]], findings: Sequence[Finding], width: int
) -> str:
    """File by file, each with the reasons."""
    lines = ["", style(wrap(title, width), "heading"), ""]
    for file, about in entries:
        lines += entry(_PLANNED[file.action], file.path, about, width, leads_to=file.leads_to)
    return "\n".join([*lines, *section("Good to know:", findings, width), ""])


def texts(edits: Sequence[FileEdit]) -> Iterator[tuple[str | None, str | None, str]]:
    """What render.diffs shows of the edits."""
    for edit in edits:
        yield edit.before, edit.after, str(edit.snapshot.path)
