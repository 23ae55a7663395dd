"""What goes when its days are over: sound, clips, and the events of sessions.

    expired(db, before)         sessions that ended before a wall time
    Forget(sessions, before)    deletes them from a store, a slice at a time (a writer's chore)
    forget_sound(store, ...)    deletes sound and clips by age

A session goes whole, with its label and everything a person wrote, once it has been over for the
days of events; one that still runs loses what is older. Sound goes piece by piece.
"""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterable, Set
from pathlib import Path

from monitor.record.clips import FOLDER as CLIPS
from monitor.record.clips import QUOTA_BYTES, index_of
from monitor.record.clips import purge as purge_clips
from monitor.record.store import SAFE_ID
from monitor.sessionfolder import format as ff

SESSIONS = "sessions"
"""Folder of the session folders, in the store."""

DAY_S = 86_400.0
SLICE = 5000
"""Lines deleted in one transaction: some 50 ms, so that an alarm never waits long for it."""

_LAST_SIGN = """
SELECT id FROM sessions WHERE
  coalesce(ended, (SELECT max(wall) FROM anchors WHERE session = id), started) < ?
ORDER BY started
"""
"""A session that broke off has no end: its last anchor is its last sign."""

_CUT = "SELECT max(idx) FROM anchors WHERE session = ? AND wall < ?"


def expired(db: sqlite3.Connection, before: float) -> list[str]:
    """Sessions whose last sign is older than a wall time (s since 1970), oldest first."""
    return [str(row[0]) for row in db.execute(_LAST_SIGN, (before,))]


def begun_before(db: sqlite3.Connection, before: float) -> list[str]:
    """Sessions that began before a wall time and have not expired: they lose their old lines."""
    gone = set(expired(db, before))
    rows = db.execute("SELECT id FROM sessions WHERE started < ? ORDER BY started", (before,))
    return [str(row[0]) for row in rows if row[0] not in gone]


class Forget:
    """Deletes sessions, and the old lines of others; call until it returns False.

    Parameters
    ----------
    sessions
        To be deleted whole.
    shorten
        To lose what is older than ``before`` (wall time).

    Attributes
    ----------
    sessions
        Those deleted so far.
    lines
        Lines deleted so far.
    """

    def __init__(
        self, sessions: Iterable[str], shorten: Iterable[str] = (), before: float = 0.0
    ) -> None:
        self._whole = list(sessions)
        self._shorten = list(shorten)
        self._before = before
        self.sessions: list[str] = []
        self.lines = 0

    def __call__(self, db: sqlite3.Connection) -> bool:
        """Delete one slice in a transaction of its own; whether more is left."""
        if not self._whole and not self._shorten:
            return False
        db.execute("BEGIN IMMEDIATE")
        if self._whole:
            session = self._whole[0]
            if self._slice(db, session, None) < SLICE:
                for table in ("commands", "anchors", "runs"):
                    db.execute(f"DELETE FROM {table} WHERE session = ?", (session,))
                db.execute("DELETE FROM sessions WHERE id = ?", (session,))
                self.sessions.append(self._whole.pop(0))
        else:
            session = self._shorten[0]
            (cut,) = db.execute(_CUT, (session, self._before)).fetchone()
            if cut is None or self._slice(db, session, cut) < SLICE:
                if cut is not None:
                    for table in ("commands", "anchors"):  # the cut's own anchor stays
                        sql = f"DELETE FROM {table} WHERE session = ? AND idx < ?"
                        db.execute(sql, (session, cut))
                self._shorten.pop(0)
        db.execute("COMMIT")
        return bool(self._whole or self._shorten)

    def _slice(self, db: sqlite3.Connection, session: str, cut: int | None) -> int:
        """Delete the first lines of a session, those before an index if given."""
        some = "" if cut is None else " AND idx < ?"
        values = (session,) if cut is None else (session, cut)
        deleted = db.execute(
            f"DELETE FROM events WHERE session = ? AND seq IN (SELECT seq FROM events"
            f" WHERE session = ?{some} ORDER BY seq LIMIT {SLICE})",
            (session, *values),
        ).rowcount
        self.lines += deleted
        return int(deleted)


def forget_sound(
    store: Path, days: float, keep: set[tuple[str, int]], now: float, quota_bytes: int = QUOTA_BYTES
) -> int:
    """Delete sound of session folders, and clips, that is older than ``days``; how many files.

    Parameters
    ----------
    keep
        (session, index) of alarms whose clips stay.
    now
        Wall time (s since 1970).

    Raises
    ------
    OSError
        If something cannot be deleted.
    """
    deleted = len(purge_clips(store / CLIPS, days, quota_bytes, keep, now))
    emptied: set[Path] = set()
    for path in sorted((store / SESSIONS).glob(f"*/{ff.SOUND}/*")):
        if now - path.stat().st_mtime > days * DAY_S:
            path.unlink()
            deleted += 1
            emptied.add(path.parent)
    for folder in emptied:  # never one that is only new: its session is about to write there
        if not any(folder.iterdir()):
            folder.rmdir()
    return deleted


def forget_folders(
    store: Path, sessions: Iterable[str], keep: Set[tuple[str, int]] = frozenset()
) -> None:
    """Delete everything of these sessions that lies beside the store.

    Parameters
    ----------
    keep
        (session, index) of alarms whose clips stay.

    Raises
    ------
    OSError
        If something cannot be deleted.
    """
    for session in filter(SAFE_ID.fullmatch, sessions):  # no other name leads out of the store
        for folder in (store / SESSIONS).glob(f"{session}*"):
            if folder.name == session or folder.name.removeprefix(session)[1:].isdigit():
                shutil.rmtree(folder)
        clips = store / CLIPS / session
        for clip in clips.glob("*"):
            if (session, index_of(clip)) not in keep:
                clip.unlink()
        if clips.is_dir() and not any(clips.iterdir()):
            clips.rmdir()
