"""What a user calls a session: an event file, or the id of one in the store."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from pathlib import Path

from monitor.errors import NoInputError
from monitor.record.export.model import Record, from_event_file
from monitor.sessionfolder import format as ff
from monitor.text import clean


def open_session(
    session: str, sound: Path | None, start: datetime | None, store: Path | None = None
) -> Record:
    """Read a session.

    Parameters
    ----------
    session
        Path of an event file or of a session folder, or else the id of a session in the store
        (its begin is enough; ``last`` is the newest).
    sound
        Its sound, None without.
    start
        Wall time of index 0, None where it is unknown or the store knows it.
    store
        Folder of the store; None has none.

    Raises
    ------
    NoInputError
        If there is no such file or session.
    InputError
        If it is no event file.
    """
    path = Path(session)
    if path.is_file():
        record = from_event_file(path)
    elif (path / ff.INFO).is_file():
        record = replace(from_event_file(path / ff.EVENTS), sound=path)
    elif store is None or "/" in session or path.suffix:
        raise NoInputError(
            f"there is no event file {clean(session, 200)}",
            "give a .jsonl file, or the id of a session in the store",
        )
    else:
        from monitor.record.export.stored import from_store

        record = from_store(store, session)
    if sound is not None:
        record = replace(record, sound=sound)
    return record if start is None else record.begun(start)
