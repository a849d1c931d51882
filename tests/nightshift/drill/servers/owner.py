"""A process that owns servers, forks once, tells where they are, and waits to be killed."""

from __future__ import annotations

import json
import os
import sys
import time

from nightshift.drill.servers import DatabaseServer, HttpProxy, ObjectStore

with DatabaseServer() as database, ObjectStore() as store, HttpProxy(store.address) as proxy:
    fork = os.fork()
    if not fork:
        os._exit(0)
    os.waitpid(fork, 0)
    folders = [str(database._folder), str(store._folder)]
    sys.stdout.write(json.dumps({"folders": folders, "store": store.url, "proxy": proxy.url}) + "\n")
    sys.stdout.flush()
    time.sleep(600)
