"""What ``apexbeat log purge`` does: deletes sessions, or what is too old, and tells how much."""

from __future__ import annotations

import contextlib
import sqlite3
import time
from collections.abc import Sequence
from pathlib import Path

import click

from monitor.config.load import Record
from monitor.errors import NoInputError, RecordError, UsageError
from monitor.record.lock import StoreLock
from monitor.record.retention import (
    DAY_S,
    Forget,
    begun_before,
    expired,
    forget_folders,
    forget_sound,
)
from monitor.record.schema import FILE, open_store
from monitor.record.store import Archive
from monitor.text import harmless


def run_purge(
    store: Path, settings: Record, names: Sequence[str], everything: bool, yes: bool
) -> int:
    """Delete; the exit code.

    Raises
    ------
    ApexbeatError
        If there is nothing of that name, a monitor runs, or the disk refuses.
    """
    if names and everything:
        raise UsageError("name sessions or use --all, not both")
    with contextlib.closing(Archive(store)) as archive:
        sessions = _named(archive, names)
        if everything:
            sessions = [row.id for row in archive.sessions()]
    lock = StoreLock(store)
    try:
        with contextlib.closing(open_store(store).connection) as db:
            now = time.time()
            forget = Forget(sessions)
            if not names and not everything:
                before = now - settings.event_days * DAY_S
                old = expired(db, before)
                forget = Forget(old, begun_before(db, before), before)
                sessions = old
            if sessions and not yes:
                click.confirm(
                    f"Delete {len(sessions)} session(s) with sound and clips, for good?",
                    abort=True,
                    err=True,
                )
            _delete(store, db, forget, now, settings.sound_days)
    except (OSError, sqlite3.Error) as error:
        words = error.strerror if isinstance(error, OSError) else str(error)
        raise RecordError(f"{store}: {words}", "what was deleted is gone; try again") from None
    finally:
        lock.release()
    return 0


def _named(archive: Archive, names: Sequence[str]) -> list[str]:
    found = []
    for name in names:
        row = archive.session(name)
        if row is None:
            raise NoInputError(
                f"there is no one session {harmless(name)}", "'apexbeat log --sessions' lists them"
            )
        found.append(row.id)
    return found


def _delete(store: Path, db: sqlite3.Connection, forget: Forget, now: float, days: int) -> None:
    while forget(db):
        pass
    forget_folders(store, forget.sessions)
    files = forget_sound(store, days, set(), now)
    if forget.lines or forget.sessions:
        db.execute("VACUUM")  # what was deleted is in no free page of the file either
    db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    size = (store / FILE).stat().st_size / 2**20
    click.echo(
        f"deleted: {len(forget.sessions)} sessions, {forget.lines} lines, {files} files of sound; "
        f"{size:.1f} MB left in the store"
    )
