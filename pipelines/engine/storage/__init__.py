"""Where bytes lie: folders of this machine, S3, or Google Cloud Storage, with one face for all.

```
location.py     Location: a file or folder in some store, and what can be done with it
store.py        Store: what differs between the stores
local.py        this machine's disk
remote.py       s3:// and gs:// through pyarrow
copies.py       what was downloaded, on this machine
clients.py      pyarrow's clients, with our patience, and what their errors mean
credentials.py  who we are there; the caller brings them, such as from an Airflow connection
```

Work is always done on files of this machine: what lies remotely is copied here first, under its digest, and what is
written is uploaded when it is whole. So a row is read from the very bytes that were checked, and nobody ever sees half a
file.
"""

from pipelines.engine.storage.credentials import Credentials, Google, Simple
from pipelines.engine.storage.location import Location, Storage, here

__all__ = ["Credentials", "Google", "Location", "Simple", "Storage", "here"]
