"""A session of the store as a Record: what `from_event_file` is for files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec

from monitor import events as ev
from monitor.config.load import scalar
from monitor.errors import NoInputError
from monitor.record.clips import FOLDER as CLIPS
from monitor.record.export.model import Anchor, Record, cleaned, record_of
from monitor.record.history import alarms_of
from monitor.record.store import Archive, SessionRow
from monitor.sessionfolder import format as ff
from monitor.text import clean

DECIDING = ("analysis", "verdict", "alarms")
"""Sections of the settings that decide about events; others hold folders and devices."""

PRIVATE = ("analysis.model",)
"""Keys of these that are paths."""


def from_store(folder: Path, name: str) -> Record:
    """Read one session of the store in ``folder``.

    Parameters
    ----------
    name
        The session's id, or how it begins; ``last`` is the newest.

    Raises
    ------
    NoInputError
        If there is no store, or no one session of that name.
    InputError
        If its events are not in order.
    """
    with Archive(folder) as archive:
        row = archive.session(name)
        if row is None:
            raise NoInputError(
                f"no single session in the store matches {clean(name, 80)}",
                "'apexbeat log' lists them",
            )
        lines = [event for _, event in archive.events(row.id)]
        anchors = tuple(Anchor(one.index, one.wall) for one in archive.anchors(row.id))
        history = tuple(cleaned(one) for one in alarms_of(archive, row))
    lines = [line for line in lines if not isinstance(line, (ev.Session, ev.End))]
    record = record_of([_session(row), *lines, *_end(row, lines)], f"session {row.id}")
    kept = None if row.folder is None else Path(row.folder)
    if kept is not None and not (kept / ff.SOUND).is_dir():
        kept = None  # deleted when its days were over
    clips = folder / CLIPS / row.id
    return replace(
        record,
        anchors=anchors or (Anchor(0, row.started),),
        sound=kept,
        clips=clips if clips.is_dir() else None,
        history=history,
        attended=row.source != "replay",
    )


def _session(row: SessionRow) -> ev.Session:
    models: Any = msgspec.json.decode(row.models)
    settings: Any = msgspec.json.decode(row.settings)
    return ev.Session(
        index=0,
        schema=ev.SCHEMA_VERSION,
        software=row.software,
        models={str(key): str(value) for key, value in models.items()},
        settings=_flat(settings),
        name=row.name,
        rate=row.rate_hz,
        channels=row.channels,
    )


def _flat(settings: Mapping[str, Any]) -> dict[str, str | int | float | bool | None]:
    """Settings that decide about events, as the event file has them: dotted, no path."""
    kept: dict[str, str | int | float | bool | None] = {}
    for key, value in settings.items():
        if isinstance(value, dict):
            kept.update({f"{key}.{n}": scalar(v) for n, v in value.items() if key in DECIDING})
        elif key.partition(".")[0] in DECIDING:
            kept[key] = scalar(value)
    return {key: value for key, value in kept.items() if key not in PRIVATE}


def _end(row: SessionRow, lines: list[ev.Event]) -> list[ev.End]:
    """The last line, where the session has ended in order."""
    if row.ended_index is None:
        return []
    counts: dict[str, int] = {}
    for line in lines:
        tag = str(line.__struct_config__.tag)
        counts[tag] = counts.get(tag, 0) + 1
    last = max([row.ended_index, *(line.index for line in lines[-1:])])
    return [ev.End(index=last, counts=counts, complete=row.ended_how != "broke off")]
