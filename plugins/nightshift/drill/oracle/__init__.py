"""The judge of a drill. It shares no code with what it judges.

```
files.py      bytes of a folder or a bucket, with pathlib and boto3
delta_log.py  what the table's log says, by the Delta protocol, from its JSON files
ledger.py     what the ledger's tables hold, by SQL through the databases' own drivers
models.py     what MLflow's tables hold, likewise
verdict.py    rows lost, rows doubled, work undecided, and everything else that is not as promised
```
"""
