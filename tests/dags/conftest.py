import tests.dags.airflow_home  # noqa: F401
