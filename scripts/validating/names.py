"""The names of the workflows, in the order in which they run; without what running them needs."""

from __future__ import annotations

from typing import Final

WORKFLOW_NAMES: Final = (
    "user_scope",
    "run",
    "small_model",
    "compatibility",
    "continuation",
    "interactive",
    "streaming",
    "tools",
    "switching",
    "transport",
    "project_scope",
)

# Checked besides the workflows: the machine could be made, no key is outside its own file,
# and the stand-in itself had no fault.
AROUND: Final = "around"
