"""The dry run: what would have been sent is logged, and written to `<home>/alerts/sent.jsonl`."""

from __future__ import annotations

import json
import logging
import time
from pathlib import Path

from pipelines.engine.home import private_file, private_folder
from pipelines.engine.incidents.sinks import SinkError
from pipelines.engine.incidents.values import Message

log = logging.getLogger(__name__)


def sent_file(home: Path) -> Path:
    """Return where the dry run writes."""
    return home / "alerts" / "sent.jsonl"


class LogSink:
    """Tells nobody.

    Args:
        route: The route's name.
        file: Gets one line of JSON for each message: its fields, `route`, and `sent_at` in seconds since 1970.
    """

    def __init__(self, route: str, file: Path) -> None:
        self._route = route
        self._file = file

    def send(self, message: Message) -> None:
        """Write one message down.

        Raises:
            SinkError: The disk does not take it.
        """
        line = json.dumps({"route": self._route, "sent_at": time.time(), **message.to_json()})
        try:
            private_folder(self._file.parent)
            with private_file(self._file).open("a", encoding="utf-8") as sent:
                sent.write(line + "\n")
        except OSError as error:
            raise SinkError(f"route {self._route!r}: {self._file} cannot be written: {error.strerror}") from error
        quiet = message.state == "resolved" or message.severity == "info"
        log.log(logging.INFO if quiet else logging.WARNING, "not sent, a dry run: %s", message.title)
