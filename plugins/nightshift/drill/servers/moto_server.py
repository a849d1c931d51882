"""The object store's process: `python moto_server.py HOST PORT`.

moto's own command answers each request in a thread, and looks whether an object is there before it writes one: of two
conditional writes at the same moment, both may win. S3 lets one win, so here one request is answered after the other.
"""

from __future__ import annotations

import logging
import sys
import threading
from collections.abc import Iterable
from typing import Any


class OneAtATime:
    """A WSGI application that is never inside itself."""

    def __init__(self, application: Any) -> None:
        self._application = application
        self._lock = threading.Lock()

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """Answer a request when the one before has been answered."""
        with self._lock:
            answer: Iterable[bytes] = self._application(environ, start_response)
            return answer


def main(host: str, port: int) -> None:
    """Serve until killed."""
    from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
    from werkzeug.serving import run_simple

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    store = OneAtATime(DomainDispatcherApplication(create_backend_app))
    run_simple(host, port, store, threaded=True, request_handler=MotoRequestHandler)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
