"""Every way to break a night, in the order of the drill."""

from nightshift.drill.faults import kills, leases, models, rows, services
from nightshift.drill.faults.base import Drill, Fault

FAULTS: tuple[Fault, ...] = (
    *kills.FAULTS,
    *leases.FAULTS,
    *services.FAULTS,
    *models.FAULTS,
    *rows.FAULTS,
)

__all__ = ["FAULTS", "Drill", "Fault"]
