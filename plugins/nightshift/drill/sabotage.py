"""Break a part of Nightshift on purpose, inside a drill's workers alone, to see that the judge is not blind."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import Any, Literal, get_args

Sabotage = Literal["publish-fence", "finish-fence"]
SABOTAGES: tuple[Sabotage, ...] = get_args(Sabotage)


@contextmanager
def sabotaged(what: Collection[Sabotage]) -> Iterator[None]:
    """Break something inside the block.

    Args:
        what: `publish-fence`: nobody asks before a commit whether the claim still holds and the night is as it was.
            `finish-fence`: the ledger lets anybody finish a key.
    """
    from pipelines.engine.ledger import statements
    from pipelines.engine.steps import publish

    if "publish-fence" in what:
        publish.may_still_publish = _anybody_may  # type: ignore[assignment]
    if "finish-fence" in what:
        statements.HELD = known = _is_known()
        statements.RENEW, statements.FINISH = statements.renew(known), statements.finish(known)
    yield


def _anybody_may(*_: Any) -> None:
    """Allow it."""


def _is_known() -> Any:
    """The key is there; the fence is read, and makes no difference."""
    from sqlalchemy import and_, bindparam

    from pipelines.engine.ledger.schema import task_keys

    return and_(task_keys.c.key == bindparam("the_key"), task_keys.c.fence + bindparam("the_fence") > 0)
