"""All keys, and what the parts of the screen show."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType

from monitor.tui.keys import offered
from monitor.tui.live import home
from monitor.tui.screens.dialog import Dialog
from monitor.tui.widgets.glyphs import Glyphs
from monitor.tui.widgets.panel import Line, Panel, width_of
from monitor.tui.widgets.scroll import Scroll


def lines(glyphs: Glyphs, read_only: bool = False) -> list[Line]:
    out: list[Line] = [
        [("For research and teaching. Not a medical device.", "medium")],
        [],
    ]
    out += [[(f"{key.shown:>6}  ", "strong"), (key.long, "plain")] for key in offered(read_only)]
    out += [[("ctrl+p  ", "strong"), ("every command by its name", "plain")], []]
    for shape, ink, text in (
        (glyphs.high, "high", "high priority: act now"),
        (glyphs.medium, "medium", "medium priority: look soon"),
        (glyphs.low, "low", "low priority: be aware"),
        (glyphs.cleared, "dim", "over"),
        (glyphs.cross, "high", "no sound here: lost, or no signal"),
        (glyphs.missing, "dim", "sound that did not reach this screen (the core has it)"),
    ):
        out.append([(f"{shape:>6}  ", ink), (text, "plain")])
    out += [
        [],
        [("The sound is drawn 3 s late, so that S1 and S2 can be named; s1 s2 are", "plain")],
        [("uncertain. Numbers and alarms do not wait for the picture.", "plain")],
        [("1 2 stand for S1 S2 where there is no room; M is a mark.", "plain")],
        [("Below them an annotation: -1 is an S1 that was missed, +1 an extra one.", "plain")],
        [("A number that is not known, or no longer true, is shown as --.", "plain")],
        [("p: probability of an abnormal sound, where normal and abnormal are", "plain")],
        [("held equally likely beforehand.", "plain")],
    ]
    return out


class HelpScreen(Dialog[None]):
    """Scrolls where the terminal is small; any of its keys closes it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("question_mark,f1,q", "close", show=False),
        Binding("down,j", "scroll(1)", show=False),
        Binding("up,k", "scroll(-1)", show=False),
        Binding("pagedown,space", "scroll(10)", show=False),
        Binding("pageup", "scroll(-10)", show=False),
    ]
    heading = "HELP"

    def compose(self) -> ComposeResult:
        """A panel inside a box that scrolls."""
        glyphs = home(self).glyphs
        self.set_class(not glyphs.unicode, "ascii")
        with Scroll(glyphs, id="box", classes="dialog"):
            yield Panel(glyphs, id="page")

    def advance(self) -> None:
        """The page stays as it is."""
        if not self.is_mounted:
            return
        page = lines(home(self).glyphs, home(self).read_only)
        panel = self.query_one("#page", Panel)
        box = self.query_one("#box")
        width = max(map(width_of, page))
        panel.styles.width = width
        panel.styles.height = len(page)
        panel.show(page)
        box.styles.height = min(len(page) + 2, max(3, self.app.size.height - 3))
        box.styles.width = min(width + 8, self.app.size.width)
        box.border_title = self.heading
        box.border_subtitle = "up and down scroll, esc close"

    def action_scroll(self, rows: int) -> None:
        """Up or down."""
        self.query_one("#box").scroll_relative(y=rows, animate=False)
