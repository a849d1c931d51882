"""What the tasks of the sandbox's Airflow are told: a file, because they are forks of a scheduler that is long up."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from nightshift.drill.aim import Aim, listener

if TYPE_CHECKING:
    from nightshift.drill.sabotage import Sabotage

VARIABLE = "NIGHTSHIFT_DRILL_ORDERS"
"""Tells tasks which file it is."""
LOGGERS = ("pipelines", "nightshift")
_kept = ExitStack()


@dataclass(frozen=True)
class Orders:
    """What the tasks that begin from now on are told.

    Attributes:
        folder: For their signs.
        aims: Where the first of them that comes there dies or stands still.
        sabotage: What is broken in their own code.
    """

    folder: Path
    aims: Sequence[Aim]
    sabotage: Sequence[Sabotage] = ()


def give(file: Path, orders: Orders) -> None:
    """Replace the orders in one step."""
    told = {
        "folder": str(orders.folder),
        "aims": [asdict(aim) for aim in orders.aims],
        "sabotage": list(orders.sabotage),
    }
    draft = file.with_name(f".{file.name}")
    draft.write_text(json.dumps(told))
    draft.replace(file)


def read(file: Path) -> Orders | None:
    """Return the orders, or None if there are none."""
    if not file.is_file():
        return None
    told = json.loads(file.read_text())
    return Orders(Path(told["folder"]), [Aim(**aim) for aim in told["aims"]], told["sabotage"])


def follow(environment: Mapping[str, str]) -> None:
    """Follow the orders for as long as this process lives; without any, do nothing."""
    orders = read(Path(environment[VARIABLE])) if VARIABLE in environment else None
    if orders is None:
        return
    from pipelines.engine.moments import listening

    _log_to(log_of(orders.folder, os.getpid()))
    _kept.enter_context(listening(listener(orders.aims, orders.folder)))
    if orders.sabotage:
        from nightshift.drill.sabotage import sabotaged

        _kept.enter_context(sabotaged(orders.sabotage))


def log_of(folder: Path, pid: int) -> Path:
    """Return where a process writes what our own code logs: nobody reads Airflow's pipe once the supervisor is dead."""
    return folder / f"log {pid}"


def _log_to(file: Path) -> None:
    handler = logging.FileHandler(file, delay=True)
    for name in LOGGERS:
        logging.getLogger(name).addHandler(handler)
