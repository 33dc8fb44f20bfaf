"""What `init` shows: every change before it is made, and how it ended."""

from __future__ import annotations

from pathlib import Path

from foundation.terminal.text import style, visible
from sovereigncode import gateway_provider as provider
from sovereigncode import shown
from sovereigncode.approvals.watching import coloured
from sovereigncode.commands.init.answers import Answers
from sovereigncode.commands.init.plan import FileChange, Plan
from sovereigncode.commands.init.proof import Asked


def plain(plan: Plan) -> str:
    """Every change as one unified diff; what may be a secret is masked."""
    return "\n".join(_diffs(plan))


def preview(plan: Plan) -> str:
    """The same for a screen."""
    lines = ["", style("These files are written, all of them or none:", "heading"), ""]
    return "\n".join([*lines, *map(coloured, _diffs(plan))])


def result(plan: Plan, agreed: Answers, asked: Asked, root: Path) -> str:
    """How it ended, and what to do next."""
    lines = [f"This folder is a workspace; its capsule is {agreed.capsule_id}."]
    lines += [f"  {action(file)}  {visible(named(file, root))}" for file in plan.files]
    if asked.opencode is None:
        lines.append(f"opencode was not asked whether it uses the gateway: {asked.why_not}.")
    else:
        lines.append(f"opencode {asked.version} uses the gateway's provider, {provider.ID}.")
    if agreed.key == provider.KEY:
        lines.append("next: set ABTEEX_MARAMA_API_KEY to the key that `marama-route key create` prints.")
    lines.append("next: sovereigncode check")
    return "\n".join(lines)


def action(file: FileChange) -> str:
    """What happens to the file."""
    return "keep" if not file.changed else "create" if file.before is None else "update"


def named(file: FileChange, root: Path) -> str:
    """The file's name in the project."""
    path = Path(file.snapshot.path)
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else str(path)


def _diffs(plan: Plan) -> list[str]:
    return [shown.diff(file.before, file.after, str(file.snapshot.path)) for file in plan.changes]
