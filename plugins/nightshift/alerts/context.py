"""What messages need to know beside the incident: who declared what, and where pages are."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from pipelines.engine.incidents.message import Context

if TYPE_CHECKING:
    from nightshift.alerts.routes import Routing
    from pipelines.engine.promises.values import Declaration
    from pipelines.engine.settings import Settings


def context_of(
    settings: Settings, routing: Routing, declarations: Mapping[str, Declaration]
) -> Callable[[str], Context]:
    """Return what tells a DAG's context by its id.

    Args:
        settings: Where things are.
        routing: Its links win over the settings'.
        declarations: By DAG.
    """
    secrets = (settings.ledger_url, settings.tracking_uri)

    def context(dag_id: str) -> Context:
        return Context(declarations.get(dag_id), routing.ui or settings.airflow_ui, routing.runbooks, secrets)

    return context
