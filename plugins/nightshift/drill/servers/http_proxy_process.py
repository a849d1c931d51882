"""The proxy's own process: `python -m nightshift.drill.servers.http_proxy_process OWNER HOST PORT`.

It answers questions on standard input, one JSON list per line: a question and its argument. It ends when nobody can ask
any more, or when OWNER, its parent, has gone (a fork of the owner keeps the pipe open).
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from dataclasses import asdict
from typing import Any

from nightshift.drill.servers.faults import Fault
from nightshift.drill.servers.http_relay import HttpRelay

LOOK_SECONDS = 1.0


def answer(relay: HttpRelay, question: str, argument: Any) -> Any:
    """Do what the owner asks, and return what it wants to know."""
    match question:
        case "port":
            return relay.port
        case "exchanges":
            return [asdict(exchange) for exchange in relay.exchanges]
        case "inject":
            for fault in argument:
                relay.orders.add(Fault(**fault))
        case "clear":
            relay.orders.clear()
            relay.exchanges.clear()
        case "down":
            relay.down()
        case "up":
            relay.up()
        case _:
            raise ValueError(f"nobody knows how to {question!r} a proxy")
    return None


def leave_with(owner: int) -> None:
    """End this process when its parent has gone."""
    while os.getppid() == owner:
        time.sleep(LOOK_SECONDS)
    os._exit(1)


def main(owner: int, host: str, port: int) -> None:
    """Serve until the owner has no more to ask."""
    threading.Thread(target=leave_with, args=(owner,), daemon=True, name="owner-watch").start()
    with HttpRelay((host, port)) as relay:
        for line in sys.stdin:
            sys.stdout.write(json.dumps(answer(relay, *json.loads(line))) + "\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2], int(sys.argv[3]))
