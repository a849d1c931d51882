"""What pages ask: the house of views, with little patience, because somebody is waiting in front of a page."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pipelines.engine.views.house import House

PATIENCE_SECONDS = 2.0


def house() -> House:
    """Return the views of the ledger that the settings name."""
    from pipelines.engine.settings import read_settings
    from pipelines.engine.views.house import House

    return House(read_settings(), patience=PATIENCE_SECONDS)
