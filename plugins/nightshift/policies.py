"""What Airflow asks about every DAG that it reads: `airflow_local_settings.py` imports this.

from nightshift.policies import dag_policy
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from airflow.sdk import DAG

__all__ = ["dag_policy"]
_log = logging.getLogger(__name__)


def dag_policy(dag: DAG) -> None:
    """Refuse a DAG whose promises do not fit it; the mistakes are shown as the file's import error.

    Raises:
        AirflowClusterPolicyViolation: With every mistake.
    """
    from airflow.exceptions import AirflowClusterPolicyViolation

    from nightshift.declared import check_dag
    from pipelines.engine.errors import DeclarationError

    try:
        check_dag(dag)
    except DeclarationError as error:
        raise AirflowClusterPolicyViolation(str(error)) from error
    except Exception:  # a DAG of a kind that we have not seen: no reason to take it from its owner
        _log.warning("the promises of %s could not be checked", dag.dag_id, exc_info=True)
