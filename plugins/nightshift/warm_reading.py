"""Importing this module reads and serializes a DAG once; for the process that forks those who read DAG files.

Airflow imports what it serializes with (a DAG's dependencies, its timetables, its database's models) when it first serializes,
and the DAG processor serializes each file's DAGs in a fork that ends with it: 40 of 75 CPU milliseconds for a file of ours.
Workers never serialize, so this is not for them.
"""

from datetime import timedelta

from airflow.serialization.serialized_objects import DagSerialization

from nightshift.factories import maintenance_dag

DagSerialization.to_dict(maintenance_dag(owner="warm", finish_within=timedelta(hours=1)))
