"""Rows of the store, made for tests."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from monitor import events as ev
from monitor.config.load import Settings
from monitor.record.store import SessionRow, Store


def a_session(id: str = "s1", **fields: object) -> SessionRow:
    values: dict[str, object] = {
        "id": id, "name": "phantom", "device": "phantom", "source": "phantom",
        "rate_hz": 4000, "channels": 1, "software": "apexbeat 0", "models": "{}",
        "settings": "{}", "folder": None, "started": 1000.0, "ended": None,
        "ended_index": None, "ended_how": None, "board": None, "label": None, **fields,
    }  # fmt: skip
    return SessionRow(**values)  # type: ignore[arg-type]


def put_session(
    store: Store, id: str, lines: Iterable[ev.Event], how: str = "ended", **fields: object
) -> None:
    """Record the lines of an event file as a live session does."""
    first, *body, end = lines
    assert isinstance(first, ev.Session)
    known = {
        "name": first.name, "rate_hz": 2000, "software": first.software,
        "models": msgspec.json.encode(first.models).decode(),
        "settings": msgspec.json.encode(Settings()).decode(),
    }  # fmt: skip
    store.begin(a_session(id, **(known | fields)))
    store.events(id, 0, body)
    store.end(id, end.index, how)


def an_alarm(index: int, state: ev.AlarmState = "active") -> ev.Alarm:
    return ev.Alarm(
        index=index, kind="tachycardia", priority="medium", state=state, evidence="130/min"
    )
