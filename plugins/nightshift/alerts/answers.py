"""Which answers of receivers go by themselves, and which somebody must mend first: pure rules."""

from __future__ import annotations

PASSING = (408, 425, 429)
"""Answers of HTTP that blame us, and go by themselves all the same: too slow, too early, too many."""


def goes_by_itself(status: int, *, mail: bool = False) -> bool:
    """Whether the same message may be accepted soon without anybody changing anything.

    Args:
        status: Of HTTP, or of SMTP.
        mail: Whether it is of SMTP, where 4xx means later and 5xx never.
    """
    return status < 500 if mail else status not in range(400, 500) or status in PASSING
