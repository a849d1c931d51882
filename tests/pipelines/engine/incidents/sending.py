"""A sender in a process of its own: `sending.py URL PORT FOLDER NUMBER`: sends until nothing waits."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

from pipelines.engine.incidents.outbox import Outbox
from pipelines.engine.incidents.sender import Sender
from tests.pipelines.engine.incidents.receivers import LineSink

if __name__ == "__main__":
    url, port, folder, number = sys.argv[1:]
    (Path(folder) / f"ready-{number}").touch()
    while not (Path(folder) / "go").exists():
        time.sleep(0.005)
    outbox = Outbox(url)
    sender = Sender(outbox, lambda route: LineSink(int(port)))
    sent = 0
    while outbox.pending():
        sent += sender.send_due(wait_seconds=5.0).sent
    sys.stdout.write(json.dumps({"sent": sent}))
