"""The values of the metrics, and their text.

Format: https://prometheus.io/docs/instrumenting/exposition_formats/ (text, 0.0.4).
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

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
