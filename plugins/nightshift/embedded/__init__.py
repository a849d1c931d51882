"""Airflow on one machine: SQLite, LocalExecutor, four processes that live and die with their owner.

Nothing is imported here, so that `nightshift --help` stays quick. The doors:

* `nightshift.embedded.tree.AirflowTree` - the process tree inside a `with` block (the demonstration, tests);
* `nightshift.embedded.background` - `up`, `down`, `running`: the same tree, owned by a detached supervisor;
* `nightshift.embedded.client.AirflowClient` - what we ask of Airflow's REST API.
"""
