"""Leaving: does the monitoring go on?"""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding, BindingType

from monitor.link import messages as ms
from monitor.link import requests as rq
from monitor.tui.live import home
from monitor.tui.screens.dialog import Dialog
from monitor.tui.widgets.panel import Line

STOP_WAIT_S = 3.0


class QuitScreen(Dialog[None]):
    """``k`` leaves and the monitoring goes on, ``e`` ends it, Escape stays; Enter is ``k``.

    The same on every screen of a monitor, whichever command opened it.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("k", "keep", show=False),
        Binding("e", "end", show=False),
        Binding("enter", "keep", show=False),
        Binding("ctrl+c,ctrl+q,q", "close", show=False),
    ]
    heading = "LEAVE THE SCREEN"

    def __init__(self) -> None:
        super().__init__()
        self._asked_at: float | None = None

    def lines(self) -> list[Line]:
        """The choices; what Enter does is marked."""
        app = home(self)
        if self._asked_at is not None:
            return [[], [("ending the monitoring, waiting for the core", "plain")], []]
        silent = app.state.silent(app.now())
        out: list[Line] = [[]]
        if silent:
            out += [[("The core does not respond: nobody may be listening.", "high")], []]
        keep = ("k", "leave, the monitoring and its alarms go on")
        end = ("e", "end the monitoring, and leave")
        choices = [keep] if app.read_only else [keep, end]
        for number, (key, text) in enumerate(choices):
            enter = "  (enter)" if number == 0 else ""
            out.append([(f"{key}  ", "strong"), (text + enter, "plain")])
        out += [[("esc  ", "strong"), ("stay", "plain")], []]
        return out

    def action_keep(self) -> None:
        """Only this screen goes."""
        self.app.exit(0)

    def action_end(self) -> None:
        """Ask the core to end; the screen goes when it has said so, or does not answer."""
        app = home(self)
        if self._asked_at is not None or app.read_only:
            return
        session = app.state.shown()
        silent = app.state.silent(app.now())
        name = session.id if session else ""
        request = rq.Stop(session=name)
        if silent or not app.send(request, self._answered):
            self.app.exit(0)
            return
        self._asked_at = app.now()
        self.advance()

    def _answered(self, reply: ms.Reply | None) -> None:
        if reply is None or reply.ok:
            self.app.exit(0)
            return
        home(self).say(f"the monitoring goes on: {reply.error}", "medium")
        self.dismiss(None)

    def advance(self) -> None:
        """Leave when the core has gone, too."""
        app = home(self)
        if self._asked_at is not None and (
            app.state.bye is not None or app.now() - self._asked_at > STOP_WAIT_S
        ):
            self.app.exit(0)
            return
        super().advance()
