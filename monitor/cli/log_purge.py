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
from monitor.record.clips import FOLDER as CLIPS
from monitor.record.evidence import evidence
from monitor.record.opening import open_store
from monitor.record.retention import (
    DAY_S,
    Forget,
    begun_before,
    expired,
    forget_folders,
    forget_sound,
)
from monitor.record.schema import FILE
from monitor.record.store import Archive
from monitor.record.wall_clock import CONFIRMED, clock_doubt, last_sign
from monitor.system.store_lock import StoreLock
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
    with Archive(store) as archive:
        sessions = _named(archive, names)
        if everything:
            sessions = [row.id for row in archive.sessions()]
    lock = StoreLock(store)
    try:
        with contextlib.closing(open_store(store).connection) as db:
            now = time.time()
            forget = Forget(sessions)
            kept: set[tuple[str, int]] = set()
            if not names and not everything:
                _believe_clock(db, now, yes)
                before = now - settings.event_days * DAY_S
                old = expired(db, before)
                kept = evidence(store, old)
                forget = Forget(old, begun_before(db, before), before)
                sessions = old
            if sessions and not yes:
                click.confirm(
                    f"Delete {len(sessions)} session(s) with sound and clips, for good?",
                    abort=True,
                    err=True,
                )
            orphans = [path.name for path in (store / CLIPS).glob("*")] if everything else []
            while forget(db):
                pass
            forget_folders(store, [*forget.sessions, *orphans], kept)
            files = 0
            if clock_doubt(db, now, last_sign(db, now)) is None:
                files = forget_sound(store, settings.sound_days, evidence(store), now)
            _report(store, db, forget, files)
    except (OSError, sqlite3.Error) as error:
        words = error.strerror if isinstance(error, OSError) else str(error)
        raise RecordError(f"{store}: {words}", "what was deleted is gone; try again") from None
    finally:
        lock.release()
    return 0


def _believe_clock(db: sqlite3.Connection, now: float, yes: bool) -> None:
    """Ask a person whether a clock that is far beyond the last record is right; keep the answer."""
    good = clock_doubt(db, now, last_sign(db, now))
    if good is None:
        return
    says, last = (time.strftime("%Y-%m-%d", time.localtime(wall)) for wall in (now, good))
    words = f"the clock says {says}, the last record is of {last}"
    if yes:
        click.echo(f"apexbeat: {words}; taken for right, since you said --yes", err=True)
    else:
        click.confirm(f"{words[0].upper()}{words[1:]}. Is it right?", abort=True, err=True)
    sql = "INSERT INTO commands VALUES ('', 0, ?, 'purge', ?, ?, NULL)"
    db.execute(sql, (now, CONFIRMED, str(now)))


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


def _report(store: Path, db: sqlite3.Connection, forget: Forget, files: int) -> None:
    """Give the room back, and tell what is gone."""
    if forget.lines or forget.sessions:
        db.execute("VACUUM")  # what was deleted is in no free page of the file either
    db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    size = (store / FILE).stat().st_size / 2**20
    click.echo(
        f"deleted: {len(forget.sessions)} sessions, {forget.lines} lines, {files} files of sound; "
        f"{size:.1f} MB left in the store"
    )
