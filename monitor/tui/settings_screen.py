"""Limits of the heart-rate alarms, changed for the running session."""

from __future__ import annotations

from itertools import pairwise
from typing import ClassVar

from textual.binding import Binding, BindingType

from monitor.tui import words
from monitor.tui.dialog import Dialog
from monitor.tui.entry import EntryScreen
from monitor.tui.live import home
from monitor.tui.panel import Line
from monitor.tui.state import SessionState

LIMITS = (
    ("tachycardia_extreme", "very fast, high", "above"),
    ("tachycardia", "fast, medium", "above"),
    ("bradycardia", "slow, medium", "below"),
    ("bradycardia_extreme", "very slow, high", "below"),
)
LEAST, MOST = 20.0, 250.0


def in_force(session: SessionState, name: str) -> float | None:
    """A limit as the core told it, None where it has not."""
    told = session.status.limits if session.status is not None else {}
    value = told.get(name, session.settings.get(f"alarms.{name}"))
    return float(value) if isinstance(value, int | float) else None


def wrong(values: dict[str, float | None]) -> str:
    """Why these limits cannot be, empty where they can."""
    order = ["bradycardia_extreme", "bradycardia", "tachycardia", "tachycardia_extreme"]
    known = [(name, values[name]) for name in order if values.get(name) is not None]
    for name, value in known:
        if value is not None and not LEAST <= value <= MOST:
            return f"{words.kind(name)}: {value:.0f} is not within {LEAST:.0f} to {MOST:.0f} /min"
    for (low, a), (high, b) in pairwise(known):
        if a is not None and b is not None and a >= b:
            return f"{words.kind(low)} ({a:.0f}) must lie below {words.kind(high)} ({b:.0f})"
    return ""


class SettingsScreen(Dialog[None]):
    """Keys 1 to 4 change a limit."""

    BINDINGS: ClassVar[list[BindingType]] = [
        *(Binding(str(n + 1), f"change({n})", show=False) for n in range(len(LIMITS))),
        Binding("s,q", "close", show=False),
    ]
    heading = "LIMITS OF THIS SESSION"

    def lines(self) -> list[Line]:
        """The limits, each with its effect."""
        session = home(self).state.shown()
        if session is None:
            return [[("no session yet", "plain")]]
        out: list[Line] = []
        for number, (name, effect, side) in enumerate(LIMITS):
            value = words.number(in_force(session, name))
            out.append(
                [
                    (f"{number + 1}  ", "strong"),
                    (f"{side} {value:>4} /min  ", "plain"),
                    (f"alarm: {effect}", "dim"),
                ]
            )
        out += [
            [],
            [("They hold for this session; the configuration stays as it is.", "dim")],
        ]
        message, ink = home(self).message()
        out.append([(message, ink)])
        return out

    def foot(self) -> str:
        """Keys."""
        return "1-4 change · esc close"

    def action_change(self, number: int) -> None:
        """Ask for a limit."""
        session = home(self).state.shown()
        if session is None or not home(self).may_change():
            return
        name, effect, side = LIMITS[number]
        before = in_force(session, name)
        self.app.push_screen(
            EntryScreen(
                words.kind(name).upper(),
                f"Raise the alarm ({effect}) {side} this rate, 1/min:",
                value="" if before is None else f"{before:.0f}",
                longest=5,
            ),
            lambda text: self._take(name, text),
        )

    def _take(self, name: str, text: str | None) -> None:
        app = home(self)
        session = app.state.shown()
        if not text or session is None:
            return
        try:
            value = float(text)
        except ValueError:
            app.say(f"{text} is no number; the limit stays", "medium")
            return
        values = {n: in_force(session, n) for n, _, _ in LIMITS} | {name: value}
        trouble = wrong(values)
        if trouble:
            app.say(f"{trouble}; the limit stays", "medium")
            return
        app.ask(
            "limits",
            session,
            limits={name: value},
            done="limit changed",
            after=lambda: session.settings.update({name: value, f"alarms.{name}": value}),
        )
