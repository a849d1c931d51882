"""Nightshift's Airflow plugin: the one file that Airflow loads from this folder (`.airflowignore` hides the package)."""

from airflow.plugins_manager import AirflowPlugin

from nightshift import listener
from nightshift.deadlines import PromisedTime
from nightshift.links import LINKS
from nightshift.pages.app import fastapi_app
from nightshift.pages.views import external_views as views


class NightshiftPlugin(AirflowPlugin):
    """Links on task instances and the pages that they lead to, promises as deadlines, and what is told of runs and tasks."""

    name = "nightshift"
    operator_extra_links = [link() for link in LINKS]  # noqa: RUF012 - Airflow reads a plain list
    fastapi_apps = [fastapi_app()]  # noqa: RUF012 - Airflow reads a plain list
    external_views = views()
    deadline_references = [PromisedTime]  # noqa: RUF012 - Airflow reads a plain list
    listeners = [listener]  # noqa: RUF012 - Airflow reads a plain list
