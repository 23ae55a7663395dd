"""The core's end of the link: any number of clients, none of which can delay the core.

One thread accepts, reads and sends without ever waiting for a client. The owner's callbacks run
on that thread and must return at once; `broadcast` and `send` may be called from any thread.

    Attach arrives      → on_message(client, Attach); the owner answers with `admit`
    Request arrives     → on_message(client, Request); the owner answers with `send(Reply)`
    client leaves       → on_gone(client)
"""

from __future__ import annotations

import contextlib
import selectors
import socket
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

from monitor.clock import Clock
from monitor.link import address as where
from monitor.link.frames import Decoder, LinkError, encode
from monitor.link.messages import Attach, Bye, FromCore, FromScreen, Heartbeat, Wave
from monitor.link.queue import SendQueue

HEARTBEAT_S = 0.5
ATTACH_S = 5.0
"""A connection that has not attached by then is closed."""

ACCEPT_AGAIN_S = 0.02
"""Pause after a connection that could not be taken: it stays in the queue and asks again."""

CLIENTS = 32
"""More are turned away."""

REQUEST_LIMIT = 2**20
"""Longest frame that a client may send, bytes."""

READ_BYTES = 16_384
"""Taken from one client in one turn."""

BURST = 100
"""Messages that a client may send at once."""

PER_S = 40.0
"""Messages that it may send in a second after that; the rest waits in its socket."""


class _Client:
    def __init__(self, number: int, peer: socket.socket, now_s: float) -> None:
        self.number, self.peer, self.since_s = number, peer, now_s
        self.decoder: Decoder[FromScreen] = Decoder(FromScreen, REQUEST_LIMIT)
        self.queue = SendQueue()
        self.rest = b""  # of the frame that is being sent
        self.admitted = False
        self.waves = False
        self.attached = False
        self.lost = False
        self.writing = False
        self.allowed = float(BURST)  # messages that it may send now
        self.allowed_s = now_s
        self.muted = False
        self.mask = selectors.EVENT_READ  # what the selector waits for

    def may_speak(self, now_s: float) -> bool:
        """Whether more messages are taken from it now; what it has left grows with time."""
        self.allowed = min(BURST, self.allowed + PER_S * (now_s - self.allowed_s))
        self.allowed_s = now_s
        return self.allowed >= 1.0


class Server:
    """Listens at ``address`` until closed.

    Parameters
    ----------
    address
        UNIX socket to make.
    on_message, on_gone
        Called on the server's thread.
    beat
        The number that the next heartbeat carries: counts the work done, so that a client sees
        whether the core is alive and not only its link.
    """

    def __init__(
        self,
        address: Path,
        on_message: Callable[[int, FromScreen], None],
        on_gone: Callable[[int], None],
        beat: Callable[[], int],
        clock: Clock,
    ) -> None:
        self.address = address
        self._on_message, self._on_gone, self._beat = on_message, on_gone, beat
        self._clock = clock
        self._beat_s = clock.monotonic()
        self._socket = where.listen(address)
        self._socket.setblocking(False)
        self._lock = threading.Lock()
        self._clients: dict[int, _Client] = {}
        self._count = 0
        self._over = self._ending = False
        self._again: socket.socket | None = None
        self._wake_in, self._wake_out = socket.socketpair()
        self._wake_in.setblocking(False)
        self._wake_out.setblocking(False)
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._socket, selectors.EVENT_READ, None)
        self._selector.register(self._wake_in, selectors.EVENT_READ, None)
        self._thread = threading.Thread(target=self._run, name="link", daemon=True)
        self._thread.start()

    # ------------------------------------------------------------ any thread

    def broadcast(self, message: FromCore) -> None:
        """Send to every admitted client."""
        frame = encode(message)
        wave = isinstance(message, Wave)
        with self._lock:
            for client in self._clients.values():
                if client.admitted and (client.waves or not wave):
                    client.lost |= not client.queue.put(message, frame)
        self._wake()

    def send(self, number: int, message: FromCore) -> None:
        """Send to one client, if it is still there."""
        frame = encode(message)
        with self._lock:
            client = self._clients.get(number)
            if client is not None:
                client.lost |= not client.queue.put(message, frame)
        self._wake()

    def admit(self, number: int, first: Sequence[FromCore], waves: bool) -> None:
        """Send ``first``, then everything that is broadcast from now on."""
        frames = [(message, encode(message)) for message in first]
        with self._lock:
            client = self._clients.get(number)
            if client is None:
                return
            for message, frame in frames:
                client.lost |= not client.queue.put(message, frame)
            client.admitted, client.waves = True, waves
        self._wake()

    def listen_again(self) -> None:
        """Make the socket anew where it was, after somebody deleted it; clients stay.

        Raises
        ------
        OSError, RecordError
            If it cannot be made.
        """
        self._again = where.listen(self.address)
        self._wake()

    def ending(self) -> None:
        """Say with each heartbeat that somebody asked for the end."""
        self._ending = True

    def close(self, reason: str, wait_s: float = 1.0, asked: bool = True) -> None:
        """Say goodbye, send what can be sent, stop listening."""
        self.broadcast(Bye(reason=reason, asked=asked))
        self._over = True
        self._wake()
        self._thread.join(wait_s)
        self.address.unlink(missing_ok=True)

    # ------------------------------------------------------------ the link's thread

    def _wake(self) -> None:
        with contextlib.suppress(BlockingIOError, OSError):  # full: it will wake anyway
            self._wake_out.send(b"\0")

    def _run(self) -> None:
        while not self._over:
            for key, mask in self._selector.select(HEARTBEAT_S / 2):
                if key.fileobj is self._socket:
                    self._accept()
                elif key.fileobj is self._wake_in:
                    with contextlib.suppress(BlockingIOError):
                        self._wake_in.recv(65536)
                else:
                    self._serve(key.data, mask)
            if self._again is not None:
                self._change_socket(self._again)
            self._heartbeat()
            self._flush()
        self._flush()
        for client in list(self._clients.values()):
            self._drop(client)
        self._selector.close()
        for end in (self._socket, self._wake_in, self._wake_out):
            end.close()

    def _change_socket(self, listening: socket.socket) -> None:
        self._again = None
        self._selector.unregister(self._socket)
        self._socket.close()
        self._socket = listening
        self._socket.setblocking(False)
        self._selector.register(self._socket, selectors.EVENT_READ, None)

    def _accept(self) -> None:
        try:
            peer, _ = self._socket.accept()
        except BlockingIOError:
            return
        except OSError:  # it left before we came, or there is no descriptor for it
            self._clock.sleep(ACCEPT_AGAIN_S)
            return
        if len(self._clients) >= CLIENTS or not where.same_user(peer):
            peer.close()
            return
        peer.setblocking(False)
        self._count += 1
        client = _Client(self._count, peer, self._clock.monotonic())
        with self._lock:
            self._clients[client.number] = client
        self._selector.register(peer, selectors.EVENT_READ, client)

    def _serve(self, client: _Client, mask: int) -> None:
        alive = not mask & selectors.EVENT_READ or self._read(client)
        if alive and mask & selectors.EVENT_WRITE:
            alive = self._write(client)
        if not alive:
            self._drop(client)

    def _read(self, client: _Client) -> bool:
        """Read what is there; False if the client is gone or speaks nonsense."""
        if not client.may_speak(self._clock.monotonic()):
            self._watch(client)
            return True
        try:
            data = client.peer.recv(READ_BYTES)
        except BlockingIOError:
            return True
        except OSError:
            return False
        if not data:
            return False
        try:
            for message in client.decoder.feed(data):
                if isinstance(message, Attach) == client.attached:
                    return False  # first an Attach, and only one
                client.attached = True
                client.allowed -= 1.0
                self._on_message(client.number, message)
        except LinkError:
            return False
        return True

    def _write(self, client: _Client) -> bool:
        """Send until the socket is full; False if the client is gone."""
        while True:
            if not client.rest:
                with self._lock:
                    client.rest = client.queue.take() or b""
            if not client.rest:
                self._watch_writing(client, False)
                return True
            try:
                sent = client.peer.send(client.rest)
            except BlockingIOError:
                self._watch_writing(client, True)
                return True
            except OSError:
                return False
            client.rest = client.rest[sent:]

    def _watch_writing(self, client: _Client, wanted: bool) -> None:
        if client.writing != wanted:
            client.writing = wanted
            self._watch(client)

    def _watch(self, client: _Client) -> None:
        """Wait for what is wanted of a client; one that said too much is not listened to."""
        mask = selectors.EVENT_WRITE if client.writing else 0
        client.muted = client.allowed < 1.0
        if not client.muted:
            mask |= selectors.EVENT_READ
        if client.mask == mask:
            return
        if not mask:
            self._selector.unregister(client.peer)
        elif not client.mask:
            self._selector.register(client.peer, mask, client)
        else:
            self._selector.modify(client.peer, mask, client)
        client.mask = mask

    def _flush(self) -> None:
        now_s = self._clock.monotonic()
        for client in list(self._clients.values()):
            if client.muted and client.may_speak(now_s):
                self._watch(client)
            late = not client.attached and now_s - client.since_s > ATTACH_S
            if client.lost or late or (not client.writing and not self._write(client)):
                self._drop(client)

    def _heartbeat(self) -> None:
        now_s = self._clock.monotonic()
        if now_s - self._beat_s >= HEARTBEAT_S:
            self._beat_s = now_s
            message = Heartbeat(beat=self._beat(), ending=self._ending)
            frame = encode(message)
            with self._lock:
                for client in self._clients.values():
                    if client.admitted:
                        client.queue.put(message, frame)

    def _drop(self, client: _Client) -> None:
        with self._lock:
            known = self._clients.pop(client.number, None)
        if known is None:
            return
        if client.mask:
            self._selector.unregister(client.peer)
        client.peer.close()
        self._on_gone(client.number)
