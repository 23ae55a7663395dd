"""The last line: the keys, or for a few seconds what came of the last one."""

from __future__ import annotations

from textual import events

from monitor.tui.keys import REPLAY, Key, offered
from monitor.tui.widgets.panel import Line, Panel, width_of


def line(
    width: int, replay: bool = False, read_only: bool = False
) -> tuple[Line, list[tuple[int, int, str]]]:
    """Keys that fit, ``? help`` and ``q quit`` first, and where to click for each."""
    keys = list(REPLAY) if replay else [key for key in offered(read_only) if key.footer]
    kept = list(keys)
    order = ["settings", "device", "record", "log", "mark", "freeze", "pause audio", "acknowledge"]
    order += ["cycle", "alarm"]
    while _width(kept) > width and order:
        dropped = order.pop(0)
        kept = [key for key in kept if key.short != dropped]
    out: Line = []
    spots: list[tuple[int, int, str]] = []
    for key in kept:
        start = width_of(out)
        out += [(f" {key.shown}", "strong"), (f" {key.short} ", "dim")]
        spots.append((start, width_of(out), key.action))
    return out, spots


def _width(keys: list[Key]) -> int:
    return sum(len(f" {k.shown} {k.short} ") for k in keys)


class Footer(Panel):
    """Keys to read and to click."""

    _spots: list[tuple[int, int, str]] = []  # noqa: RUF012  replaced, never changed in place

    def update(self, message: str, ink: str, replay: bool = False, read_only: bool = False) -> None:
        """Show ``message``, or the keys where it is empty."""
        if message:
            self._spots = []
            self.show([[(f" {message}", ink)]])
            return
        keys, self._spots = line(self.size.width, replay, read_only)
        self.show([keys])

    async def on_click(self, event: events.Click) -> None:
        """A click on a key is the key."""
        for start, end, action in self._spots:
            if start <= event.x < end:
                await self.run_action(f"screen.{action}")
                return
