"""What the harness itself raises.

BaseException
├── Killed                 an attempt was killed where a fault said so; no `except Exception` sees it
└── Exception
    └── NotIdempotent      something that must be done once was done twice (an AssertionError)
"""

from __future__ import annotations


class Killed(BaseException):
    """The attempt ends here, as if its process were gone."""


class NotIdempotent(AssertionError):
    """Running a thing again had an effect; each is named in the message."""
