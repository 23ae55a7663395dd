"""What a user calls a session: an event file, or the id of one in the store."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from pathlib import Path

from monitor.errors import NoInputError
from monitor.record.export.model import Record, from_event_file
from monitor.text import clean


def open_session(session: str, sound: Path | None, start: datetime | None) -> Record:
    """Read a session.

    Parameters
    ----------
    session
        Path of an event file.
    sound
        Its sound, None without.
    start
        Wall time of index 0, None where unknown.

    Raises
    ------
    NoInputError
        If there is no such file or session.
    InputError
        If it is no event file.
    """
    path = Path(session)
    if not path.is_file():
        raise NoInputError(
            f"there is no event file {clean(session, 200)}", "give a .jsonl file of a replay"
        )
    record = from_event_file(path)
    if sound is not None:
        record = replace(record, sound=sound)
    return record if start is None else record.begun(start)
