"""Airflow's REST API, as far as we use it: typed answers, errors in words."""

from __future__ import annotations

import difflib
import time
from typing import TYPE_CHECKING, Any, Literal

import httpx

from nightshift.embedded.errors import ApiError, ApiUnreachable, NotThere, WaitedTooLong
from nightshift.embedded.records import (
    Dag,
    DagRun,
    ImportProblem,
    TaskInstance,
    dag_of,
    dag_run_of,
    import_problem_of,
    log_text,
    task_instance_of,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime
    from types import TracebackType

    from nightshift.embedded.logins import Login

PAGE = 100
"""Rows asked for at once; Airflow gives no more whatever is asked."""

Reprocess = Literal["none", "failed", "completed"]


class AirflowClient:
    """Talks to one api-server. Logs in by itself; a proxy in the environment is not used.

    Args:
        url: for example `http://127.0.0.1:8080`.
        timeout: seconds to wait for one answer.
        login: who we are where Airflow asks for it; in the all-admins mode nobody is asked.
    """

    def __init__(self, url: str, *, timeout: float = 30.0, login: Login | None = None) -> None:
        self.url = url
        self._login = login
        self._http = httpx.Client(base_url=url, timeout=timeout, trust_env=False)
        self._token: str | None = None

    def __enter__(self) -> AirflowClient:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Give the connections back."""
        self._http.close()

    def health(self) -> dict[str, str | None] | None:
        """Status per component (`healthy`, `unhealthy` or None), or None while nobody answers."""
        try:
            answer = self._http.get("/api/v2/monitor/health", timeout=5.0)
            parts: dict[str, dict[str, str | None]] = answer.raise_for_status().json()
        except (httpx.HTTPError, ValueError):
            return None
        return {name: (part or {}).get("status") for name, part in parts.items()}

    def dags(self) -> list[Dag]:
        """All DAGs that were read and still exist."""
        return [dag_of(row) for row in self._pages("/dags", "dags")]

    def import_errors(self) -> list[ImportProblem]:
        """The DAG files that cannot be imported."""
        return [import_problem_of(row) for row in self._pages("/importErrors", "import_errors")]

    def pause(self, dag_id: str, *, paused: bool = True) -> None:
        """Pause a DAG, or let it run again."""
        self._ask("PATCH", f"/dags/{dag_id}", body={"is_paused": paused}, params={"update_mask": "is_paused"})

    def trigger(
        self,
        dag_id: str,
        *,
        partition_key: str | None = None,
        run_id: str | None = None,
        conf: Mapping[str, object] | None = None,
    ) -> DagRun:
        """Ask for a run. A run id that exists already returns that run, with `created` False: asking twice is safe.

        Partition keys are not unique in Airflow, run ids are.
        """
        body = {"logical_date": None, "partition_key": partition_key, "dag_run_id": run_id, "conf": dict(conf or {})}
        given = {key: value for key, value in body.items() if value is not None or key == "logical_date"}
        answer = self._send("POST", f"/dags/{dag_id}/dagRuns", body=given)
        if answer.status_code == httpx.codes.CONFLICT and run_id:
            return self.dag_run(dag_id, run_id)
        return dag_run_of(self._checked(answer).json(), created=True)

    def dag_run(self, dag_id: str, run_id: str) -> DagRun:
        """One run."""
        return dag_run_of(self._ask("GET", f"/dags/{dag_id}/dagRuns/{run_id}"))

    def dag_runs(self, dag_id: str = "~", **filters: str) -> list[DagRun]:
        """Runs of one DAG, or of all; filters are those of the REST API (`run_type="backfill"`)."""
        return [dag_run_of(row) for row in self._pages(f"/dags/{dag_id}/dagRuns", "dag_runs", filters)]

    def task_instances(self, dag_id: str, run_id: str) -> list[TaskInstance]:
        """The task instances of one run."""
        rows = self._pages(f"/dags/{dag_id}/dagRuns/{run_id}/taskInstances", "task_instances")
        return [task_instance_of(row) for row in rows]

    def task_log(self, dag_id: str, run_id: str, task_id: str, *, try_number: int = 1, map_index: int = -1) -> str:
        """The log of one try, as text."""
        path = f"/dags/{dag_id}/dagRuns/{run_id}/taskInstances/{task_id}/logs/{try_number}"
        return log_text(self._ask("GET", path, params={"map_index": str(map_index), "full_content": "true"}))

    def clear(self, dag_id: str, run_id: str, task_id: str) -> None:
        """Clear a task of a run and all that follows it, as the UI's button does by default; one that runs is restarted."""
        body = {
            "dag_run_id": run_id,
            "task_ids": [task_id],
            "include_downstream": True,
            "only_failed": False,
            "dry_run": False,
        }
        self._ask("POST", f"/dags/{dag_id}/clearTaskInstances", body=body)

    def create_backfill(
        self,
        dag_id: str,
        from_date: datetime,
        to_date: datetime,
        *,
        reprocess_behavior: Reprocess = "none",
        max_active_runs: int = 10,
    ) -> int:
        """Ask for runs of the ticks t with from_date < t <= to_date (see `records.backfill_range`); returns its number.

        `none` leaves nights that a backfill or the schedule ran before; `completed` runs them anew.
        """
        body = {
            "dag_id": dag_id,
            "from_date": from_date.isoformat(),
            "to_date": to_date.isoformat(),
            "reprocess_behavior": reprocess_behavior,
            "max_active_runs": max_active_runs,
        }
        return int(self._ask("POST", "/backfills", body=body)["id"])

    def open_backfills(self, dag_id: str) -> list[int]:
        """The numbers of the backfills of a DAG that Airflow does not hold for completed; it allows one at a time."""
        rows = self._pages("/backfills", "backfills", {"dag_id": dag_id})
        return [int(row["id"]) for row in rows if row["completed_at"] is None]

    def close_backfill(self, backfill_id: int) -> None:
        """Mark a backfill as completed whose runs have all ended; Airflow's own timer does it every 30 s only."""
        answer = self._send("PUT", f"/backfills/{backfill_id}/cancel")
        if answer.status_code != httpx.codes.CONFLICT:  # the timer was faster
            self._checked(answer)

    def wait_for_run(
        self,
        dag_id: str,
        run_id: str,
        *,
        timeout: float = 600.0,
        on_progress: Callable[[DagRun], None] | None = None,
        every: float = 0.3,
    ) -> DagRun:
        """Wait until a run ends, well or not.

        Raises:
            WaitedTooLong: it did not end within `timeout` seconds.
        """
        deadline = time.monotonic() + timeout
        while not (run := self.dag_run(dag_id, run_id)).finished:
            if on_progress is not None:
                on_progress(run)
            if time.monotonic() > deadline:
                raise WaitedTooLong(self._unfinished(run, timeout))
            time.sleep(every)
        return run

    def _unfinished(self, run: DagRun, timeout: float) -> str:
        states = [f"{task.task_id}: {task.state or 'waiting'}" for task in self.task_instances(run.dag_id, run.run_id)]
        return (
            f"Run {run.run_id} of {run.dag_id} is still {run.state} after {timeout:.0f} s.\n"
            f"Tasks: {', '.join(states)}.\nDo: look at {self.url}/dags/{run.dag_id}/runs/{run.run_id}"
        )

    def _pages(self, path: str, key: str, filters: Mapping[str, str] | None = None) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = []
        while True:
            params = {"limit": str(PAGE), "offset": str(len(rows)), **(filters or {})}
            answer = self._ask("GET", path, params=params)
            rows.extend(answer[key])
            if not answer[key] or len(rows) >= answer.get("total_entries", 0):
                return rows

    def _ask(
        self,
        method: str,
        path: str,
        *,
        body: Mapping[str, object] | None = None,
        params: Mapping[str, str] | None = None,
    ) -> dict[str, Any]:
        answer: dict[str, Any] = self._checked(self._send(method, path, body=body, params=params)).json()
        return answer

    def _send(
        self,
        method: str,
        path: str,
        *,
        body: Mapping[str, object] | None = None,
        params: Mapping[str, str] | None = None,
    ) -> httpx.Response:
        answer = self._once(method, path, body, params)
        if answer.status_code == httpx.codes.UNAUTHORIZED:  # the token outlived its day
            self._token = None
            answer = self._once(method, path, body, params)
        return answer

    def _once(
        self, method: str, path: str, body: Mapping[str, object] | None, params: Mapping[str, str] | None
    ) -> httpx.Response:
        try:
            self._token = self._token or self._log_in()
            headers = {"Authorization": f"Bearer {self._token}", "Accept": "application/json"}
            return self._http.request(method, f"/api/v2{path}", json=body, params=params, headers=headers)
        except httpx.HTTPError as error:
            message = f"Airflow does not answer at {self.url} ({error}).\nDo: start it, and read its api-server log."
            raise ApiUnreachable(message) from error

    def _log_in(self) -> str:
        """A token: for our login if we have one, or else of the all-admins mode, which asks no password.

        Both auth managers, Airflow's simple one and FAB, take a name and a password by POST. Only the simple one answers GET,
        and in the all-admins mode it takes any login, or none.
        """
        if self._login is None:
            answer = self._http.get("/auth/token")
            how = "Is it an embedded one? One that asks for a login wants a name and a password"
        else:
            credentials = {"username": self._login.name, "password": self._login.password}
            answer = self._http.post("/auth/token", json=credentials)
            how = f"Is there a login {self._login.name}, and is its password this one"
        if answer.is_error:
            raise ApiError(f"Airflow at {self.url} gave no token: {_detail(answer)}.\n{how}?")
        return str(answer.json()["access_token"])

    def _checked(self, answer: httpx.Response) -> httpx.Response:
        if answer.status_code == httpx.codes.NOT_FOUND:
            raise NotThere(f"Airflow: {_detail(answer)}.{self._nearest(answer)}")
        if answer.is_error:
            asked = f"{answer.request.method} {answer.request.url.path}"
            raise ApiError(f"Airflow refused {asked} ({answer.status_code}): {_detail(answer)}")
        return answer

    def _nearest(self, answer: httpx.Response) -> str:
        """` Did you mean ...?` when the DAG asked for is not known but a similar one is."""
        parts = answer.request.url.path.split("/dags/")
        wanted = parts[1].split("/")[0] if len(parts) > 1 else ""
        known = [dag.dag_id for dag in self.dags()]
        near = difflib.get_close_matches(wanted, known, n=1)
        return f" Did you mean {near[0]}?" if near and wanted not in known else ""


def _detail(answer: httpx.Response) -> str:
    """What Airflow says is wrong, without the wrapping."""
    try:
        detail = answer.json()["detail"]
    except (ValueError, KeyError, TypeError):
        return answer.text[:200] or answer.reason_phrase
    if isinstance(detail, dict):
        return str(detail.get("reason") or detail.get("message") or detail)[:300]
    return str(detail)[:300]
