"""Remove what nobody needs any more. Deciding what that is, is done by rules that only compare values.

```
tidy.py          one run: find, and remove if told to, under a claim
values.py        Limits, Scene, Waste: what the kinds below share
shards.py        shard files that no version names, and those of lost fences   rules: shard_rules.py, giving_up.py
checks.py        reports and quarantined rows of superseded checks             rules: check_rules.py
leftovers.py     what killed writers left half written
cache.py         copies and packages that this machine has not used for long
events.py        the ledger's history; never a key                             rules: pipelines.engine.ledger.forgetting
incidents.py     incidents that were resolved long ago                         rules: pipelines.engine.incidents.forgetting
trash.py         what was deleted in MLflow                                    rules: model_registry.trash
```

Ages are the store's or the database's own times, held against the clock of the ledger's database. Files whose names
Nightshift did not give are never touched.
"""

from pipelines.engine.tidy.tidy import tidy

__all__ = ["tidy"]
