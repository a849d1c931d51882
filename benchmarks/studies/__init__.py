"""What is measured: one module for each study with `study`, and one line here.

A study of how rows pass through a whole process takes a `Scale`; one of the system (ledger, publication, parsing, nights) brings
sizes of its own: `study(folder, rounds)`. The latter lie beside this package and can be run alone.
"""

from __future__ import annotations

import inspect
import tempfile
from collections.abc import Callable
from importlib import import_module
from pathlib import Path

from benchmarks.results import Found
from benchmarks.studies.scale import Scale

STUDIES: dict[str, str] = {
    "scoring": "benchmarks.studies.scoring",
    "logistic": "benchmarks.studies.logistic",
    "memory": "benchmarks.studies.memory",
    "limit": "benchmarks.studies.limit",
    "validation": "benchmarks.studies.validation",
    "ledger": "benchmarks.ledger",
    "publication": "benchmarks.publication",
    "parsing": "benchmarks.parsing",
    "nights": "benchmarks.nights",
    "pages": "benchmarks.pages",
}
"""Name to the module that has `study`."""
QUICK = ("scoring", "logistic", "validation", "ledger", "publication", "parsing")
"""What a quick run takes: memory and whole nights change seldom and take their time."""


def run_study(name: str, folder: Path, rounds: int, scale: Scale) -> Found:
    """Run one study; what it needs is imported only now.

    Args:
        name: One of `STUDIES`.
        folder: Where rows and models are kept for the next time. A study of the system gets an empty one of its own instead.
        rounds: How often each subject runs.
        scale: How large everything is.
    """
    study: Callable[..., Found] = import_module(STUDIES[name]).study
    if len(inspect.signature(study).parameters) > 2:
        return study(folder, rounds, scale)
    with tempfile.TemporaryDirectory(prefix="nightshift-bench-") as empty:
        return study(Path(empty), rounds)
