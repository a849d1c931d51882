"""The engine: what a pipeline is, and everything that runs one.

pipeline.py  catalog.py  settings.py  errors.py       what is declared, and where things are
keys.py  code.py  ledger/  run_once.py                what work is, and that it is done once
nights.py  rows.py  encoding.py  training.py          partitions and their rows
metrics.py  gate.py  models/  package.py              models, and whether they earned their place
shards.py  scoring.py  publication.py  files.py       scores, and how readers come to see them
runtime.py  steps/  status.py                         the steps of a night and of a training
"""
