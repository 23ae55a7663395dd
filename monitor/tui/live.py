"""What every screen of the app has: redrawing with the frames, and the app with its own type."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from textual.dom import DOMNode

    from monitor.tui.app import ApexbeatApp


class Live:
    """A screen that is redrawn with the frames."""

    def advance(self) -> None:
        """Bring it to what may be shown now."""


def home(node: DOMNode) -> ApexbeatApp:
    """The app that ``node`` is part of."""
    return cast("ApexbeatApp", node.app)
