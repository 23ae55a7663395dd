"""Limits of the heart-rate alarms, changed for the running session, each with its effect."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding, BindingType

from monitor.config.profiles import PROFILES
from monitor.link import requests as rq
from monitor.tui import limits, words
from monitor.tui.limits import LIMITS, in_force
from monitor.tui.live import home
from monitor.tui.screens.dialog import Dialog
from monitor.tui.screens.entry import EntryScreen
from monitor.tui.widgets.panel import Line

RULER = 58
"""Columns of the scale."""


class SettingsScreen(Dialog[None]):
    """Keys 1 to 4 change a limit, ``p`` takes the next age profile, ``o`` switches an alarm off.

    ``k`` keeps limits and profile in the settings file.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        *(Binding(str(n + 1), f"change({n})", show=False) for n in range(len(LIMITS))),
        Binding("k", "keep", show=False),
        Binding("p", "profile", show=False),
        Binding("o", "off", show=False),
        Binding("s,q", "close", show=False),
    ]
    heading = "LIMITS OF THIS SESSION"

    def lines(self) -> list[Line]:
        """The limits, each with its effect."""
        session = home(self).state.shown()
        if session is None:
            return [[("no session yet", "plain")]]
        width = max(24, min(RULER, self.app.size.width - 10))
        out: list[Line] = limits.ruler(session, width, home(self).glyphs)
        status = session.status
        profile = status.profile if status is not None else words.UNKNOWN
        out += [[], [("p  ", "strong"), (f"profile {profile}", "plain")]]
        for number, (name, effect, side) in enumerate(LIMITS):
            value = in_force(session, name)
            so_far = "" if value is None else limits.effect(session, name, value)
            out.append(
                [
                    (f"{number + 1}  ", "strong"),
                    (f"{side} {words.number(value):>4} /min  ", "plain"),
                    (f"{effect:<16}", "plain"),
                    (words.cut(so_far, max(0, width - 34)), "dim"),
                ]
            )
        for kind, reason in (status.off if status is not None else {}).items():
            row = f"off: {words.kind(kind)}, {reason}"
            out.append([(words.cut(row, width), "medium")])
        if self.app.size.height >= 24:
            out += [[], *limits.others(session)]
        if not home(self).read_only:
            out += [[], [("They hold for this session, unless k keeps them.", "dim")]]
        message, ink = home(self).message()
        if message:
            out[-1] = [(words.cut(message, width), ink)]
        return out

    def foot(self) -> str:
        if home(self).read_only:
            return "this screen only shows · esc close"
        return "1-4 change · p profile · o alarm off · k keep · esc close"

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
                preview=lambda text: limits.try_out(session, name, text),
            ),
            lambda text: self._take(name, text),
        )

    def action_keep(self) -> None:
        """Write the limits in force into the settings file of the core."""
        app = home(self)
        session = app.state.shown()
        if session is None:
            return
        known = {name: in_force(session, name) for name, _, _ in LIMITS}
        kept: dict[str, str | int | float | bool]
        kept = {f"alarms.{name}": value for name, value in known.items() if value is not None}
        if session.status is not None:
            kept["alarms.profile"] = session.status.profile
        app.ask(rq.Remember(session=session.id, settings=kept), done="kept for next time")

    def action_profile(self) -> None:
        """Take the limits of the next age profile."""
        app = home(self)
        session = app.state.shown()
        if session is None or session.status is None:
            return
        names = tuple(PROFILES)
        now = session.status.profile
        following = names[(names.index(now) + 1) % len(names)] if now in names else names[0]
        request = rq.SetLimits(session=session.id, profile=following)
        app.ask(request, done=f"limits of profile {following}")

    def action_off(self) -> None:
        """Ask for an alarm and a reason."""
        if home(self).state.shown() is None or not home(self).may_change():
            return
        question = "KIND: REASON switches an alarm off, KIND alone switches it on again:"
        self.app.push_screen(EntryScreen("ALARM OFF", question, longest=200), self._switch)

    def _switch(self, text: str | None) -> None:
        app = home(self)
        session = app.state.shown()
        if not text or session is None:
            return
        kind, _, reason = (part.strip() for part in text.partition(":"))
        if kind not in words.KINDS:
            app.say(f"no alarm is called {kind}: {', '.join(words.KINDS)}", "medium")
            return
        done = f"{kind} off: {reason}" if reason else f"{kind} on"
        app.ask(rq.SwitchAlarm(session=session.id, alarm=kind, note=reason), done=done)

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
        trouble = limits.wrong(values)
        if trouble:
            app.say(f"{trouble}; the limit stays", "medium")
            return
        app.ask(
            rq.SetLimits(session=session.id, limits={name: value}),
            done="limit changed",
            after=lambda: session.settings.update({name: value, f"alarms.{name}": value}),
        )
