"""A folder without room: a tiny file system of its own."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from nightshift.drill.errors import DrillFailed

CLONE_NEWNS = 0x00020000
CLONE_NEWUSER = 0x10000000
MS_REC_PRIVATE = 0x4000 | 0x40000
ROOM_BYTES = 4096


@contextmanager
def full(folder: Path) -> Iterator[None]:
    """Let a folder have next to no room, for this process alone and until it ends.

    A tmpfs is mounted over it in a mount namespace of this process; a user namespace makes that possible without being
    root.

    Raises:
        DrillFailed: The kernel does not allow it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if not _mounted(folder):
        raise DrillFailed(
            "a full disk cannot be made here: expected Linux, and root or unprivileged user namespaces "
            f"(unshare, mount: {os.strerror(ctypes.get_errno())}). Run the drill on another machine, or leave it out."
        )
    yield


def _mounted(folder: Path) -> bool:
    library = ctypes.CDLL(None, use_errno=True)
    if not hasattr(library, "unshare"):
        return False
    user, group = os.geteuid(), os.getegid()
    flags = CLONE_NEWNS if user == 0 else CLONE_NEWNS | CLONE_NEWUSER
    if library.unshare(flags) != 0:
        return False
    if user != 0:
        Path("/proc/self/setgroups").write_text("deny")
        Path("/proc/self/uid_map").write_text(f"{user} {user} 1")
        Path("/proc/self/gid_map").write_text(f"{group} {group} 1")
    library.mount(None, b"/", None, MS_REC_PRIVATE, None)  # what we mount stays here
    return bool(library.mount(b"none", str(folder).encode(), b"tmpfs", 0, f"size={ROOM_BYTES}".encode()) == 0)
