"""Prometheus metrics as text on the loopback: counters and gauges, no label of a person.

Format: https://prometheus.io/docs/instrumenting/exposition_formats/ (text, 0.0.4). Beds are told
apart by their number on this machine.
"""

from __future__ import annotations

import contextlib
import http.server
import socket
import socketserver
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

from monitor.errors import UsageError
from monitor.integrations.table import Table

CONTENT = "text/plain; version=0.0.4; charset=utf-8"
REQUEST_S = 2.0
"""Longest wait for a byte."""

WHOLE_S = 10.0
"""Longest request; then its reader is let go, however often it says a byte."""

READERS = 8
_refreshing = threading.Lock()
_HOSTS = {"127.0.0.1", "localhost", "[::1]"}


class MetricsServer:
    """Answers ``GET /metrics`` on 127.0.0.1.

    Parameters
    ----------
    refresh
        Called before each answer, to bring the table up to date.

    Raises
    ------
    UsageError
        If the port is taken.
    """

    def __init__(self, port: int, table: Table, refresh: Callable[[], None]) -> None:
        class Handler(_Handler):
            pass

        Handler.table, Handler.refresh = table, staticmethod(refresh)
        try:
            self._server = _Server(("127.0.0.1", port), Handler)
        except OSError as error:
            raise UsageError(
                f"setting outward.metrics_port: {port}: {(error.strerror or str(error)).lower()}"
            ) from None
        self.port: int = self._server.server_address[1]
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.2,), name="metrics", daemon=True
        )

    def start(self) -> None:
        """Begin to answer."""
        self._thread.start()

    def close(self) -> None:
        if self._thread.is_alive():
            self._server.shutdown()
            self._thread.join(2.0)
        self._server.server_close()


class _Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
    """A slow reader holds up no other, and no shutdown; beyond `READERS` it is turned away."""

    daemon_threads = True
    block_on_close = False

    def __init__(self, address: tuple[str, int], handler: type[_Handler]) -> None:
        self._room = threading.BoundedSemaphore(READERS)
        self._since: dict[socket.socket, float] = {}
        super().__init__(address, handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        """Answer on a thread, if there is room."""
        if not self._room.acquire(blocking=False):
            self.shutdown_request(request)
            return
        try:
            super().process_request(request, client_address)
        except (RuntimeError, MemoryError):
            self._room.release()
            self.shutdown_request(request)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Answer, and make room."""
        self._since[request] = time.monotonic()
        try:
            super().process_request_thread(request, client_address)
        finally:
            del self._since[request]
            self._room.release()

    def service_actions(self) -> None:
        """Let go whoever takes too long; called between two requests."""
        now_s = time.monotonic()
        for request, since_s in list(self._since.items()):
            if now_s - since_s > WHOLE_S:
                with contextlib.suppress(OSError):
                    request.shutdown(socket.SHUT_RDWR)

    def server_bind(self) -> None:
        """Bind without asking a name server who we are."""
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = "localhost", self.server_address[1]

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that breaks off is not an error of ours."""


class _Handler(http.server.BaseHTTPRequestHandler):
    table: Table
    refresh: Callable[[], None]
    timeout = REQUEST_S
    server_version, sys_version = "apexbeat", ""

    def do_GET(self) -> None:
        # A page in a browser may reach the loopback under a name of its own: not under ours.
        host = self.headers.get("Host", "localhost").rpartition(":")
        if (host[0] or host[2]) not in _HOSTS:
            self.send_error(403)
        elif self.path.split("?")[0] != "/metrics":
            self.send_error(404)
        else:
            with _refreshing:
                type(self).refresh()
                body = self.table.text().encode()
            self.send_response(200)
            for name, value in _headers(len(body)).items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


def _headers(length: int) -> Mapping[str, str]:
    return {"Content-Type": CONTENT, "Content-Length": str(length), "Connection": "close"}
