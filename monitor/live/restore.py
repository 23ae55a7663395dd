"""What a core that goes on with a session takes from the record: trend, beats, gaps, counts."""

from __future__ import annotations

from monitor import events as ev
from monitor.analysis.verdict import Thresholds, VerdictTracker
from monitor.config.load import Verdict
from monitor.live.session import Before
from monitor.record.store import Archive
from monitor.view.state import BEATS_KEPT, ScreenHistory

_LINES_A_SECOND = 6
"""Lines of the store for a second of sound, at the most: beats, windows, vitals."""


def before_of(archive: Archive, session: str, settings: Verdict) -> Before:
    """Read it.

    Parameters
    ----------
    settings
        Of the verdict: p of the trend is that of its windows.
    """
    history = ScreenHistory()
    windows = VerdictTracker(settings, Thresholds(0.0, 1.0))
    for _, event in archive.events(session, ("window", "vitals")):
        if isinstance(event, ev.Window) and event.used and event.p is not None:
            windows.window(event.start, event.p)
        elif isinstance(event, ev.Vitals):
            history.point(event.index, event.rate, windows.verdict(event.index).p)
    gaps = lost = 0
    for _, event in archive.events(session, ("gap", "mark")):
        history.event(event)
        if isinstance(event, ev.Gap):
            gaps += 1
            lost += event.length
    last = archive.last(session)[0]
    recent = archive.events(session, ("beat",), last - BEATS_KEPT * _LINES_A_SECOND)
    for _, event in recent:
        history.event(event)
    history.before = gaps, lost
    return Before(history, archive.counts(session))
