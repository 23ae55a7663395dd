"""Prometheus metrics as text on the loopback: counters and gauges, no label of a person.

Format: https://prometheus.io/docs/instrumenting/exposition_formats/ (text, 0.0.4). Beds are told
apart by their number on this machine.
"""

from __future__ import annotations

import http.server
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from monitor.errors import UsageError

CONTENT = "text/plain; version=0.0.4; charset=utf-8"
REQUEST_S = 2.0
_HOSTS = {"127.0.0.1", "localhost", "[::1]"}

HELP: dict[str, tuple[str, str]] = {
    "up": ("gauge", "1 while this process reports."),
    "heart_rate_per_minute": ("gauge", "Heart rate; absent where it is not known."),
    "signal_good": ("gauge", "1 where the signal is good, else 0."),
    "source_alive": ("gauge", "1 while sound comes."),
    "can_record": ("gauge", "1 while the record is written."),
    "behind_seconds": ("gauge", "How late the analysis is."),
    "samples_total": ("counter", "Samples analysed, 2 kHz, lost ones included."),
    "lost_seconds_total": ("counter", "Sound that was lost."),
    "gaps_total": ("counter", "Stretches of lost sound."),
    "events_total": ("counter", "Lines of the record, by type."),
    "alarms_total": ("counter", "Alarms raised, by kind and priority."),
    "alarms_open": ("gauge", "Alarms that are raised and not acknowledged, by priority."),
    "outward_waiting": ("gauge", "Messages that wait for the broker."),
    "outward_connected": ("gauge", "1 while the broker is there."),
    "outward_sent_total": ("counter", "Messages that the broker has confirmed."),
    "outward_dropped_total": ("counter", "Messages given up, by what they were."),
    "outward_calls_total": ("counter", "Calls for alarms, by way and result."),
}
"""Name without ``apexbeat_`` → type and meaning."""

Labels = tuple[tuple[str, str], ...]


@dataclass
class Table:
    """Values by name and labels; any thread."""

    _values: dict[tuple[str, Labels], float] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, name: str, amount: float = 1.0, **labels: str) -> None:
        """Raise a counter."""
        key = name, tuple(sorted(labels.items()))
        with self._lock:
            self._values[key] = self._values.get(key, 0.0) + amount

    def set(self, name: str, value: float | None, **labels: str) -> None:
        """Set a value; None takes it away."""
        key = name, tuple(sorted(labels.items()))
        with self._lock:
            if value is None:
                self._values.pop(key, None)
            else:
                self._values[key] = value

    def text(self) -> str:
        """All values in the format of Prometheus."""
        with self._lock:
            values = dict(self._values)
        lines: list[str] = []
        for name, (kind, words) in HELP.items():
            rows = sorted((labels, v) for (n, labels), v in values.items() if n == name)
            if rows:
                lines += [f"# HELP apexbeat_{name} {words}", f"# TYPE apexbeat_{name} {kind}"]
                lines += [
                    f"apexbeat_{name}{_labels(labels)} {value:.10g}" for labels, value in rows
                ]
        return "\n".join(lines) + "\n"


def _labels(labels: Labels) -> str:
    if not labels:
        return ""
    escaped = (
        (k, v.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")) for k, v in labels
    )
    return "{" + ",".join(f'{k}="{v}"' for k, v in escaped) + "}"


class MetricsServer:
    """Answers ``GET /metrics`` on 127.0.0.1.

    Parameters
    ----------
    port
        To listen on.
    table
        What is shown.
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
        """End."""
        if self._thread.is_alive():
            self._server.shutdown()
            self._thread.join(2.0)
        self._server.server_close()


class _Server(http.server.HTTPServer):
    allow_reuse_address = True

    def server_bind(self) -> None:
        """Bind without asking a name server who we are."""
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()
        self.server_name, self.server_port = "localhost", self.server_address[1]

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that breaks off is not an error of ours."""


class _Handler(http.server.BaseHTTPRequestHandler):
    table: Table
    refresh: Callable[[], None]
    timeout = REQUEST_S
    server_version, sys_version = "apexbeat", ""

    def do_GET(self) -> None:
        """Answer."""
        # A page in a browser may reach the loopback under a name of its own: not under ours.
        host = self.headers.get("Host", "localhost").rpartition(":")
        if (host[0] or host[2]) not in _HOSTS:
            self.send_error(403)
        elif self.path.split("?")[0] != "/metrics":
            self.send_error(404)
        else:
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
