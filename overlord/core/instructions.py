"""What a servant is sent: the system message, the startup message, the liveness line."""

from __future__ import annotations

from typing import Final, Mapping

LIVENESS: Final = "Liveness check. Answer with one line that says that you are here; do nothing else."

_PROFILES: Final[Mapping[str, str]] = {
    "consultation": "Your profile is consultation: you give advice and review what you are shown.",
    "implementation": "Your profile is implementation: you write patches as text, for the Overlord to judge "
    "and apply.",
}
_OF_A_RUN: Final = (
    "This is an API conversation. It belongs to a run that is led by the Overlord, an agent in the host "
    "session; the messages that you get come from it."
)
_ONE_QUESTION: Final = (
    "This is an API conversation with one question, asked by the Overlord, an agent in the host session. "
    "Nothing of it is kept."
)
_RULES: Final = """\
You have no tools: no shell, no stage or dev servers, no browser and no Playwright. You have no PR or \
release rights.
The Overlord judges your advice, and does tool use, checks, edits and PR operations itself, in the host \
session. Full-trust repair is never delegated to you.
Do not claim results that you cannot have: if a check is needed, say what you would have checked, and how.
Never ask for secrets, such as keys, passwords or tokens."""


def system_message(*, name: str, slot: str, role: str, run_id: str, scope_token: str, profile: str) -> str:
    """The one system message of a servant."""
    you = f"You are {name}, servant {slot} (role: {role}) of run {run_id}, scope {scope_token}."
    return f"{you}\n{_PROFILES[profile]}\n{_OF_A_RUN}\n{_RULES}"


def system_message_of_a_question(*, name: str, slot: str, role: str) -> str:
    """The system message for one question without a run."""
    you = f"You are {name}, servant {slot} (role: {role})."
    return f"{you}\n{_PROFILES['consultation']}\n{_ONE_QUESTION}\n{_RULES}"


def startup_message(assignment: str, handoff: str | None) -> str:
    """The first user message: the assignment, after a replacement the handoff, and the request for an ACK."""
    parts = [assignment] if handoff is None else [assignment, handoff]
    return "\n\n".join([*parts, "Acknowledge with one short line, then wait for redirects."])
