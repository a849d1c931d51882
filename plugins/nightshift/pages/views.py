"""Where Airflow's own pages show ours: an entry of the navigation, and a tab on a DAG, a run and a task instance."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from airflow.configuration import conf

from nightshift.addresses import PREFIX


def external_views() -> list[dict[str, Any]]:
    """Return the views as Airflow reads them; it puts the names of what is shown into the braces."""
    mounted = urlsplit(conf.get("api", "base_url", fallback="")).path.rstrip("/") + PREFIX
    run = "dag_id={DAG_ID}&run_id={RUN_ID}"
    return [
        {
            "name": "Nightshift",
            "href": f"{mounted}/nights",
            "destination": "nav",
            "url_route": "nightshift",
            "nav_top_level": True,
            "icon": f"{mounted}/static/entry.svg",
            "icon_dark_mode": f"{mounted}/static/entry-dark.svg",
        },
        {
            "name": "Nights",
            "href": f"{mounted}/of-dag?dag_id={{DAG_ID}}",
            "destination": "dag",
            "url_route": "nightshift-nights",
        },
        {
            "name": "Night",
            "href": f"{mounted}/of-run?{run}",
            "destination": "dag_run",
            "url_route": "nightshift-night",
        },
        {
            "name": "Key",
            "href": f"{mounted}/of-task?{run}&task_id={{TASK_ID}}&map_index={{MAP_INDEX}}",
            "destination": "task_instance",
            "url_route": "nightshift-key",
        },
    ]
