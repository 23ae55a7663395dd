"""Rows of the store, made for tests."""

from __future__ import annotations

from monitor import events as ev
from monitor.record.store import SessionRow


def a_session(name: str = "s1", **fields: object) -> SessionRow:
    values: dict[str, object] = {
        "id": name, "name": "phantom", "device": "phantom", "source": "phantom",
        "rate_hz": 4000, "channels": 1, "software": "apexbeat 0", "models": "{}",
        "settings": "{}", "folder": None, "started": 1000.0, "ended": None,
        "ended_index": None, "ended_how": None, "board": None, "label": None, **fields,
    }  # fmt: skip
    return SessionRow(**values)  # type: ignore[arg-type]


def an_alarm(index: int, state: ev.AlarmState = "active") -> ev.Alarm:
    return ev.Alarm(
        index=index, kind="tachycardia", priority="medium", state=state, evidence="130/min"
    )
