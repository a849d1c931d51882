"""The ledger: the table that remembers every task key, who holds it, until when, and what came out."""

from pipelines.engine.ledger.store import Ledger
from pipelines.engine.ledger.values import Answer, Busy, Claimed, Done, Entry, Event, iso

__all__ = ["Answer", "Busy", "Claimed", "Done", "Entry", "Event", "Ledger", "iso"]
