"""What ``apexbeat log label`` does: a label into the store, and nowhere else."""

from __future__ import annotations

import contextlib
from pathlib import Path

import click

from monitor.record.opening import open_store
from monitor.system.store_lock import StoreLock


def set_label(store: Path, session: str) -> int:
    """Read a label and write it; the exit code.

    Raises
    ------
    RecordError
        If a monitor runs on the store, or the disk refuses.
    """
    text = click.prompt(f"Label of {session}", default="", show_default=False, err=True)
    lock = StoreLock(store)
    try:
        with contextlib.closing(open_store(store).connection) as db:
            db.execute("UPDATE sessions SET label = ? WHERE id = ?", (text or None, session))
    finally:
        lock.release()
    return 0
