"""How something stands in one sentence, for who has time for one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Tone = Literal["good", "notice", "bad", "waiting"]


@dataclass(frozen=True)
class Glance:
    """How things stand.

    Attributes:
        tone: `good`, `notice`, `bad`, or `waiting` where there is nothing to be glad or sorry about.
        sentence: In words.
        lines: What else belongs to it, a sentence each; the most important first.
    """

    tone: Tone
    sentence: str
    lines: tuple[str, ...] = ()
