"""CORE NOT RESPONDING: said by the screen itself, in the place of the numbers."""

from __future__ import annotations

from monitor.tui import words
from monitor.tui.state import ScreenState
from monitor.tui.widgets.panel import Line


def lines(state: ScreenState, now: float, width: int, height: int) -> list[Line]:
    """What is wrong, since when, and what is being done."""
    since = words.age(state.silent_s(now))
    if state.core is None:
        head = "NO CORE YET" if not state.connected else "CORE NOT RESPONDING"
        what = f"waiting for {since}"
    elif state.bye is not None:
        head, what = "MONITORING HAS ENDED", state.bye or "the core ended in order"
    else:
        head, what = "CORE NOT RESPONDING", f"nothing heard for {since}; no number is shown"
    if state.connected:
        doing = "connected, waiting for it to speak"
    else:
        doing = f"connecting again ({state.attempts}): {state.trouble}"
    if state.core is None:
        advice = "`apexbeat live` starts a core; this screen keeps trying."
    elif state.bye is not None:
        advice = "The alarm log below is as last heard. q leaves."
    else:
        advice = "Look at the patient. The alarm log is as last heard."
    rows = ((head, "on-high"), (what, "plain"), (doing, "plain"), (advice, "strong"))
    out: list[Line] = [
        [(f"  {words.cut(text, width - 2)}".ljust(width), ink)] for text, ink in rows
    ]
    return [[]] * max(0, (height - len(out)) // 2) + out
