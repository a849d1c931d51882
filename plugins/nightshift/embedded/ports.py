"""Ports on 127.0.0.1: finding a free one, saying who holds a taken one."""

from __future__ import annotations

import contextlib
import socket

import psutil

from nightshift.embedded.environment import LOOPBACK
from nightshift.embedded.errors import PortTaken

FAVOURITE = 8080
"""Tried first when no port was asked for: where people look for Airflow."""


def is_free(port: int) -> bool:
    """Whether a server could listen on `port` now."""
    with socket.socket() as probe:
        if probe.connect_ex((LOOPBACK, port)) == 0:
            return False
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as the api-server does
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True


def choose(asked: int | None) -> int:
    """The asked port if it is free; without one, 8080 or else any free port.

    Raises:
        PortTaken: the asked port is in use, or not a port.
    """
    if asked is None:
        return FAVOURITE if is_free(FAVOURITE) else _any_free()
    if not 1 <= asked <= 65535:
        raise PortTaken(f"Port {asked} is not a port.\nExpected: 1 to 65535.\nDo: leave it out to get a free one.")
    if not is_free(asked):
        message = (
            f"Port {asked} on {LOOPBACK} is taken{_by_whom(asked)}.\n"
            "Do: stop that program, give another port, or leave the port out to get a free one."
        )
        raise PortTaken(message)
    return asked


def _any_free() -> int:
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])


def _by_whom(port: int) -> str:
    """` by python (process 4711)`, or nothing where the system does not tell."""
    with contextlib.suppress(psutil.Error, OSError):
        for connection in psutil.net_connections(kind="tcp"):
            listens = connection.status == psutil.CONN_LISTEN and connection.laddr.port == port
            if listens and connection.pid:
                return f" by {psutil.Process(connection.pid).name()} (process {connection.pid})"
    return ""
