"""What sends messages: a sink for each route."""

from __future__ import annotations

from typing import Protocol

from pipelines.engine.errors import NightshiftError
from pipelines.engine.incidents.values import Message


class SinkError(NightshiftError):
    """A message was not accepted; the text says by whom and why, and holds no secret.

    Args:
        text: The sentence.
        retryable: Whether sending the same message again can succeed, perhaps after somebody has mended something.
    """

    def __init__(self, text: str, retryable: bool = True) -> None:
        super().__init__(text)
        self.retryable = retryable  # type: ignore[misc]  # here it depends on the answer


class Sink(Protocol):
    """Sends messages along one route."""

    def send(self, message: Message) -> None:
        """Send one message; it was accepted when this returns.

        Raises:
            SinkError: It was not.
        """
