"""One tree for all tests that only use it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from nightshift.embedded.tree import AirflowTree, Ready
from tests.nightshift.embedded.trees import CANARY, make_repository

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True)
class Started:
    """A tree, what its start answered, and what it told meanwhile."""

    tree: AirflowTree
    ready: Ready
    told: list[str]


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Started]:
    """A tree that runs until the last test of the module."""
    root = tmp_path_factory.mktemp("airflow")
    repository = make_repository(root / "repository", broken=True)
    told: list[str] = []
    secret = {"AIRFLOW_CONN_BUCKET": f"aws://key:{CANARY}@/", "AWS_SECRET_ACCESS_KEY": CANARY}
    with AirflowTree(root / "home", repository, extra=secret) as tree:
        yield Started(tree, tree.start(told.append), told)
