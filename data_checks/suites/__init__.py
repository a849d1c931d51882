"""The suites. A new one is a file here with `build(context)`, and a table of faults in its test; its name is the file's.

A file whose name begins with `_` is no suite: it holds what several of them share.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from data_checks.errors import UnknownSuite, did_you_mean

FOLDER = Path(__file__).parent


class _Suites(Mapping[str, str]):
    """Looks into the folder each time: Airflow's processes live long, and a suite that was written since is known, too."""

    def __getitem__(self, name: str) -> str:
        if name.startswith("_") or not name.isidentifier() or not (FOLDER / f"{name}.py").is_file():
            raise KeyError(name)
        return f"{__name__}.{name}"

    def __iter__(self) -> Iterator[str]:
        return iter(sorted(path.stem for path in FOLDER.glob("[!_]*.py")))

    def __len__(self) -> int:
        return sum(1 for _ in self)


SUITES: Mapping[str, str] = _Suites()
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
