"""One core per store: a lock that dies with its process."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from monitor.errors import RecordError

NAME = "core.lock"


class StoreLock:
    """Held from construction until `release` or the end of the process.

    Parameters
    ----------
    folder
        Of the store; must exist.

    Raises
    ------
    RecordError
        If another core holds it; names its pid.
    """

    def __init__(self, folder: Path) -> None:
        path = folder / NAME
        try:
            self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise RecordError(f"{path}: {(error.strerror or str(error)).lower()}") from None
        if not try_lock(self._file):
            holder = os.read(self._file, 32).decode("ascii", "replace").strip() or "unknown"
            os.close(self._file)
            raise RecordError(
                f"{folder}: another monitor (process {holder}) is using this store",
                "use 'apexbeat attach', or --store with another folder",
            )
        os.ftruncate(self._file, 0)
        os.lseek(self._file, 0, os.SEEK_SET)
        os.write(self._file, f"{os.getpid()}\n".encode())

    def release(self) -> None:
        """Let another core have the store."""
        os.close(self._file)


def try_lock(handle: int) -> bool:
    """Lock an open file against other processes; False if one holds it."""
    try:
        if sys.platform == "win32":
            import msvcrt

            os.lseek(handle, 1024, os.SEEK_SET)
            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
