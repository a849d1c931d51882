"""Which of Amazon's answers are refusals, and which may pass."""

from __future__ import annotations

from nightshift.cloud.jobs import is_refusal

# Amazon sends these with status 400 as well, as it does real refusals.
MAY_PASS = frozenset(
    {
        "ExpiredTokenException",
        "LimitExceededException",
        "RequestExpired",
        "RequestLimitExceeded",
        "RequestTimeout",
        "RequestTimeoutException",
        "ResourceLimitExceeded",  # other jobs use up the quota, and end some time
        "SlowDown",
        "ThrottledException",
        "Throttling",
        "ThrottlingException",
        "TooManyRequestsException",
    }
)


def code_of(error: Exception) -> str:
    """Return the code of Amazon's error, or an empty text if it is none of Amazon's."""
    said = getattr(error, "response", None)
    return str(said.get("Error", {}).get("Code", "")) if isinstance(said, dict) else ""


def refused(error: Exception) -> bool:
    """Return whether an error means that the same question gets the same answer again."""
    from botocore.exceptions import ClientError, ParamValidationError

    if isinstance(error, ClientError):
        status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 400))
        return is_refusal(status) and code_of(error) not in MAY_PASS
    return isinstance(error, ParamValidationError)
