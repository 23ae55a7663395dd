"""Where a core listens, and who may come in: the same user on the same machine.

A UNIX socket (0600, in a folder 0700) whose name is made from the path of the store, so that
whoever knows the store finds its core. Where there are no UNIX sockets, a loopback port whose
number and secret stand in a file that only the user can read.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import secrets
import socket
import stat
import struct
import sys
import tempfile
from pathlib import Path

from monitor.errors import UsageError

HAS_UNIX = hasattr(socket, "AF_UNIX") and sys.platform != "win32"
SECRET_BYTES = 32
CONNECT_S = 2.0


def runtime_folder() -> Path:
    """The folder of sockets, 0700 and ours; made if need be.

    Raises
    ------
    UsageError
        If somebody else owns it.
    """
    given = os.environ.get("XDG_RUNTIME_DIR")
    if given and os.access(given, os.W_OK):
        folder = Path(given) / "apexbeat"
    else:
        folder = Path(tempfile.gettempdir()) / f"apexbeat-{_user()}"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if HAS_UNIX:
        found = folder.lstat()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid():
            raise UsageError(f"{folder}: belongs to another user", "set XDG_RUNTIME_DIR")
        if found.st_mode & 0o077:
            folder.chmod(0o700)
    return folder


def address_of(store: Path) -> Path:
    """The socket of the core that keeps ``store``."""
    name = hashlib.sha256(str(store.absolute()).encode()).hexdigest()[:16]
    return runtime_folder() / f"{name}.sock"


def listen(address: Path) -> tuple[socket.socket, bytes]:
    """A listening socket, and the secret that clients must send ("" on UNIX sockets).

    A socket file that nobody answers is taken over; the lock of the store keeps a second core
    away.
    """
    address.unlink(missing_ok=True)
    if HAS_UNIX:
        server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        before = os.umask(0o177)
        try:
            server.bind(str(address))
        finally:
            os.umask(before)
        server.listen(16)
        return server, b""
    server = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    server.bind(("127.0.0.1", 0))
    server.listen(16)
    secret = secrets.token_bytes(SECRET_BYTES)
    note = {"port": server.getsockname()[1], "secret": secret.hex()}
    handle = os.open(address, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        json.dump(note, file)
    return server, secret


def connect(address: Path) -> socket.socket:
    """A connection to the core at ``address``.

    Raises
    ------
    OSError
        If nobody listens there.
    PermissionError
        If it belongs to another user.
    """
    if HAS_UNIX:
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
    try:
        note = json.loads(address.read_text(encoding="utf-8"))
        port, secret = int(note["port"]), bytes.fromhex(note["secret"])
    except (ValueError, KeyError, TypeError) as error:
        raise ConnectionRefusedError(f"{address}: no address in it ({error})") from None
    client = socket.create_connection(("127.0.0.1", port), timeout=CONNECT_S)
    client.sendall(secret)
    return client


def same_user(peer: socket.socket) -> bool:
    """Whether the process at the other end of a UNIX socket runs as our user."""
    if not hasattr(socket, "SO_PEERCRED"):
        return True  # the folder's 0700 and the socket's 0600 keep others out
    size = struct.calcsize("3i")
    _, uid, _ = struct.unpack("3i", peer.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, size))
    return bool(uid == os.getuid())


def same_secret(given: bytes, secret: bytes) -> bool:
    """Compare in constant time."""
    return hmac.compare_digest(given, secret)


def _user() -> str:
    return str(os.getuid()) if HAS_UNIX else os.environ.get("USERNAME", "user")
