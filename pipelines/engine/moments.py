"""The moments of the protocol at which a fault hurts most, by name, so that drills and tests can break things there.

The code says `reached(...)` as it passes one. Nobody listens in production; a drill's worker listens, and kills or stops
itself there, or waits for another worker to overtake it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Literal

Moment = Literal[
    "claimed",  # a key is ours, its work has not begun
    "scored a batch",  # some rows of a shard are written, others not
    "wrote the shard",  # a shard's file is whole, and the ledger does not know
    "may commit",  # the fence was checked, the commit has not been sent
    "committed",  # readers see the night, and the ledger does not know
    "measured a fold",  # a trial of a search has measured one fold more, and the ledger does not know
    "logged the run",  # MLflow has the training run, and the ledger does not know
    "may submit",  # the fence was checked, and the cloud has not been asked for a training job
    "submitted",  # the cloud has the training job, and nobody here remembers it
    "registered",  # MLflow has the version, and the ledger does not know
    "finishing",  # the work is done, and the ledger does not know
]

Listener = Callable[[Moment], None]
_listener: Listener | None = None


def reached(moment: Moment) -> None:
    """Say that the protocol passes a moment; does nothing unless somebody listens."""
    if _listener is not None:
        _listener(moment)


@contextmanager
def listening(listener: Listener) -> Iterator[None]:
    """Let `listener` be called at each moment that this process passes inside the block."""
    global _listener
    before, _listener = _listener, listener
    try:
        yield
    finally:
        _listener = before
