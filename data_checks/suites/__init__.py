"""The suites. A new one is a file with `build(context)`, a line in `SUITES`, and a table of faults in its test."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from data_checks.errors import UnknownSuite, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Mapping

SUITES: Mapping[str, str] = MappingProxyType(
    {
        "flights_labels": "data_checks.suites.flights_labels",
        "flights_rows": "data_checks.suites.flights_rows",
    }
)
"""Name of each suite and the module that builds it."""


def suite_names() -> tuple[str, ...]:
    """Names that `run_suite` knows, sorted."""
    return tuple(sorted(SUITES))


def module_of(name: str) -> str:
    """Dotted path of the module that builds the suite `name`.

    Raises:
        UnknownSuite: No suite has that name.
    """
    if name not in SUITES:
        raise UnknownSuite(
            f"There is no suite '{name}'.{did_you_mean(name, SUITES)} Known: {', '.join(suite_names())}."
            " A new suite is a file in data_checks/suites/ and a line in its SUITES."
        )
    return SUITES[name]
