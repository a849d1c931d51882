"""How a pipeline may be called."""

from __future__ import annotations

import builtins
import importlib.util
import keyword

from pipelines.engine.errors import UsageError
from pipelines.engine.pipeline import NAME

LONGEST = 40
OURS = ("fit", "prepare", "deal", "engine", "suites", "nightshift")
"""Names that the written files, or the repository, use themselves."""


def check_name(name: str) -> None:
    """Make sure that a pipeline can be called so.

    Raises:
        UsageError: With the reason.
    """
    wrong = f"a pipeline cannot be called {name!r}:"
    if not NAME.fullmatch(name) or len(name) > LONGEST:
        raise UsageError(
            f"{wrong} expected a lower-case word of letters, digits and _, at most {LONGEST} long, such as 'parcels'."
        )
    if keyword.iskeyword(name) or keyword.issoftkeyword(name) or hasattr(builtins, name) or name in OURS:
        raise UsageError(f"{wrong} Python or Nightshift uses this word itself. Choose another one.")
    found = importlib.util.find_spec(name)
    if found is not None and found.origin is not None:  # a mere folder has none
        raise UsageError(
            f"{wrong} a Python package has this name, and a DAG file of that name would hide it. Choose another one."
        )
