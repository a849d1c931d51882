"""The suites. A new one is a file here with `build(context)`, and a table of faults in its test; its name is the file's.

A file whose name begins with `_` is no suite: it holds what several of them share.
"""

from __future__ import annotations

from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from data_checks.errors import UnknownSuite, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Mapping

SUITES: Mapping[str, str] = MappingProxyType(
    {path.stem: f"{__name__}.{path.stem}" for path in Path(__file__).parent.glob("[!_]*.py")}
)
"""Name of each suite and the module that builds it. Nothing of them is imported before it is asked for."""


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
            " A new suite is a file of that name in data_checks/suites/."
        )
    return SUITES[name]
