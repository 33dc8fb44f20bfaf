"""The transcript quotes every text line by line, so that none of it is markup or a control character."""

from __future__ import annotations

from overlord.core.transcript import transcript
from tests.support.overlord_runs import RUN_ID, answer, failed, message, ready, redirect


def test_everything_is_quoted() -> None:
    registry = ready()
    redirect(
        registry,
        "# Not a heading\n\x1b[31mred",
        {"ultra": answer("```\n> quoted\r\n\ttab"), "normal-1": failed()},
    )
    message(registry, "open", "normal-2")
    text = transcript(registry)
    assert text.startswith(f"# Overlord run {RUN_ID}\n")
    assert "> # Not a heading\n> \\x1b[31mred\n" in text
    assert "> ```\n> > quoted\n>     tab\n" in text
    assert "**normal-1**: no answer (no answer within 90 s)" in text
    assert "**normal-2**: no answer (queued)" in text
    assert "\x1b" not in text
    own = [line for line in text.split("\n") if line.startswith("#")]
    assert own == [
        f"# Overlord run {RUN_ID}",
        "## Servants",
        "### Ultra (ultra, fugu-ultra)",
        "### Fugu 1 (normal-1, fugu)",
        "### Fugu 2 (normal-2, fugu)",
        "## Messages",
        "### m-0001 to ultra,normal-1, 2026-11-27T11:38:00.123Z",
        "### m-0002 to normal-2, 2026-11-27T11:38:00.123Z",
    ]
