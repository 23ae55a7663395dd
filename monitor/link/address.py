"""Where a core listens, and who may come in: the same user on the same machine.

A UNIX socket (0600, in a folder 0700) whose name is made from the path of the store. The folder
depends on the environment of the core, so the core writes the address into its store, and whoever
knows the store finds it there (`address_of`).

    place_of(store)          where a core of this store should listen (the core asks)
    note(store, address)     write it into the store
    address_of(store)        where the core of this store listens (everybody else asks)
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import socket
import stat
import struct
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from monitor.errors import RecordError, UsageError
from monitor.system.private_file import open_private, words_of

CONNECT_S = 2.0

NOTE = "core.address"
"""File beside the lock of a store that names the socket of its core."""

LONGEST = 107 if sys.platform == "linux" else 103
"""Longest path of a UNIX socket, bytes."""


def runtime_folder() -> Path:
    """The folder of sockets, 0700 and ours; made if need be.

    Raises
    ------
    UsageError
        If none can be used.
    """
    troubles = []
    for folder in _folders():
        try:
            _ours(folder)
        except OSError as error:
            troubles.append(f"{folder}: {words_of(error)}")
            continue
        return folder
    raise UsageError(troubles[-1], "set XDG_RUNTIME_DIR to a short path of your own")


def place_of(store: Path) -> Path:
    """Where a core of ``store`` should listen.

    Raises
    ------
    UsageError
        If there is no folder for its socket.
    """
    return runtime_folder() / _name(store)


def note(store: Path, address: Path) -> None:
    """Write into ``store`` where its core listens, for whoever has another environment.

    Raises
    ------
    OSError
        If it cannot be written.
    """
    handle = open_private(store / NOTE, os.O_RDWR | os.O_CREAT)
    with os.fdopen(handle, "r+", encoding="utf-8") as file:
        text = f"{address}\n"
        if file.read(4096) != text:
            file.seek(0)
            file.write(text)
            file.truncate()


def address_of(store: Path) -> Path:
    """The socket of the core that keeps ``store``: as the core wrote it, or as it would be here."""
    with contextlib.suppress(OSError, UnicodeDecodeError):
        handle = open_private(store / NOTE, os.O_RDONLY)
        with os.fdopen(handle, encoding="utf-8") as file:
            text = file.read(4096).strip()
        known = Path(text)
        mine = (store / NOTE).stat().st_uid == os.getuid()
        if mine and known.is_absolute() and known.name == _name(store) and known.exists():
            return known
    return place_of(store)


def _name(store: Path) -> str:
    return hashlib.sha256(os.fsencode(store.resolve())).hexdigest()[:16] + ".sock"


def _folders() -> Iterator[Path]:
    """Folders for sockets, best first; only those in which a name is short enough."""
    given = os.environ.get("XDG_RUNTIME_DIR")
    wanted = []
    if given and os.access(given, os.W_OK):
        wanted.append(Path(given) / "apexbeat")
    roots = dict.fromkeys([tempfile.gettempdir(), "/tmp", "/var/tmp"])
    wanted += [Path(root) / f"apexbeat-{os.getuid()}" for root in roots]
    room = LONGEST - len(f"/{'0' * 16}.sock")
    yield from (folder for folder in wanted if len(os.fsencode(folder.absolute())) <= room)


def _ours(folder: Path) -> None:
    """Make a folder, or see that it is ours and nobody else's.

    Raises
    ------
    OSError
        If it cannot be made or belongs to another user.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid():
        raise PermissionError(errno.EACCES, "belongs to another user", str(folder))
    if found.st_mode & 0o077:
        folder.chmod(0o700)


def listen(address: Path) -> socket.socket:
    """A listening socket; a socket file that nobody answers is taken over.

    Raises
    ------
    RecordError
        If a process still listens there: a second core never takes the place of a living one.
    OSError
        If it cannot be made.
    """
    if answers(address):
        raise RecordError(
            f"{address}: another monitor of this store listens there", "use 'apexbeat attach'"
        )
    _ours(address.parent)
    address.unlink(missing_ok=True)
    server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    before = os.umask(0o177)
    try:
        server.bind(str(address))
        server.listen(16)
    except OSError:
        server.close()
        raise
    finally:
        os.umask(before)
    return server


def answers(address: Path) -> bool:
    """Whether a process listens at ``address``, even one that is stopped."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as peer:
        peer.setblocking(False)
        try:
            peer.connect(str(address))
        except BlockingIOError:
            return True  # its queue of callers is full
        except OSError:
            return False
    return True


def connect(address: Path) -> socket.socket:
    """A connection to the core at ``address``.

    Raises
    ------
    OSError
        If nobody listens there.
    PermissionError
        If it belongs to another user.
    """
    client = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    client.settimeout(CONNECT_S)
    try:
        client.connect(str(address))
        if not same_user(client):
            raise PermissionError(f"{address}: another user listens there")
    except OSError:
        client.close()
        raise
    return client


def same_user(peer: socket.socket) -> bool:
    """Whether the process at the other end of a UNIX socket runs as our user."""
    if not hasattr(socket, "SO_PEERCRED"):
        return True  # the folder's 0700 and the socket's 0600 keep others out
    size = struct.calcsize("3i")
    _, uid, _ = struct.unpack("3i", peer.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, size))
    return bool(uid == os.getuid())
