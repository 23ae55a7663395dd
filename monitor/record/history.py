"""The alarms of a stored session, put together from its transitions and what people did later.

``log``, ``log shift``, the report and a core that goes on with a session all ask here, so that
none of them counts differently.
"""

from __future__ import annotations

from dataclasses import replace

import msgspec

from monitor import events as ev
from monitor.alarms.episodes import Episode, Episodes
from monitor.record.store import Archive, SessionRow


class _Asked(msgspec.Struct):
    """The one part of a request that counts here."""

    alarm: str | None = None


def fold(archive: Archive, session: str) -> Episodes:
    """The occurrences of a session as its transitions tell them."""
    walls = archive.walls(session)
    folded = Episodes()
    for number, event in archive.events(session, ("alarm",)):
        if isinstance(event, ev.Alarm):
            folded.take(event, walls.get(number))
    return folded


def alarms_of(archive: Archive, row: SessionRow) -> list[Episode]:
    """All occurrences of a session in order; answers given after its end count too."""
    found = fold(archive, row.id).all()
    if row.ended is None:
        return found
    for command in archive.commands(row.id):
        if command.kind != "acknowledge" or command.wall <= row.ended:
            continue
        try:
            kind = msgspec.json.decode(command.body, type=_Asked).alarm
        except msgspec.MsgspecError:
            continue  # a damaged row: the alarm stays open, which a person will see
        found = [
            replace(one, acknowledged=command.index, acknowledged_wall=command.wall)
            if one.to_acknowledge and kind in (None, one.kind)
            else one
            for one in found
        ]
    return found
