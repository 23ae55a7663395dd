"""Files in a folder that is ours, opened without following links.

What keeps a store (lock, database, log, address) is opened by these: a link in its place, a
device, a FIFO, or a folder of somebody else is refused in one line, whoever put it there.
"""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

from monitor.errors import RecordError

NO_FOLLOW = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0)


def check_folder(folder: Path) -> None:
    """See that ``folder`` belongs to us and that not everybody may write in it.

    Raises
    ------
    RecordError
        If it does not, or cannot be looked at.
    """
    try:
        found = folder.stat()
    except OSError as error:
        raise RecordError(f"{folder}: {words_of(error)}", "choose another --store") from None
    if not stat.S_ISDIR(found.st_mode):
        raise RecordError(f"{folder}: is not a folder", "choose another --store")
    if not hasattr(os, "getuid"):
        return
    if found.st_uid != os.getuid():
        raise RecordError(f"{folder}: belongs to another user", "choose another --store")
    if found.st_mode & stat.S_IWOTH:
        raise RecordError(f"{folder}: everybody may write in it", f"chmod 700 {folder}")


def open_private(path: Path, flags: int = os.O_RDWR | os.O_CREAT) -> int:
    """Open a regular file, 0600 if it is made; return its descriptor.

    Raises
    ------
    OSError
        If it is a link, no regular file, or cannot be opened.
    """
    # Without O_NONBLOCK a FIFO in its place would be waited for.
    handle = os.open(path, flags | NO_FOLLOW | getattr(os, "O_NONBLOCK", 0), 0o600)
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise OSError(errno.EINVAL, "not a regular file", str(path))
    return handle


def words_of(error: OSError) -> str:
    """What went wrong, in lower case; a link is called so."""
    if error.errno == errno.ELOOP:
        return "is a link, or behind too many of them"
    return (error.strerror or str(error)).lower()


def same_file(path: Path, handle: int) -> bool:
    """Whether ``path`` still names the open file ``handle``."""
    try:
        found, ours = os.stat(path, follow_symlinks=False), os.fstat(handle)
    except OSError:
        return False
    return (found.st_dev, found.st_ino) == (ours.st_dev, ours.st_ino)
