"""One core and one supervisor per store: locks that die with their process.

Two locks, of which either would do: an advisory lock on a file in the store, and, on Linux, a
name without a file that belongs to the store's folder itself. The second one holds when somebody
deletes the file, the first one where the name cannot be seen (another network namespace).
"""

from __future__ import annotations

import contextlib
import errno
import os
import socket
import struct
import sys
from pathlib import Path

from monitor.errors import RecordError
from monitor.system.private_file import check_folder, open_private, same_file, words_of

CORE = "core.lock"
SUPERVISOR = "supervisor.lock"

_HELD = (errno.EWOULDBLOCK, errno.EACCES, errno.EAGAIN, errno.EDEADLK)


class StoreLock:
    """Held from construction until `release` or the end of the process.

    Parameters
    ----------
    folder
        Of the store; must exist.
    name
        `CORE` or `SUPERVISOR`.

    Raises
    ------
    RecordError
        If another process holds it (names its pid), the folder is not ours, or its file system
        has no locks.
    """

    def __init__(self, folder: Path, name: str = CORE) -> None:
        self._folder, self._path = folder, folder / name
        check_folder(folder)
        self._guard = _guard(folder, name)
        try:
            self._file = self._open()
        except BaseException:
            if self._guard is not None:
                self._guard.close()
            raise

    def renew(self) -> None:
        """Make the file again if somebody deleted or replaced it.

        Raises
        ------
        RecordError
            If it cannot be made, or another process holds the new one.
        """
        if self._guard is not None:
            with contextlib.suppress(OSError):  # those who asked who we are have left
                while True:
                    self._guard.accept()[0].close()
        if not same_file(self._path, self._file):
            held, self._file = self._file, self._open()
            os.close(held)

    def release(self) -> None:
        """Let another process have the store."""
        os.close(self._file)
        if self._guard is not None:
            self._guard.close()

    def _open(self) -> int:
        try:
            handle = open_private(self._path)
        except OSError as error:
            raise RecordError(
                f"{self._path}: {words_of(error)}", "choose another --store"
            ) from None
        try:
            if not try_lock(handle):
                raise _refusal(self._folder, self._path.name, _written(handle))
            os.ftruncate(handle, 0)
            os.pwrite(handle, f"{os.getpid()}\n".encode(), 0)
        except OSError as error:
            os.close(handle)
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                raise RecordError(f"{self._path}: {words_of(error)}", "make room") from None
            raise RecordError(
                f"{self._folder}: files cannot be locked there ({words_of(error)})",
                "choose a --store on another file system",
            ) from None
        except BaseException:
            os.close(handle)
            raise
        return handle


def holder(folder: Path, name: str = CORE) -> int | None:
    """Process that holds a lock of the store; None if nobody does, or it cannot be told."""
    known = _guard_holder(_guard_name(folder, name))
    if known:
        return known
    try:
        handle = open_private(folder / name, os.O_RDWR)
    except OSError:
        return None
    try:
        return None if try_lock(handle) else int(_written(handle))
    except (OSError, ValueError):
        return None
    finally:
        os.close(handle)


def try_lock(handle: int) -> bool:
    """Lock an open file against other processes; False if one holds it.

    Raises
    ------
    OSError
        If the file system has no locks.
    """
    try:
        if sys.platform == "win32":
            import msvcrt

            os.lseek(handle, 1024, os.SEEK_SET)
            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in _HELD:
            return False
        raise
    return True


def _written(handle: int) -> str:
    return os.pread(handle, 32, 0).decode("ascii", "replace").strip() or "unknown"


def _refusal(folder: Path, name: str, process: str | int) -> RecordError:
    who = "monitor" if name == CORE else "supervisor"
    return RecordError(
        f"{folder}: another {who} (process {process}) keeps this store",
        "use 'apexbeat attach', or --store with another folder",
    )


# ------------------------------------------------------------ the name without a file


def _guard_name(folder: Path, name: str) -> str:
    if sys.platform != "linux":
        return ""
    found = folder.stat()
    return f"\0apexbeat/{os.getuid()}/{name}/{found.st_dev:x}-{found.st_ino:x}"


def _guard(folder: Path, name: str) -> socket.socket | None:
    """Take the name of the folder; None where there are none, or a stranger took it."""
    address = _guard_name(folder, name)
    if not address:
        return None
    guard = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    guard.setblocking(False)
    try:
        guard.bind(address)
        guard.listen(64)
    except OSError as error:
        guard.close()
        owner = _guard_holder(address) if error.errno == errno.EADDRINUSE else None
        if owner is not None:
            raise _refusal(folder, name, owner or "unknown") from None
        return None
    return guard


def _guard_holder(address: str) -> int | None:
    """Process of ours that holds the name: 0 if it cannot be told, None if nobody or a stranger."""
    if not address:
        return None
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as peer:
        peer.setblocking(False)
        try:
            peer.connect(address)
        except BlockingIOError:
            return 0  # so many have asked that it has not let them all in yet
        except OSError:
            return None
        size = struct.calcsize("3i")
        raw = peer.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, size)
        pid, uid, _ = struct.unpack("3i", raw)
        return int(pid) if uid == os.getuid() else None
