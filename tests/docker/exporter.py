"""A watch's measures with one night that is late, as the watch exports them: `python exporter.py PORT`."""

from __future__ import annotations

import sys
import time

from prometheus_client import start_http_server

from nightshift.watch.metrics import Metrics
from pipelines.engine.promises.verdicts import Verdict

LATE = ("flights_scoring", "flight-science", "late", "critical")


def main(port: int) -> None:
    """Export until killed."""
    metrics = Metrics()
    start_http_server(port, addr="127.0.0.1", registry=metrics.registry)
    now = time.time()
    late = Verdict("flights_scoring/finish_by", "flights_scoring", "2026-11-19", "late", "late", due_at=now - 600)
    while True:
        metrics.show_verdicts([late], time.time())
        metrics.show_incidents({LATE: 1})
        metrics.show_outbox({"dry-run": 0}, 0.0)
        metrics.show_nights({("flights_scoring", "on_time"): 20, ("flights_scoring", "late"): 1})
        metrics.came_around(time.time(), 0.1, failed=False)
        time.sleep(0.2)


if __name__ == "__main__":
    main(int(sys.argv[1]))
