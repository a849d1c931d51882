"""Nightshift's pages in Airflow's UI: nights, a night, models, checks, incidents, keys and reports, behind Airflow's login.

One module for each page: it asks `pipelines.engine.views` for values and hands them to a template of its name. Nothing here
reads the ledger itself, and nothing heavy is imported before somebody asks for a page: Airflow loads its plugins in every
process.
"""
