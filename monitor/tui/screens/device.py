"""The device: what it is, how it does, and how to monitor one more."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding, BindingType

from monitor.link import messages as ms
from monitor.link import requests as rq
from monitor.tui import words
from monitor.tui.live import home
from monitor.tui.screens.dialog import Dialog
from monitor.tui.widgets.panel import Line


def facts(status: ms.Status) -> list[tuple[str, str]]:
    """Name and value of everything known of the device."""
    drift = "--" if status.drift_ppm is None else f"{status.drift_ppm:+.0f} ppm"
    level = "--" if status.level_db is None else f"{status.level_db:.0f} dB full scale"
    health = status.health + (f": {status.health_reason}" if status.health_reason else "")
    return [
        ("device", status.device),
        ("source", status.source),
        ("format", f"{status.rate_hz} Hz, {status.channels} ch"),
        ("health", health),
        ("reconnected", f"{status.reconnects} times"),
        ("level", level),
        ("clipped", f"{status.clipped} samples in the last half second"),
        ("gaps", f"{status.gaps}, {status.lost_s:.1f} s of sound lost"),
        ("clock", f"{drift} against this machine"),
        ("delay", f"{status.delay_s:.1f} s by design, {status.behind_s:.1f} s behind"),
        ("record", "kept" if status.recording else "sound not kept, events are"),
        ("session", status.session),
    ]


class DeviceScreen(Dialog[None]):
    """Live facts; ``n`` adds a device as a further session."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("n", "add", show=False),
        Binding("d,q", "close", show=False),
    ]
    heading = "DEVICE"

    def lines(self) -> list[Line]:
        """The facts of the session on the screen."""
        session = home(self).state.shown()
        if session is None or session.status is None:
            return [[("no device yet: waiting for the core", "plain")]]
        width = max(30, self.app.size.width - 24)
        return [
            [(f"{name:>10}  ", "dim"), (words.cut(value, width), "plain")]
            for name, value in facts(session.status)
        ]

    def foot(self) -> str:
        return "esc close" if home(self).read_only else "n add a device · esc close"

    def action_add(self) -> None:
        if home(self).may_change():
            from monitor.tui.screens.picker import PickerScreen

            self.app.push_screen(PickerScreen(), self._add)

    def _add(self, device: str | None) -> None:
        app = home(self)
        session = app.state.shown()
        if device and session is not None:
            app.ask(
                rq.AddDevice(session=session.id, device=device), done=f"{device} is monitored too"
            )
            self.dismiss(None)
