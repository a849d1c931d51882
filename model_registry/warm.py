"""Importing this module loads MLflow with its manners set; for processes that fork those who need it."""

from model_registry.mlflow_door import preload

preload()
