"""The screen as a program: state, link and frames. `run` is the entry of ``live`` and ``attach``.

The app reads the link and shows it; it never decides anything about the heart. It may hang, close
or die without the core noticing.
"""

from __future__ import annotations

import pathlib
from collections.abc import Callable, Iterable, Sequence
from typing import Protocol

from textual.app import SystemCommand
from textual.screen import Screen

from monitor.clock import Clock, SystemClock
from monitor.link import messages as ms
from monitor.link import requests as rq
from monitor.playing import HEARD, Band
from monitor.tui.away import run_away
from monitor.tui.base import TerminalApp
from monitor.tui.connection import Connection, Deliver, Note
from monitor.tui.helpers import Helpers, Player
from monitor.tui.keys import offered
from monitor.tui.live import Live
from monitor.tui.requests import Answered, Requests, named
from monitor.tui.screens.main import MainScreen
from monitor.tui.state import ScreenState, SessionState
from monitor.tui.widgets import theme
from monitor.tui.widgets.glyphs import UNICODE, Glyphs
from monitor.tui.widgets.title import PlayedSound

FRAMES_PER_S = 10
MESSAGE_S = 4.0
SEEN_S = 0.5
"""An alarm that has been on the screen for less was not seen by whoever presses a key."""


class Link(Protocol):
    """What the app needs of a connection."""

    async def run(self, deliver: Deliver, note: Note) -> None:
        """Read until cancelled."""
        ...

    def send(self, request: rq.AnyRequest) -> bool:
        """Put a request on its way."""
        ...


class ApexbeatApp(TerminalApp):
    """Shows one core."""

    CSS_PATH = "apexbeat.tcss"
    TITLE = "apexbeat"
    ENABLE_COMMAND_PALETTE = True

    def __init__(
        self,
        link: Link,
        *,
        read_only: bool = False,
        glyphs: Glyphs = UNICODE,
        clock: Clock | None = None,
        theme_name: str = theme.DARK.name,
        frames_per_s: float = FRAMES_PER_S,
        helpers: Helpers | None = None,
        notes: Sequence[str] = (),
    ) -> None:
        super().__init__(glyphs, theme_name)
        self.read_only = read_only
        self.details = False
        """Whether evidence is shown, in the place of what to do."""
        self._first_shown: dict[tuple[object, ...], float] = {}
        self.state = ScreenState()
        self.flash = self.animation_level != "none"
        self.helpers = helpers or Helpers()
        self.player = Player[object](self._heard)
        self.hearing = Player[tuple[str, Band]](self._hearing_over, self._hearing_told)
        self._link = link
        self._clock = clock or SystemClock()
        self._requests = Requests(link.send)
        self._frames_per_s = frames_per_s
        self._message = ("", "plain", 0.0)
        self._notes = list(notes)
        self._silent = False
        """Whether what plays the heart has said why it cannot."""

    def now(self) -> float:
        """Monotonic seconds."""
        return self._clock.monotonic()

    def get_default_screen(self) -> Screen[None]:
        """The main screen lies under all others."""
        return MainScreen()

    def on_mount(self) -> None:
        """Start to listen and to draw."""
        self.state.begin(self.now())
        self.run_worker(self._link.run(self.deliver, self._noted), exit_on_error=True)
        if self._frames_per_s:
            self.set_interval(1 / self._frames_per_s, self.frame)

    def on_unmount(self) -> None:
        """No sound outlives the screen."""
        self.player.stop()
        self.hearing.stop()

    def hear(self, session: str, band: Band | None) -> None:
        """Play the sound of a session in one band, in the place of what is played."""
        self.hearing.stop()
        if band is None or self.helpers.hear is None:
            self.say("hearing: off")
            return
        found = self.helpers.hear(session, band)
        if isinstance(found, str):
            self.say(found, "medium")
            return
        self._silent = False
        self.hearing.play((session, band), found)
        self.say(f"hearing: {band}, about 1.5 s late (h: next)")

    def examine(self, command: Sequence[str]) -> None:
        """Give the terminal to an examination; the screen comes back when it has ended."""
        self.hearing.stop()
        self.run_worker(self._examine(command), group="away", exclusive=True)

    async def _examine(self, command: Sequence[str]) -> None:
        if not await run_away(
            self,
            command,
            "An examination. The monitoring goes on, and its alarms sound; Ctrl-C ends this.",
            "Enter goes back to the screen.",
        ):
            self.say("an examination needs a terminal: apexbeat exam")

    @property
    def played(self) -> PlayedSound | None:
        """What this screen plays."""
        what = self.hearing.what
        return None if what is None else PlayedSound(*what, self._silent)

    def _hearing_told(self, line: str) -> None:
        self._silent = line != HEARD
        self.say(f"hearing: {line}", "medium" if self._silent else "plain")

    def _hearing_over(self, trouble: str) -> None:
        self._hearing_told(trouble or "the sound has ended")

    def _heard(self, trouble: str) -> None:
        if trouble:
            self.say(f"clip: {trouble}", "medium")

    def frame(self) -> None:
        """Redraw what has changed."""
        now = self.now()
        line = self._requests.overdue(now)
        if line:
            self.say(line, "medium")
        for screen in {self.screen_stack[0], self.screen}:
            if isinstance(screen, Live):
                screen.advance()

    def deliver(self, message: ms.FromCore) -> None:
        """Take a message of the core."""
        if isinstance(message, ms.Reply):
            line = self._requests.reply(message)
            if line:
                self.say(line, "medium")
        self.state.receive(message, self.now())
        if isinstance(message, ms.Hello) and message.link != ms.LINK_VERSION:
            theirs, ours = message.link, ms.LINK_VERSION
            self.say(f"the core speaks link {theirs}, this screen {ours}", "medium")

    def _noted(self, connected: bool, attempts: int, trouble: str) -> None:
        self.state.link(connected, attempts, trouble)

    def say(self, text: str, ink: str = "plain") -> None:
        """Show one line at the foot for a few seconds."""
        self._message = (text, ink, self.now() + MESSAGE_S)
        if self.is_running:
            self.call_later(self.frame)

    def message(self) -> tuple[str, str]:
        """What the foot shows now; empty: the keys. Notes of the start come one by one."""
        if self._notes and self.state.core is not None and self.now() >= self._message[2]:
            self._message = (self._notes.pop(0), "medium", self.now() + MESSAGE_S)
        text, ink, until = self._message
        return (text, ink) if self.now() < until else ("", ink)

    def may_change(self) -> bool:
        """Whether this screen may ask for changes; says so where it may not."""
        if self.read_only:
            self.say("this screen is read-only", "medium")
        return not self.read_only

    def ask(
        self, request: rq.AnyRequest, *, done: str = "", after: Callable[[], None] | None = None
    ) -> bool:
        """Ask the core for something; False, and a line, where that cannot be.

        ``done`` is shown, and ``after`` called, when the core has said yes.
        """
        if not self.may_change():
            return False

        def answered(reply: ms.Reply | None) -> None:
            if reply is not None and reply.ok:
                if after is not None:
                    after()
                if done:
                    self.say(done)

        if self.send(request, answered):
            return True
        self.say(f"{named(request.what)}: not sent, the core does not respond", "medium")
        return False

    def send(self, request: rq.AnyRequest, answered: Answered) -> bool:
        """Send a request and be called with its reply; False where there is no connection."""
        return self._requests.ask(request, self.now(), answered)

    def acknowledge(self, session: SessionState, line: ms.AlarmLine) -> None:
        """Acknowledge one alarm; pending until the core has committed it.

        The core is told which signal was meant: one that came since is not answered with it. An
        alarm of an earlier session is asked for by that session's id.
        """
        if not self.may_change():
            return
        book, key = session.alarms, session.alarms.key(line)

        def answered(reply: ms.Reply | None) -> None:
            if reply is None or not reply.ok:
                book.asked.discard(key)

        known = line.earlier_session is None and line.occurrence > 0
        request = rq.Acknowledge(
            session=line.earlier_session or session.id,
            alarm=line.kind,
            occurrence=line.occurrence if known else None,
            count=line.count if known else None,
        )
        if not self.send(request, answered):
            self.say("acknowledge: not sent, the core does not respond", "medium")
            return
        book.asked.add(key)
        self.frame()

    def note_shown(self, pairs: Iterable[tuple[SessionState, ms.AlarmLine]]) -> None:
        """Remember since when each open alarm has been on the screen."""
        now = self.now()
        shown = {
            (session.id, line.kind, line.raised, line.count, line.priority)
            for session, line in pairs
        }
        self._first_shown = {key: self._first_shown.get(key, now) for key in shown}

    def was_seen(self, session: SessionState, line: ms.AlarmLine) -> bool:
        """Whether it has been on the screen long enough to be what a key was meant for."""
        key = (session.id, line.kind, line.raised, line.count, line.priority)
        since = self._first_shown.get(key)
        return since is not None and self.now() - since >= SEEN_S

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        """The keys of the main screen, by name."""
        main = self.screen_stack[0]
        for key in offered(self.read_only):

            async def act(action: str = key.action) -> None:
                await main.run_action(action)

            yield SystemCommand(f"{key.short} ({key.shown})", key.long, act)

    async def action_quit(self) -> None:
        """Textual's own quit asks too."""
        await self.screen_stack[0].run_action("ask_quit")


def run(
    address: pathlib.Path,
    *,
    read_only: bool = False,
    log: pathlib.Path | None = None,
    helpers: Helpers | None = None,
    notes: Sequence[str] = (),
) -> int:
    """Show the core at ``address`` until the user quits; return the exit code.

    Parameters
    ----------
    address
        The core's socket.
    read_only
        Refuse every request that would change something in the core.
    log
        Where a replay's screen writes its own troubles: its socket's folder goes with it.
        [beside the socket of a core, which goes on without its screen]
    helpers
        Programs that the screen may start beside it.
    notes
        What the start had to say: shown first, each for a few seconds.

    Raises
    ------
    UsageError
        Where there is no terminal that a screen can be drawn on.
    """
    from monitor.tui import terminal

    def make(glyphs: Glyphs) -> ApexbeatApp:
        return ApexbeatApp(
            Connection(address),
            read_only=read_only,
            glyphs=glyphs,
            theme_name=theme.preferred(),
            helpers=helpers,
            notes=notes,
        )

    return terminal.run(make, log or address.parent / "screen.log", goes_on=log is None)
