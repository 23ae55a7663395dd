"""The screen as one browser's process: ``python -m monitor.tui.web ADDRESS [--control]``.

`monitor.web` starts it, with Textual's driver for browsers. Without ``--control`` it is read-only.
"""

from __future__ import annotations

import sys
from pathlib import Path

from monitor.tui.app import ApexbeatApp
from monitor.tui.connection import Connection
from monitor.tui.widgets import theme
from monitor.tui.widgets.glyphs import UNICODE

BEAT_S = 0.5


class WebApp(ApexbeatApp):
    """Says that its loop goes round, so that the page can tell when it does not."""

    def on_mount(self) -> None:
        """Beat; Textual calls the handler of the base class by itself."""
        self.set_interval(BEAT_S, self._beat)

    def _beat(self) -> None:
        write = getattr(self._driver, "write_meta", None)
        if write is not None:
            write({"type": "beat"})


def main(arguments: list[str]) -> int:
    """Show the core at an address."""
    control = "--control" in arguments
    app = WebApp(
        Connection(Path(arguments[0]), "browser"),
        read_only=not control,
        glyphs=UNICODE,
        theme_name=theme.preferred(),
    )
    try:
        code = app.run()
    except BrokenPipeError:  # the server is gone
        return 1
    return code or 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
