"""A ledger that came out of a backup: nobody whom it knows as a holder may go on.

Whoever held a key when the backup was made, or claimed it afterwards, holds a fence of a future that is gone. If such a
process still lives, its fence must not be one that is given out again. So unfinished keys are opened, and their fences
jump ahead by more than they can have grown since.
"""

from __future__ import annotations

from sqlalchemy import Connection, select, update

from pipelines.engine.ledger import statements
from pipelines.engine.ledger.database import Database
from pipelines.engine.ledger.schema import database_now, task_keys

JUMP = 100
"""By how much fences jump: a key would have to change hands so often between backup and restore. Each fence below the
present one costs a look at a folder when a shard is scored, so the jump is no larger."""


def begin_anew(ledger: Database, reason: str) -> int:
    """Open the keys that were held, let the fences of all unfinished ones jump, and return how many were held.

    Args:
        ledger: Restored, and used by nobody yet.
        reason: Kept in the history.
    """
    return ledger.do(lambda connection: _begin_anew(connection, reason))


def _begin_anew(connection: Connection, reason: str) -> int:
    keys = task_keys.c
    jump = update(task_keys).where(keys.state != "done").values(fence=keys.fence + JUMP, lease_until=database_now())
    connection.execute(jump)
    wanted = select(keys.key, keys.fence, keys.generation, keys.holder).where(keys.state == "claimed")
    held = connection.execute(wanted).all()
    for key, fence, generation, holder in held:
        names = {"key": key, "fence": fence, "generation": generation, "holder": holder}
        connection.execute(statements.EVENT, {**names, "event": "released", "detail": {"reason": reason}})
    connection.execute(update(task_keys).where(keys.state == "claimed").values(state="open", error=reason))
    return len(held)
