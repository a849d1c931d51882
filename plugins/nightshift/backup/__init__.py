"""Backups: of databases and folders together, in an order from which everything can go on.

```
plan.py       which parts there are, and in which order they are copied; pure
manifest.py   what a backup is made of, as a value and as JSON; pure
vault.py      where backups lie: objects named by what they hold, and one manifest per backup
databases.py  Postgres by its own tools, SQLite by its own backup
folders.py    files of a folder or a bucket, there and back; a table's log before its files
create.py     make a backup
verify.py     read one whole, and say what is wrong with it
restore.py    put everything back, in the opposite order
prune.py      forget old backups
```

Secrets are never in a backup: no password file, no Fernet key, no connection that the environment holds.
"""

from nightshift.backup.create import create_backup
from nightshift.backup.plan import Part, parts_of
from nightshift.backup.restore import restore_backup
from nightshift.backup.verify import verify_backup

__all__ = ["Part", "create_backup", "parts_of", "restore_backup", "verify_backup"]
