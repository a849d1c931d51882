"""The engine: what a pipeline is, and everything that runs one.

pipeline.py  catalog.py  settings.py  errors.py       what is declared, and where things are
home.py  paths.py  files.py  storage/  delivery.py    files: whose, where, whole, here or in an object store
keys.py  code.py  ledger/  run_once.py  moments.py    what work is, and that it is done once
nights.py  rows.py  encoding.py  training.py          partitions and their rows
metrics.py  gate.py  models/  package.py              models, and whether they earned their place
shards.py  scoring.py  publication/                   scores, and how readers come to see them
runtime.py  steps/  status.py                         the steps of a night and of a training
dealing/                                              a file of many nights becomes nights
tidy/  retention.py                                   what nobody needs any more
"""
