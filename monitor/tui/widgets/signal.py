"""How good the signal is and why, and since when there is none."""

from __future__ import annotations

from monitor.tui import words
from monitor.tui.state import SessionState
from monitor.tui.widgets.glyphs import Glyphs
from monitor.tui.widgets.panel import Line
from monitor.tui.widgets.verdict import wrap


def lines(
    session: SessionState | None, now: float, width: int, height: int, glyphs: Glyphs
) -> list[Line]:
    """The word, the reason, and level, clipping and age as far as there is room."""
    if session is None or session.status is None or not session.trusted(now):
        return _none(session, now, width, height, glyphs)
    status = session.status
    if session.ended():
        return [[], [(f"ENDED {glyphs.dash}", "dim")], [("no more sound comes", "plain")]]
    if status.quality is None:
        return [[(words.UNKNOWN, "dim")], [("not judged yet", "plain")]]
    good = status.quality == "good"
    heard = status.heart == "heard"
    word, fine = words.QUALITY[status.quality], good
    if good and not heard:  # the sound may be fine: the heart is what is looked for
        word, fine = words.HEART[status.heart], False
    out: list[Line] = [
        [(f"{word} {glyphs.tick if fine else glyphs.warn}", "good" if fine else "medium")]
    ]
    room = max(1, height - 2)
    reason_of = status.heart_reason if good and not heard else status.quality_reason
    if reason_of:
        reason = wrap(glyphs.plain(reason_of), width, room, glyphs.ellipsis)
        out += [[(row, "plain")] for row in reason]
    level = "--" if status.level_db is None else f"{status.level_db:.0f} dB"
    level = level.replace("-", glyphs.minus) if status.level_db is not None else level
    foot = f"level {level} {glyphs.sep} for {words.age(status.quality_s + session.age(now))}"
    if len(foot) > width:
        foot = f"for {words.age(status.quality_s + session.age(now))}"
    out.append([(words.cut(foot, width), "plain")])
    if height > 4:
        out.insert(0, [])
    return out


def _none(
    session: SessionState | None, now: float, width: int, height: int, glyphs: Glyphs
) -> list[Line]:
    out: list[Line] = [[]] if height > 4 else []
    if session is None or session.status is None:
        return [*out, [(words.UNKNOWN, "dim")], [("no sound yet", "plain")]]
    if not session.lost():
        late = f"no status for {words.age(session.age(now))}"
        return [*out, [(words.UNKNOWN, "dim")], [(words.cut(late, width), "plain")]]
    status = session.status
    out.append([(f"NO SIGNAL {glyphs.cross}", "high")])
    reason = status.health_reason or "no samples come"
    out += [
        [(row, "plain")]
        for row in wrap(glyphs.plain(reason), width, max(1, height - 2), glyphs.ellipsis)
    ]
    out.append([(f"since {session.time(status.index)}", "plain")])
    return out
