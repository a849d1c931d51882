"""Importing this module loads MLflow, its stores too, with its manners set; for processes that fork those who need it."""

from model_registry.mlflow_door import preload_stores

preload_stores()
