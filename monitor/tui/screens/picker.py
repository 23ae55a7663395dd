"""Choose a further device to monitor, by its level: tap a stethoscope and see which bar moves."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding, BindingType

from monitor.link import requests as rq
from monitor.tui import devices, words
from monitor.tui.live import home
from monitor.tui.screens.dialog import Dialog
from monitor.tui.screens.entry import EntryScreen
from monitor.tui.widgets.panel import Line

STALE_S = 3.0
WIDE = 90


class PickerScreen(Dialog[str]):
    """Gives what the core is to add: an identity, or what was written."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down,j", "move(1)", show=False),
        Binding("up,k", "move(-1)", show=False),
        Binding("enter", "take", show=False),
        Binding("n", "name", show=False),
        Binding("q", "close", show=False),
    ]
    heading = "ADD A DEVICE"

    def __init__(self) -> None:
        super().__init__()
        self._chosen: str | None = None

    def on_mount(self) -> None:
        """Ask the core to listen to its devices while this is open."""
        self._levels(True)
        self.advance()

    def on_unmount(self) -> None:
        """Let them be."""
        self._levels(False)

    def _levels(self, on: bool) -> None:
        app = home(self)
        app.state.levels = None
        session = app.state.shown()
        name = session.id if session is not None else ""
        app.send(rq.WatchLevels(session=name, on=on), lambda reply: None)

    def _names(self) -> list[str]:
        told = home(self).state.levels
        return [] if told is None else [level.identity for level in told.devices]

    def lines(self) -> list[Line]:
        """Devices with their levels."""
        app = home(self)
        told = app.state.levels
        if told is None or app.now() - app.state.levels_at > STALE_S:
            return [[("listening to the devices of the core's machine", "plain")]]
        if told.trouble or not told.devices:
            return [[(told.trouble or "no input device is there; plug one in", "medium")]]
        self._chosen = devices.moved(self._names(), self._chosen, 0)
        width = max(40, min(WIDE, self.app.size.width - 8))
        out = devices.rows(told.devices, self._chosen, width, app.glyphs)
        message, ink = app.message()
        return [
            *out,
            [],
            [(words.cut(message or "Tap the stethoscope: its bar moves.", width), ink)],
        ]

    def foot(self) -> str:
        return "up down choose · enter add · n by name · esc close"

    def action_move(self, step: int) -> None:
        """The next one."""
        self._chosen = devices.moved(self._names(), self._chosen, step)
        self.advance()

    def action_take(self) -> None:
        told = home(self).state.levels
        chosen = (
            next((d for d in told.devices if d.identity == self._chosen), None) if told else None
        )
        if chosen is None:
            return
        if chosen.trouble == "is monitored":
            home(self).say(f"{chosen.name} is monitored already", "medium")
            return
        self.dismiss(chosen.identity)

    def action_name(self) -> None:
        """By hand, for one that is not there yet."""
        self.app.push_screen(
            EntryScreen("ADD A DEVICE", "Name, id or pattern, as in `apexbeat devices`."),
            self._named,
        )

    def _named(self, text: str | None) -> None:
        if text:
            self.dismiss(text)
