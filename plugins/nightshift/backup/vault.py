"""Where backups lie: objects named by the digest of their bytes, and one manifest for each backup.

```
VAULT/objects/ab/abcdef...   bytes, once, however many backups hold them
VAULT/backups/2026-11-20T02-00-00Z.json
```

A manifest is written last, so a backup that was broken off does not exist; its objects serve the next one.
"""

from __future__ import annotations

import shutil
import threading
from datetime import UTC, datetime
from pathlib import Path

from nightshift.backup.errors import BackupDamaged
from nightshift.backup.manifest import Manifest, read_manifest
from pipelines.engine.errors import StorageUnavailable, UsageError, nearest
from pipelines.engine.files import sha256_of
from pipelines.engine.home import private_folder
from pipelines.engine.storage import Location

LATEST = "latest"


class Vault:
    """A folder of this machine or of an object store that holds backups.

    Args:
        place: Where; made, for its owner alone, when the first backup is.
    """

    def __init__(self, place: Location) -> None:
        self.place = place
        self._present: dict[str, int] | None = None
        self._lock = threading.Lock()
        self._writing: dict[str, threading.Lock] = {}

    def open(self) -> None:
        """Make the folder, if it lies here: backups hold everybody's rows."""
        if self.place.is_here:
            try:
                private_folder(self.place.copy())
            except OSError as error:
                raise self.place.in_words(error) from error

    def objects(self) -> dict[str, int]:
        """Return the size of each object, by digest."""
        with self._lock:
            if self._present is None:
                found = (self.place / "objects").walk()
                self._present = {path.split("/")[-1]: size.size for path, size in found if "/." not in f"/{path}"}
            return self._present

    def look_again(self) -> dict[str, int]:
        """Return the size of each object as it is now."""
        self._present = None
        return self.objects()

    def object(self, sha256: str) -> Location:
        """Return where an object lies."""
        return self.place / f"objects/{sha256[:2]}/{sha256}"

    def keep(self, file: Path) -> tuple[str, int]:
        """Keep a file's bytes, unless they are here, and return their digest and size.

        Raises:
            StorageUnavailable: The file was written to meanwhile.
            StorageError: The vault cannot be written to.
        """
        digest, present = sha256_of(file), self.objects()
        with self._lock:
            alone = self._writing.setdefault(digest, threading.Lock())
        with alone:  # two files of the same bytes may be on their way
            if digest not in present:
                with self.object(digest).writing() as temporary:
                    shutil.copyfile(file, temporary)
                    size = temporary.stat().st_size
                    if sha256_of(temporary) != digest:
                        raise StorageUnavailable(f"{file} was written to while it was copied; make the backup again")
                present[digest] = size
        return digest, present[digest]

    def fetch(self, sha256: str, size: int) -> Path:
        """Return a file of this machine with an object's bytes, which were looked at.

        Raises:
            BackupDamaged: They are gone, or others.
        """
        kept = self.object(sha256).copy_with(sha256)
        if kept is None:
            found = self.object(sha256).find()
            got = f"{found.size:,} other bytes" if found else "nothing"
            raise BackupDamaged(
                f"the object {self.object(sha256)} should have {size:,} bytes of that digest, and there is {got}. "
                "Take another backup (`nightshift backup list`), or mend the vault from its own copy."
            )
        return kept

    def names(self) -> list[str]:
        """Return the names of all backups, the oldest first."""
        return sorted(name.removesuffix(".json") for name in (self.place / "backups").names() if name.endswith(".json"))

    def read(self, name: str = LATEST) -> Manifest:
        """Return a backup's manifest; `latest` is the newest one's.

        Raises:
            UsageError: There is no such backup.
            BackupDamaged: It cannot be read.
        """
        names = self.names()
        if name == LATEST and names:
            name = names[-1]
        text = (self.place / f"backups/{name}.json").read_text() if name in names else None
        if text is None:
            there = ", ".join(names[-5:]) or "none"
            raise UsageError(f"there is no backup {name!r} in {self.place}; there are: {there}.{nearest(name, names)}")
        return read_manifest(text, name)

    def write(self, manifest: Manifest) -> None:
        """Write a manifest: from now on the backup exists."""
        (self.place / f"backups/{manifest.name}.json").write_text(manifest.to_json())

    def remove(self, name: str) -> None:
        """Forget a backup; its objects stay."""
        (self.place / f"backups/{name}.json").delete()

    def new_name(self, at: float) -> str:
        """Return a name that no backup has, made of a time; names are in the order of their times."""
        name = datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H-%M-%SZ")
        taken = set(self.names())
        return next(each for each in (name, *(f"{name}-{number}" for number in range(2, 1000))) if each not in taken)
