"""The drill: break a night on purpose, in every way that we know, and count the rows.

```
faults/           what is done: one function per fault, one list
sandbox.py        a house of its own for each fault: data, ledger, models, table; the user's state is never touched
workers.py        real processes that work in the sandbox and can be killed, stopped and aimed
jobs.py           what such a process does
aim.py            where in its work it dies or stands still
airflow_house.py  an Airflow whose tasks can be aimed; dag_file.py and orders.py are what its tasks see of the drill
oracle/           the judge: reads the Delta log, Parquet, the ledger and MLflow without any code of the engine
servers/          S3, Postgres and MLflow servers, and proxies that break the way to them
course.py         all faults in turn
```
"""
