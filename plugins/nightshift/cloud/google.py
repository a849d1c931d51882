"""Which of Google's answers are refusals, and which may pass."""

from __future__ import annotations

from nightshift.cloud.jobs import is_refusal


def refused(error: Exception) -> bool:
    """Return whether an error means that the same question gets the same answer again."""
    from google.api_core.exceptions import GoogleAPICallError

    if isinstance(error, GoogleAPICallError):
        return is_refusal(int(error.code or 500))
    # The configuration is none of the cloud's. (What the network raises may be a ValueError, too.)
    return isinstance(error, ValueError | TypeError) and not isinstance(error, OSError)
