"""The hardening checklist, held against a running system: `nightshift doctor --production`.

values.py     a check, a fault, how a line of the list stands
sight.py      what checks look through: settings, Airflow's options, the ledger, requests
examine.py    goes through the list
accepted.py   risks that somebody took
keys.py passwords.py logins.py airflow.py workers.py ledger.py files.py network.py stores.py telling.py
              the checks: each a pure rule about facts, and what reads them
"""

from nightshift.hardening import airflow, files, keys, ledger, logins, network, passwords, stores, telling, workers
from nightshift.hardening.examine import examine
from nightshift.hardening.sight import Sight
from nightshift.hardening.values import STOPS, AnyCheck, Check, Examined, Fault

CHECKS: tuple[AnyCheck, ...] = (
    *keys.CHECKS,
    *passwords.CHECKS,
    *logins.CHECKS,
    *airflow.CHECKS,
    *workers.CHECKS,
    *ledger.CHECKS,
    *files.CHECKS,
    *network.CHECKS,
    *stores.CHECKS,
    *telling.CHECKS,
)
"""The whole list, in the order in which it is shown."""

__all__ = ["CHECKS", "STOPS", "AnyCheck", "Check", "Examined", "Fault", "Sight", "examine"]
