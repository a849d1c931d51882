"""The digest of the code that a step can reach: change a line that matters, and the key is a new one.

Reached are the modules of this repository that a root module imports, directly or through others, found by reading
their sources. Modules that keep, schedule or report work but cannot change what comes out are left out, so that a
better log line does not score a year of nights again.
"""

from __future__ import annotations

import ast
import hashlib
import importlib.util
import sys
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("pipelines", "data_checks", "model_registry")
WITHOUT_EFFECT = (
    "data_checks.report",
    "model_registry",
    "pipelines.engine.catalog",
    "pipelines.engine.clock",
    "pipelines.engine.code",
    "pipelines.engine.errors",
    "pipelines.engine.ledger",
    "pipelines.engine.moments",
    "pipelines.engine.paths",
    "pipelines.engine.pipeline",
    "pipelines.engine.replay",
    "pipelines.engine.reports",
    "pipelines.engine.run_once",
    "pipelines.engine.runtime",
    "pipelines.engine.search",
    "pipelines.engine.settings",
    "pipelines.engine.storage",
    "pipelines.engine.telemetry",
    "pipelines.engine.views",
)
"""Modules (and what lies in them) that declare, hold, move or show results, and never make them.

What a declaration says is in a key's parameters, so the code that reads it need not be."""
LISTS = ("data_checks.suites",)
"""Modules that only name others, which are roots themselves: one more suite does no work of other pipelines again."""


@cache
def code_digest(*roots: str) -> str:
    """Return the SHA-256 of all sources reachable from the root modules, in hex.

    Args:
        roots: Dotted module names, such as `pipelines.flights.model`. One outside this repository counts as its own
            file alone.
    """
    total = hashlib.sha256()
    for name in sorted(reachable(roots)):
        total.update(name.encode() + b"\0" + hashlib.sha256(_source(name).read_bytes()).digest())
    for path in sorted(filter(None, map(_foreign, roots))):
        total.update(hashlib.sha256(path.read_bytes()).digest())
    return total.hexdigest()


def reachable(roots: Iterable[str]) -> set[str]:
    """Return the names of this repository's modules that the roots import, themselves included."""
    found: set[str] = set()
    waiting = list(roots)
    while waiting:
        name = waiting.pop()
        if name not in found and not _without_effect(name) and _is_ours(name):
            found.add(name)
            waiting.extend(_imported_by(name))
    return found


def read_ahead() -> None:
    """Remember who imports whom among the modules of this repository that are loaded now, and what they reach."""
    reachable([name for name in sys.modules if _is_ours(name)])


def _foreign(root: str) -> Path | None:
    """Return the source of a root that lies outside this repository, such as a `fit` in a package of its own."""
    spec = None if _is_ours(root) or _without_effect(root) else importlib.util.find_spec(root)
    return Path(spec.origin) if spec and spec.origin and Path(spec.origin).is_file() else None


def _without_effect(name: str) -> bool:
    return name in LISTS or any(name == module or name.startswith(f"{module}.") for module in WITHOUT_EFFECT)


def _is_ours(name: str) -> bool:
    return name.split(".")[0] in PACKAGES and _find(name) is not None


def _find(name: str) -> Path | None:
    base = ROOT.joinpath(*name.split("."))
    candidates = (base.with_suffix(".py"), base / "__init__.py")
    return next((path for path in candidates if path.is_file()), None)


def _source(name: str) -> Path:
    path = _find(name)
    if path is None:
        raise ModuleNotFoundError(f"no source for {name} under {ROOT}")
    return path


@cache
def _imported_by(name: str) -> tuple[str, ...]:
    path = _source(name)
    package = name if path.name == "__init__.py" else name.rpartition(".")[0]
    return tuple(_imports(ast.parse(path.read_bytes()), package))


def _imports(tree: ast.AST, package: str) -> Iterator[str]:
    """Yield every module that a source may import; `from a import b` may mean `a.b` or a name in `a`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            parts = package.split(".")
            base = ".".join(parts[: len(parts) - node.level + 1]) if node.level else ""
            module = ".".join(filter(None, (base, node.module)))
            yield module
            yield from (f"{module}.{alias.name}" for alias in node.names)
