"""A screen's state after a scene, and its lines as plain text."""

from __future__ import annotations

from scene import Scene

from monitor.link import messages as ms
from monitor.tui.state import ScreenState
from monitor.tui.widgets import panel


def heard(played: Scene, now: float = 1000.0, at_s: float = 760.0) -> ScreenState:
    state = ScreenState()
    state.receive(
        ms.Hello(link=ms.LINK_VERSION, software="0", pid=1, sessions=[played.session]), now
    )
    state.receive(played.snapshot(at_s), now)
    return state


def plain(line: panel.Line) -> str:
    return "".join(text for text, _ in line)
