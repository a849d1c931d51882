"""Importing this module reads the templates of the reports; for processes that fork those who write them."""

from pipelines.engine.reports import writing
from pipelines.engine.reports.page import read_templates

__all__ = ["writing"]

read_templates()
