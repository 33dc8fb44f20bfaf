"""The content check: personal details and credentials in what is about to leave, as kinds and counts.

`check` judges a chat payload and remembers its verdicts, `judge` one text. Neither reads a file or a clock,
and no value that was found is in what they return or raise.
"""

from __future__ import annotations

from sovereigncode.content.checking import Checked, Place, check
from sovereigncode.content.ignored import Ignored
from sovereigncode.content.judging import NotJudged, judge
from sovereigncode.content.kinds import Findings, Kind
from sovereigncode.content.verdicts import Verdicts

__all__ = ["Checked", "Findings", "Ignored", "Kind", "NotJudged", "Place", "Verdicts", "check", "judge"]
