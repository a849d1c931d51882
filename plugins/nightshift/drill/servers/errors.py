"""What can go wrong with the drill's own servers, in words.

ServerError
├── NotInstalled    the server's program is not on this machine
└── ServerFailed    it did not start, did not answer in time, or ended by itself
"""

from __future__ import annotations


class ServerError(Exception):
    """One of the drill's servers cannot be had."""


class NotInstalled(ServerError):
    """The server's program is not on this machine; the message says how to install it."""


class ServerFailed(ServerError):
    """A server did not start, did not answer in time, or ended by itself; the message ends with its log."""
