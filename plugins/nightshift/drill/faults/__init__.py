"""Every way to break a night, in the order of the drill."""

from nightshift.drill.faults import airflow, kills, leases, models, rows, services
from nightshift.drill.faults.base import Drill, Fault

FAULTS: tuple[Fault, ...] = (
    *kills.FAULTS,
    *leases.FAULTS,
    *services.FAULTS,
    *models.FAULTS,
    *rows.FAULTS,
    *airflow.FAULTS,  # last: an Airflow of one's own takes its time
)

__all__ = ["FAULTS", "Drill", "Fault"]
