"""How a night becomes visible, and what that does to what was visible before.

```
names.py       how shard files are called, and what their names say
delta.py       publish: one conditional, metadata-only Delta commit swaps the night's partition
given_up.py    files that may be removed at any moment, which no commit names again
superseded.py  which publication took another one's place
```
"""
