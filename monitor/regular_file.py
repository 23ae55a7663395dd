"""Small files that a person names (settings, passwords, labels): read whole, within bounds.

A FIFO in place of one would be waited for, a device read without end: both are refused.
"""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

LARGEST = 2**20
"""Bytes of a file of settings, a password or a header."""


def check_regular(path: Path) -> None:
    """See that ``path`` is a plain file, or a link to one, without opening it.

    Raises
    ------
    OSError
        If it is not, or is not there.
    """
    mode = path.stat().st_mode
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    if not stat.S_ISREG(mode):
        raise OSError(errno.EINVAL, "not a regular file", str(path))


def read_regular(path: Path, largest: int = LARGEST) -> bytes:
    """Return the content of a plain file.

    Raises
    ------
    OSError
        If it is none, cannot be read, or is larger than ``largest`` bytes.
    """
    check_regular(path)
    # Without O_NONBLOCK a FIFO that took its place meanwhile would be waited for.
    handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    with os.fdopen(handle, "rb") as file:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise OSError(errno.EINVAL, "not a regular file", str(path))
        content = file.read(largest + 1)
    if len(content) > largest:
        raise OSError(errno.EFBIG, f"larger than {largest // 1024} KiB", str(path))
    return content
