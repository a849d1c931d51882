"""No secret in a log or an error.

Libraries log the addresses that they talk to, and for many receivers the address is the secret. What was resolved in this
process is therefore replaced by *** in their loggers, whatever their level is, as long as the process lives.
"""

from __future__ import annotations

import logging
import re
import threading
from collections.abc import Iterable
from functools import lru_cache
from urllib.parse import unquote

from model_registry.addresses import hidden

SHORTEST = 4
"""A secret of fewer characters would be found in every second word; the same rule as for passwords of the ledger."""
TALKATIVE = (
    "apprise",
    "urllib3.connectionpool",
    "urllib3.util.retry",
    "httpx",
    "httpcore.connection",
    "httpcore.http11",
)


def masked(text: str, secrets: Iterable[str]) -> str:
    """Return a text without these secrets, however they are spelt, and without credentials in addresses."""
    for secret in sorted(set(secrets), key=len, reverse=True):
        for form in {secret, secret.strip(), unquote(secret)}:
            if len(form) >= SHORTEST:
                text = _spellings(form).sub("***", text)
    return hidden(text)


def parts_of(url: str) -> list[str]:
    """Return what in a URL may be a secret, even one that nobody has marked as such: logins, long words of the path."""
    rest = url.partition("://")[2].partition("?")[0]
    login, _, path = rest.rpartition("@")
    return [*filter(None, (login, *re.split("[:@]", login))), *(word for word in path.split("/")[1:] if len(word) > 7)]


@lru_cache(maxsize=1000)
def _spellings(secret: str) -> re.Pattern[str]:
    """Return what finds a secret in which any sign may be percent-encoded: libraries agree on few of them."""
    return re.compile("".join(_sign(sign) for sign in secret))


def _sign(sign: str) -> str:
    encoded = "".join(f"%{byte:02X}" for byte in sign.encode("utf-8", "surrogatepass"))
    ways = [re.escape(sign), encoded, *([encoded.lower()] if encoded.lower() != encoded else [])]
    return f"(?:{'|'.join([*ways, re.escape('+')] if sign == ' ' else ways)})"


class _Hide(logging.Filter):
    """Replaces secrets in the records of one logger."""

    def __init__(self) -> None:
        super().__init__()
        self._lock = threading.Lock()
        self._secrets: frozenset[str] = frozenset()

    def learn(self, secrets: Iterable[str]) -> None:
        with self._lock:
            self._secrets |= frozenset(secret for secret in secrets if len(secret) >= SHORTEST)

    def filter(self, record: logging.LogRecord) -> bool:
        if self._secrets:
            said = record.getMessage()
            silent = masked(said, self._secrets)
            if silent != said:
                record.msg, record.args = silent, ()
        return True


_HIDE = _Hide()


def hide(secrets: Iterable[str]) -> None:
    """Keep secrets out of what the libraries that send log from now on."""
    _HIDE.learn(secrets)
    for name in TALKATIVE:
        logging.getLogger(name).addFilter(_HIDE)  # a second time changes nothing
