"""Slack, e-mail, PagerDuty, SNS, webhooks and many more, through the library Apprise."""

from __future__ import annotations

import logging
import re
import threading
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any

from nightshift.alerts.answers import goes_by_itself
from nightshift.alerts.hiding import masked, parts_of
from nightshift.alerts.references import scheme_of
from pipelines.engine.incidents.sinks import SinkError
from pipelines.engine.incidents.values import Message

if TYPE_CHECKING:
    from apprise import AppriseAsset
    from apprise.plugins import NotifyBase

LONGEST_REASON = 500
BEHIND = "Socket Exception"
"""How a line begins that says at the level of debugging why a connection failed."""
_STATUS = re.compile(r"error=(\d{3})\b|Socket Exception: \((\d{3}), ")
"""How Apprise tells the status of HTTP, and smtplib that of a server's last word: `(535, b'...')`."""


class AppriseSink:
    """Sends one message to the one receiver that a URL names.

    Each wait for an answer ends, `?cto=` and `?rto=` in the URL say when; a receiver that answers word by word may take any
    time. Whoever sends limits that from outside, one thread for a route. Apprise's own limit would leave such calls behind in
    threads that all routes share, until none is left for the others.

    Args:
        route: The route's name, for errors.
        url: With its secrets in place.
    """

    def __init__(self, route: str, url: str) -> None:
        self._route = route
        self._url = url

    def send(self, message: Message) -> None:
        """Send one message.

        Raises:
            SinkError: It was not accepted.
        """
        from apprise import Apprise

        silence()
        postman = Apprise(self._receiver(), asset=_asset())
        answer = postman.notify(
            title=message.title,
            body=message.text,
            notify_type=notify_type(message),
            body_format="text",
            log_level=logging.DEBUG,  # why a connection failed is said there alone
        )
        if not answer:
            every = [*(entry for result in answer for entry in result.logs()), *answer.call_logs()]
            raise self._failed(reason_in([(entry.level, entry.message) for entry in every]))

    def check(self) -> None:
        """Say whether the URL can be used, without sending anything.

        Raises:
            SinkError: It cannot.
        """
        silence()
        self._receiver()

    def _receiver(self) -> NotifyBase:
        from apprise import Apprise
        from apprise.common import OverflowMode

        with _overheard() as entries:
            receiver = Apprise.instantiate(self._url, asset=_asset())
        if receiver is None:
            raise self._failed(f"the URL cannot be used: {reason_in(entries)}", can_be_used=False)
        receiver.optional = False  # `?optional=yes` would call a message sent that was not
        if "overflow=" not in self._url:
            receiver.overflow_mode = OverflowMode.TRUNCATE  # a message that is too long is cut, and not refused
        return receiver

    def _failed(self, why: str, *, can_be_used: bool = True) -> SinkError:
        soon = all(
            goes_by_itself(int(http)) if http else goes_by_itself(int(mail), mail=True)
            for http, mail in _STATUS.findall(why)
        )
        # Masked before it is cut: half of a secret would not be found any more.
        said = masked(why, [self._url, *parts_of(self._url)])[:LONGEST_REASON]
        return SinkError(f"route {self._route!r} ({scheme_of(self._url)}): {said}", retryable=soon and can_be_used)


def notify_type(message: Message) -> Any:
    """Return how Apprise calls it: a resolution is a success, and closes what services opened for it."""
    from apprise import NotifyType

    if message.state == "resolved":
        return NotifyType.SUCCESS
    kinds = {"critical": NotifyType.FAILURE, "warning": NotifyType.WARNING}
    return kinds.get(message.severity, NotifyType.INFO)


def schemes() -> Collection[str]:
    """Return the schemes that Apprise can send to."""
    from apprise.manager_plugins import NotificationManager

    silence()
    manager: Any = NotificationManager  # it has no types
    return frozenset(manager().schemas())


def reason_in(entries: Iterable[tuple[str, str]]) -> str:
    """Return why something failed, from Apprise's log as pairs of level and line: its warnings, and what they stand for."""
    told = [line for level, line in entries if level in ("WARNING", "ERROR", "CRITICAL") or line.startswith(BEHIND)]
    return " ".join(dict.fromkeys(" ".join(line.split()) for line in told)) or "it did not say why"


def silence() -> None:
    """Keep Apprise's own log lines to ourselves: what matters in them comes back in errors, without secrets."""
    logger = logging.getLogger("apprise")
    logger.propagate = False
    logger.setLevel(logging.DEBUG)  # or it would not tell us, either


@cache
def _asset() -> AppriseAsset:
    from apprise import AppriseAsset

    return AppriseAsset(
        app_id="Nightshift",
        app_desc="Nightshift",
        app_url="",
        image_url_mask="",  # no pictures from anybody's server
        image_url_logo="",
        http_redirects=False,  # a receiver elsewhere would get the credentials of the one that was meant
        secure_logging=True,
        service_timeout=0,  # in our thread, see above
        async_mode=False,
    )


@contextmanager
def _overheard() -> Iterator[list[tuple[str, str]]]:
    """Give the levels and lines that Apprise logs in this thread meanwhile."""
    entries: list[tuple[str, str]] = []
    thread = threading.get_ident()

    class Ear(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if record.thread == thread:
                entries.append((record.levelname, record.getMessage()))

    logger, ear = logging.getLogger("apprise"), Ear(level=logging.WARNING)
    logger.addHandler(ear)
    try:
        yield entries
    finally:
        logger.removeHandler(ear)
