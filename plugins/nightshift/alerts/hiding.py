"""No secret in a log or an error.

Libraries log the addresses that they talk to, and for many receivers the address is the secret. What was resolved in this
process is therefore replaced by *** in their loggers, whatever their level is, as long as the process lives.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterable
from urllib.parse import quote, quote_plus, unquote

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


def forms_of(secret: str) -> set[str]:
    """Return a secret as it is and as it stands in URLs; none if it is too short to be hidden."""
    spelt = {secret, secret.strip(), unquote(secret), quote(secret, safe=""), quote(secret), quote_plus(secret)}
    return {form for form in spelt if len(form) >= SHORTEST}


def masked(text: str, secrets: Iterable[str]) -> str:
    """Return a text without these secrets, however they are spelt, and without credentials in addresses."""
    every = {form for secret in secrets for form in forms_of(secret)}
    for form in sorted(every, key=len, reverse=True):
        text = text.replace(form, "***")
    return hidden(text)


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
