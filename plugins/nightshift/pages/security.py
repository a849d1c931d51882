"""Who is asking, and what Airflow lets them see and do. Airflow's auth manager decides; nothing is decided here.

To look takes the right to read a DAG. To act takes the right to edit it, and one of two rights of our own (nightshift.roles):
to edit the champions, or the incidents. Whoever may trigger and clear a DAG need not be whoever may roll its model back.

Airflow protects nothing that a plugin mounts, so the application depends on `may_see_dags` as a whole: it answers 401 to
whoever is not logged in, and 403 to whoever may read no DAGs, on every route, static files included. Whoever may read some
DAGs and not others is shown the pipelines whose DAGs they may read.

Airflow's own modules are imported when the first request comes: they cost a second, and plugins are loaded in every process.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from typing import Annotated, Any, Literal

from fastapi import Depends, HTTPException, Request

from nightshift.roles.table import CHAMPIONS, OPERATOR, OurResource

Method = Literal["GET", "PUT"]
"""As Airflow has it: to read a DAG, and to change it."""


async def logged_in(request: Request) -> Any:
    """Return Airflow's user.

    Raises:
        HTTPException: 401, nobody is logged in, or no longer.
    """
    from airflow.api_fastapi.core_api.security import bearer_scheme, get_user

    return await get_user(request, None, await bearer_scheme(request))


def may_see_dags(request: Request, user: Annotated[Any, Depends(logged_in)]) -> None:
    """Make sure that the user may read DAGs, and the DAG that the request names as `dag_id`, if it names one.

    Raises:
        HTTPException: 403, they may not.
    """
    from airflow.api_fastapi.core_api.security import requires_access_dag

    requires_access_dag("GET")(request, user)


class Viewer:
    """Whoever asked, and what they may see.

    Args:
        user: Airflow's user.
        dags: By pipeline: its DAGs, as far as they are known.
    """

    def __init__(self, user: Any, dags: Mapping[str, Sequence[str]]) -> None:
        self._user = user
        self._dags = dags

    @property
    def name(self) -> str:
        """As journals name them."""
        return str(self._user.get_name())

    def may(self, method: Method, pipeline: str) -> bool:
        """Whether they may do that with every DAG of a pipeline; one without known DAGs is readable and nothing else."""
        dags = self._dags.get(pipeline, [])
        return all(self.may_dag(method, dag_id) for dag_id in dags) and (bool(dags) or method == "GET")

    def readable(self, pipelines: Iterable[str]) -> list[str]:
        """Return those of some pipelines that they may see, in the same order."""
        return [pipeline for pipeline in pipelines if self.may("GET", pipeline)]

    def find(self, pipeline: str) -> None:
        """Make sure that there is such a pipeline, and that they may see it.

        Raises:
            UnknownPipeline: There is none; the nearest of those that they may see is named.
            HTTPException: 403, they may not.
            LedgerError: The ledger cannot be read.
        """
        from nightshift.pages.asking import house
        from pipelines.engine.views.house import check_known

        names = house().names()
        if pipeline not in names:
            check_known(pipeline[:80], self.readable(names))
        self.require("GET", pipeline)

    def require(self, method: Method, pipeline: str) -> None:
        """Make sure that they may do that.

        Raises:
            HTTPException: 403, they may not.
        """
        if not self.may(method, pipeline):
            raise self._refusal(method, f"the DAGs of {pipeline[:80]}")

    def may_dag(self, method: Method, dag_id: str) -> bool:
        """Whether they may do that with a DAG."""
        from airflow.api_fastapi.app import get_auth_manager
        from airflow.api_fastapi.auth.managers.models.resource_details import DagDetails

        details = DagDetails(id=dag_id, team_name=self._teams.get(dag_id))
        return bool(get_auth_manager().is_authorized_dag(method=method, details=details, user=self._user))

    def may_act(self, on: OurResource, pipeline: str) -> bool:
        """Whether they may edit every DAG of a pipeline, and act on its champions or incidents."""
        return self.may("PUT", pipeline) and self._may_edit(on)

    def may_act_on_dag(self, on: OurResource, dag_id: str) -> bool:
        """Whether they may edit a DAG, and act on its champions or incidents."""
        return self.may_dag("PUT", dag_id) and self._may_edit(on)

    def require_act(self, on: OurResource, pipeline: str) -> None:
        """Make sure that they may edit every DAG of a pipeline, and act on its champions or incidents.

        Raises:
            HTTPException: 403, they may not.
        """
        self.require("PUT", pipeline)
        self._require_edit(on)

    def require_act_on_dag(self, on: OurResource, dag_id: str) -> None:
        """Make sure that they may edit a DAG, and act on its champions or incidents.

        Raises:
            HTTPException: 403, they may not.
        """
        self.require_dag("PUT", dag_id)
        self._require_edit(on)

    def require_dag(self, method: Method, dag_id: str) -> None:
        """Make sure that they may do that with a DAG.

        Raises:
            HTTPException: 403, they may not.
        """
        if not self.may_dag(method, dag_id):
            raise self._refusal(method, f"the DAG {dag_id[:80]}")

    def _refusal(self, method: Method, what: str) -> HTTPException:
        doing = "read" if method == "GET" else "edit"
        way_out = "Ask whoever administers Airflow for the permission."
        return HTTPException(403, f"Airflow does not let {self.name} {doing} {what}. {way_out}")

    def _may_edit(self, ours: OurResource) -> bool:
        from airflow.api_fastapi.app import get_auth_manager
        from airflow.api_fastapi.auth.managers.simple.simple_auth_manager import SimpleAuthManager

        manager = get_auth_manager()
        if isinstance(manager, SimpleAuthManager):
            # It lets everybody do everything with what it does not know. Of the roles that it has, its operator is the one
            # who is trusted with what all DAGs share, such as variables.
            return bool(manager.is_authorized_variable(method="PUT", user=self._user))
        return bool(manager.is_authorized_custom_view(method="PUT", resource_name=ours, user=self._user))

    def _require_edit(self, ours: OurResource) -> None:
        if not self._may_edit(ours):
            doing = "promote and roll back" if ours == CHAMPIONS else "take up, silence and close incidents"
            raise HTTPException(
                403,
                f"Airflow does not let {self.name} {doing}: it takes the right to edit {ours!r}. "
                f"Ask whoever administers Airflow for the role {OPERATOR}, or Op where roles are Airflow's simple ones.",
            )

    @cached_property
    def _teams(self) -> dict[str, str | None]:
        """Whose each DAG is; asked once for all of them."""
        from airflow.models.dag import DagModel

        return DagModel.get_dag_id_to_team_name_mapping([dag_id for dags in self._dags.values() for dag_id in dags])


def viewer(user: Annotated[Any, Depends(logged_in)]) -> Viewer:
    """Return who asked; a dependency of every page.

    Raises:
        LedgerError: The ledger cannot be read.
    """
    from nightshift.pages.asking import house

    return Viewer(user, house().dags())


Asking = Annotated[Viewer, Depends(viewer)]
