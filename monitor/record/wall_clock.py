"""Whether the wall clock can be believed: a wrong one must not delete what it takes for old.

A clock that is weeks beyond the last thing in a store may have been set wrongly, or nobody
monitored for weeks: only a person knows. What was found is kept in the store, since what a
session writes under a wrong clock would make it look right.
"""

from __future__ import annotations

import sqlite3

DAY_S = 86_400.0
ABSENCE_S = 14 * DAY_S
"""A wall clock that is so far beyond the last sign of the store may have been set wrongly."""

DOUBTED, CONFIRMED = "clock_doubted", "clock_confirmed"
"""Kinds of rows among the commands, of no session; the body of the first is the last good time."""

_SIGNS = """
SELECT max(wall) FROM (
    SELECT max(started) AS wall FROM sessions WHERE started <= :now
    UNION ALL SELECT max(ended) FROM sessions WHERE ended <= :now
    UNION ALL SELECT max(wall) FROM anchors WHERE wall <= :now
    UNION ALL SELECT max(wall) FROM runs WHERE wall <= :now
    UNION ALL SELECT max(wall) FROM commands WHERE kind = :confirmed AND wall <= :now
)
"""


def last_sign(db: sqlite3.Connection, now: float) -> float | None:
    """Wall time of the newest thing in the store that is not of the future; None without any."""
    found = db.execute(_SIGNS, {"now": now, "confirmed": CONFIRMED}).fetchone()[0]
    return None if found is None else float(found)


def was_doubted(db: sqlite3.Connection) -> float | None:
    """Last good time as it was when the clock was doubted; None if it was believed since."""
    sql = "SELECT kind, body FROM commands WHERE kind IN (?, ?) ORDER BY rowid DESC LIMIT 1"
    row = db.execute(sql, (DOUBTED, CONFIRMED)).fetchone()
    return float(row[1]) if row is not None and row[0] == DOUBTED else None


def clock_doubt(db: sqlite3.Connection, now: float, sign: float | None) -> float | None:
    """Last good time if the clock's ``now`` is too far beyond it to delete anything by; else None.

    Parameters
    ----------
    sign
        `last_sign` before this run wrote anything.
    """
    doubted = was_doubted(db)
    sign = sign if doubted is None else doubted
    return sign if sign is not None and now - sign > ABSENCE_S else None
