"""How far does one house go? 10, 100 and 1,000 pipelines, years of history, and many workers on one ledger.

repository.py  a copy of this repository with as many pipelines as wanted, each as its author would write it
house.py       Airflow's processes on Postgres for such a copy
counting.py    seconds of processors, memory and loops of a process, while it runs
parsing.py     what a DAG file costs, and what of it is ours
processor.py   Airflow's DAG processor: until everything is serialized, and once more when nothing changed
scheduling.py  Airflow's scheduler: with nothing to do, and when everything is due in the same minute
promises.py    `promises sync` and the watch, for as many DAGs
claims.py      keys claimed and finished by eight processes on Postgres, through a pooler, and on SQLite
history.py     years of nights: the ledger's size, the watch, status, claims
sizing.py      from what was measured to what a house of some size needs: pure
page.py        the tables of docs/capacity.md
command.py     `python -m benchmarks capacity`

Each part can be run alone, and with small numbers.
"""
