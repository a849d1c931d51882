"""Importing this module loads what each DAG file of ours needs; for processes that fork those who read DAG files.

An asset's address makes Airflow import the assets of all installed providers, with the clients of their clouds: some
150 CPU milliseconds in each process that reads a DAG file for the first time, and each task does.
"""

from nightshift.factories import predictions_asset

predictions_asset("warm")
