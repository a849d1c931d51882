"""Where messages go: what a sink is, and how it says that it could not."""

from __future__ import annotations

from typing import Protocol

from pipelines.engine.errors import NightshiftError
from pipelines.engine.incidents.values import Message


class SinkError(NightshiftError):
    """A receiver did not take a message.

    Args:
        message: Why, in one sentence without any secret.
        retryable: Whether the same may succeed soon without anybody changing anything. If not (a wrong address, a missing
            secret), the message stays in the outbox all the same, and is tried again now and then: somebody may mend it.
    """

    def __init__(self, message: str, *, retryable: bool = True) -> None:
        super().__init__(message)
        self.retryable = retryable  # type: ignore[misc]  # of this error; the others' is of their class


class Sink(Protocol):
    """Something that messages can be sent to. It is used by one thread at a time."""

    def send(self, message: Message) -> None:
        """Send a message, and return when the receiver has taken it.

        Raises:
            SinkError: It has not.
        """
