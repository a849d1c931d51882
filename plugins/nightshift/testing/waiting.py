"""Waiting without waiting: triggers run in this process, and what they or a retry wait for passes on the clock at once."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from unittest import mock

from nightshift.testing.present import present_house
from pipelines.engine.errors import UsageError

LONGEST = timedelta(days=30)
"""What waits longer waits for something that a test must bring about."""
LONGEST_RETRY = timedelta(days=1)


class TooLong(Exception):
    """A trigger waited longer than it may."""


class Waiting:
    """Counts the seconds of the clock that a task waits.

    Attributes:
        seconds: So far.
    """

    def __init__(self) -> None:
        self.seconds = 0.0

    def wait(self, seconds: float) -> None:
        """Let time pass, on the house's clock if a house is open."""
        self.seconds += seconds
        house = present_house()
        if house is not None:
            house.clock.advance(seconds)

    def for_trigger(self, message: Any) -> dict[str, Any]:
        """Run the trigger of a deferred task to its first event.

        Returns:
            How the task goes on.

        Raises:
            UsageError: It waits for something that does not happen.
        """
        from airflow.sdk._shared.module_loading import import_string
        from airflow.sdk.serde import deserialize

        trigger = import_string(message.classpath)(**_given(deserialize(message.trigger_kwargs)))
        limit = message.trigger_timeout
        try:
            event = asyncio.run(self._first_event(trigger, limit or LONGEST))
        except TooLong:
            if limit is None:
                raise UsageError(
                    f"{message.classpath} waited {LONGEST.days} days of the clock, and nothing happened. "
                    "Bring about what it waits for, or stop at the deferral: run_operator(...) does not follow it."
                ) from None
            return {"next_method": "__fail__", "next_kwargs": _kept({"error": "Trigger timeout"})}
        except Exception as error:
            return {
                "next_method": "__fail__",
                "next_kwargs": _kept({"error": "Trigger failure", "traceback": [str(error)]}),
            }
        following = {**_given(deserialize(message.next_kwargs)), "event": event}
        return {"next_method": message.next_method, "next_kwargs": _kept(following)}

    async def _first_event(self, trigger: Any, limit: timedelta) -> Any:
        until, nap = self.seconds + limit.total_seconds(), asyncio.sleep

        async def sleep(delay: float, result: Any = None) -> Any:
            self.wait(max(delay, 0.0))
            if self.seconds > until:
                raise TooLong
            await nap(0)
            return result

        with mock.patch("asyncio.sleep", sleep):
            async for event in trigger.run():
                return event.payload
        raise RuntimeError("the trigger ended without an event")


def answered(message: Any, chosen: str, params: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Return how a task goes on that asked a person, once the person chose."""
    from airflow.sdk.serde import deserialize

    from nightshift.testing.tasks import right_now

    event = {
        "chosen_options": [chosen],
        "params_input": dict(params or {}),
        "responded_at": right_now(),
        "responded_by_user": {"id": "test", "name": "test"},
    }
    following = {**_given(deserialize(message.next_kwargs)), "event": event}
    return {"next_method": message.next_method, "next_kwargs": _kept(following)}


def retry_delay(task: Any, message: Any, try_number: int) -> float:
    """Return how many seconds Airflow waits before the next try; its random part is left out.

    Args:
        task: Its delay, and by how much it grows.
        message: What the try ended with; a retry policy may have said a delay.
        try_number: Of the try that failed.
    """
    said = getattr(message, "retry_delay_seconds", None)
    if said is not None:
        return float(said)
    delay = task.retry_delay.total_seconds()
    growth = float(task.retry_exponential_backoff or 1.0)
    longest = (task.max_retry_delay or LONGEST_RETRY).total_seconds()
    return float(min(delay * growth ** (try_number - 1), longest)) if growth != 1.0 else float(delay)


def _given(value: Any) -> dict[str, Any]:
    return dict(value or {})


def _kept(value: Mapping[str, Any]) -> Any:
    from airflow.sdk.serde import serialize

    return serialize(dict(value))
