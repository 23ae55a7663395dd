"""The first start: choose a device, hear yourself, place the stethoscope, self-test.

Runs before there is a core, in the terminal of ``apexbeat live``. It opens no device itself: a
program beside it says how loud each is. What was chosen stands in ``source`` afterwards.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import msgspec
from textual.app import ComposeResult
from textual.binding import Binding, BindingType

from monitor.errors import EXIT_INTERRUPTED
from monitor.link.messages import DeviceLevel
from monitor.tui import devices
from monitor.tui.base import TerminalApp
from monitor.tui.first_start import steps as first_steps
from monitor.tui.helpers import Program
from monitor.tui.widgets import theme
from monitor.tui.widgets.glyphs import UNICODE, Glyphs
from monitor.tui.widgets.panel import Line, Panel
from monitor.tui.widgets.scroll import Scroll

AGAIN_S = 1.0
NOTICE = "For research and teaching. Not a medical device."
KEYS = (
    "up down choose   enter take   r remember   q quit",
    "enter go on   s start now   esc back   q quit",
    "enter go on   s start now   esc back   q quit",
    "enter start   esc back   q quit",
)


_decode = msgspec.json.Decoder(list[DeviceLevel] | str).decode


class FirstApp(TerminalApp):
    """Leads to a source, or leaves without one.

    Parameters
    ----------
    meter
        Command that tells levels: one JSON list of `DeviceLevel` a line, or a string of trouble,
        until its standard input closes.
    selftest
        Command whose lines say ``ok`` or ``FAIL``.

    Attributes
    ----------
    source
        ``device:IDENTITY`` or ``phantom:NAME``, None where nothing was chosen.
    remember
        Whether the device is to be taken next time without asking.
    """

    CSS_PATH = "../apexbeat.tcss"
    TITLE = "apexbeat"
    ENABLE_COMMAND_PALETTE = False
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down,j", "move(1)", show=False),
        Binding("up,k", "move(-1)", show=False),
        Binding("enter", "take", show=False),
        Binding("s", "start", show=False),
        Binding("r", "remember", show=False),
        Binding("escape", "step_back", show=False),
        Binding("q,ctrl+c,ctrl+q", "leave_it", show=False, priority=True),
    ]

    def __init__(
        self,
        meter: Sequence[str],
        selftest: Sequence[str],
        *,
        glyphs: Glyphs = UNICODE,
        theme_name: str = theme.DARK.name,
    ) -> None:
        super().__init__(glyphs, theme_name)
        self.source: str | None = None
        self.remember = False
        self.step = 0
        self._commands = (list(meter), list(selftest))
        self._meter: Program | None = None
        self._test: Program | None = None
        self._levels: list[DeviceLevel] = []
        self._trouble = ""
        self._chosen: str | None = None
        self._ear = first_steps.Ear()
        self._tested: list[str] = []
        self._test_over = self._test_failed = False

    def compose(self) -> ComposeResult:
        """A line of steps, a page, and the keys."""
        yield Panel(self.glyphs, id="title")
        with Scroll(self.glyphs, id="first"):
            yield Panel(self.glyphs, id="page")
        yield Panel(self.glyphs, id="keys")

    def on_mount(self) -> None:
        self.screen.set_class(not self.glyphs.unicode, "ascii")
        self._listen()
        self.call_after_refresh(self.draw)

    def on_unmount(self) -> None:
        """The core needs the devices for itself."""
        for program in (self._meter, self._test):
            if program is not None:
                program.close()
        self._meter = None

    def _listen(self) -> None:
        if self.is_running:
            # PortAudio writes to standard error what it tries.
            meter = self._commands[0]
            self._meter = Program(meter, self.take_levels, self._deaf, errors=False)

    def _deaf(self, _code: int) -> None:
        """The meter ended; it is tried again."""
        self.set_timer(AGAIN_S, self._listen)

    def on_resize(self) -> None:
        """Draw it anew."""
        self.call_after_refresh(self.draw)

    def take_levels(self, line: str) -> None:
        """A line of the meter: levels, or one string of trouble."""
        try:
            told = _decode(line)
        except msgspec.DecodeError:
            told = f"the level meter is not understood: {line}"
        self._levels = [] if isinstance(told, str) else told
        self._trouble = told if isinstance(told, str) else ""
        level = self._level()
        if self.step == 1 and level is not None:
            self._ear.take(level)
        self.draw()

    def _level(self) -> DeviceLevel | None:
        return next((d for d in self._levels if d.identity == self._chosen), None)

    def _names(self) -> list[str]:
        return [d.identity for d in self._levels] + [name for name, _ in first_steps.PHANTOMS]

    def _phantom(self) -> bool:
        return self._chosen is not None and self._chosen.startswith("phantom:")

    def draw(self) -> None:
        """The page of this step."""
        if not self.is_running or not self.query("#page"):
            return
        width, glyphs = max(40, self.size.width - 6), self.glyphs
        if self.step == 0:
            self._chosen = self._default() if self._chosen is None else self._chosen
            page = first_steps.choose(self._levels, self._trouble, self._chosen, width, glyphs)
            page += [[], [(self._memory(), "dim")]]
        elif self.step == 1:
            page = first_steps.hear(self._level(), self._ear, width, glyphs)
        elif self.step == 2:
            page = first_steps.place(glyphs)
        else:
            page = first_steps.tested(
                self._tested, self._test_over, self._test_failed, width, glyphs
            )
        self.query_one("#title", Panel).show([first_steps.head(self.step, self.size.width, glyphs)])
        panel = self.query_one("#page", Panel)
        panel.styles.height = len(page)
        panel.show(page)
        box = self.query_one("#first")
        box.border_title = first_steps.STEPS[self.step]
        box.border_subtitle = NOTICE if width > len(NOTICE) else "Not a medical device."
        keys: Line = [(f" {KEYS[self.step]}", "dim")]
        self.query_one("#keys", Panel).show([keys])

    def _default(self) -> str | None:
        """The system's own device, before anybody has chosen."""
        return next((d.identity for d in self._levels if d.default), None)

    def _memory(self) -> str:
        if self._phantom() or self._chosen is None:
            return ""
        if self.remember:
            return "Remembered: not asked for again (r changes that)."
        return "Asked for next time too (r: remember the device)."

    def action_move(self, step: int) -> None:
        """Another device; a page that is too long scrolls."""
        if self.step == 0:
            self._chosen = devices.moved(self._names(), self._chosen, step)
            self.draw()
        else:
            self.query_one("#first").scroll_relative(y=step, animate=False)

    def action_remember(self) -> None:
        """Ask next time, or not."""
        if self.step == 0:
            self.remember = not self.remember
            self.draw()

    def action_take(self) -> None:
        """The next step; a phantom needs none of them."""
        if self.step == 0:
            self._chosen = devices.moved(self._names(), self._chosen, 0)
            if self._phantom():
                self.action_start()
                return
            if self._level() is None:
                return
            self._ear = first_steps.Ear()
        elif self.step == 3:
            if self._test_over:
                self.action_start()
            return
        self.step += 1
        if self.step == 3 and self._test is None:
            self._test = Program(self._commands[1], self._test_line, self._test_ended)
        self.draw()

    def action_start(self) -> None:
        """Monitor what was chosen."""
        if self._chosen is None or (self.step == 0 and not self._phantom()):
            return
        self.source = self._chosen if self._phantom() else f"device:{self._chosen}"
        self.remember = self.remember and not self._phantom()
        self.exit(0)

    def action_step_back(self) -> None:
        """The step before; from the first one out."""
        if self.step == 0:
            self.action_leave_it()
        else:
            self.step -= 1
            self.draw()

    def action_leave_it(self) -> None:
        """Without a source."""
        self.exit(EXIT_INTERRUPTED)

    def _test_line(self, line: str) -> None:
        self._tested.append(line)
        self.draw()

    def _test_ended(self, code: int) -> None:
        self._test_over, self._test_failed = True, code != 0
        self.draw()
