"""What must not be deleted by age or quota: the sound of alarms that nobody has acknowledged.

Read from the lines of the store, so it does not depend on how many alarms came after. Takes a
look into the store: for threads that may wait.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from pathlib import Path

import msgspec

from monitor import events as ev
from monitor.alarms.episodes import Episode
from monitor.record.clips import FOLDER as CLIPS
from monitor.record.clips import index_of
from monitor.record.history import fold
from monitor.record.store import Archive


class _Acknowledged(msgspec.Struct):
    """The one part of a request that counts here."""

    alarm: str | None = None


def evidence(store: Path, sessions: Iterable[str] | None = None) -> set[tuple[str, int]]:
    """Return (session, index) of every time an alarm was raised that nobody acknowledged.

    Looks at some sessions, or at all. If at all, clips of deleted sessions count too: they were
    kept as evidence when their session expired.

    Raises
    ------
    NoInputError, sqlite3.Error
        If the store cannot be read; nothing may be deleted then.
    """
    found: set[tuple[str, int]] = set()
    with Archive(store) as archive:
        names = [row.id for row in archive.sessions()] if sessions is None else list(sessions)
        for name in names:
            answered = _answered_later(archive, name)
            for episode in fold(archive, name).all():
                if episode.acknowledged is None and not answered & {"", episode.kind}:
                    found.update((name, index) for index in _raisings(episode))
    if sessions is None:
        for path in (store / CLIPS).glob("*/*.flac"):
            if path.parent.name not in names:
                found.add((path.parent.name, index_of(path)))
    return found


def _raisings(episode: Episode) -> list[int]:
    """A clip is named by the index of the transition that made the alarm active."""
    return [
        line.index
        for line in episode.transitions
        if isinstance(line, ev.Alarm) and line.state == "active"
    ] or [episode.start]


def _answered_later(archive: Archive, session: str) -> set[str]:
    """Kinds acknowledged after the session was over ("" for all): no line of it tells of that."""
    kinds = set()
    for row in archive.commands(session):
        if row.kind == "acknowledge" and row.seq is None:
            with contextlib.suppress(msgspec.MsgspecError):
                kinds.add(msgspec.json.decode(row.body, type=_Acknowledged).alarm or "")
    return kinds
