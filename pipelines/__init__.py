"""Pipelines: one folder per use case, and the engine that runs them. Nothing in here knows Airflow."""
