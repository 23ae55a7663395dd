"""What screens ask of a core: those of one session go to it, the rest is done here.

It runs on the analysis thread; what may wait for a disk or a device gets a thread of its own.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

from monitor.errors import ApexbeatError
from monitor.link.messages import FromCore, Reply
from monitor.link.requests import Acknowledge, AddDevice, AnyRequest, Remember, Stop, WatchLevels
from monitor.live.levels import LevelWatch
from monitor.live.session import LiveSession
from monitor.live.startup import Prepared, SessionStarter

Answer = Callable[[bool, str], None]

LET_GO_S = 3.0
"""Wait for a level meter that is told to let go of the devices."""


class Requests:
    """Requests of all screens of one core.

    Parameters
    ----------
    sessions
        Of the core; further ones are put in.
    config
        Settings file that may be written, empty for none.
    send, publish
        To one client, to all; callable from any thread.
    later
        Runs something on the analysis thread.
    stop
        Ends the core, with a reason.
    """

    def __init__(
        self,
        starter: SessionStarter,
        sessions: dict[str, LiveSession],
        config: str,
        send: Callable[[int, FromCore], None],
        publish: Callable[[FromCore], None],
        later: Callable[[Callable[[], None]], None],
        stop: Callable[[str], None],
    ) -> None:
        self._starter, self._sessions, self._config = starter, sessions, config
        self._send, self._publish, self._later, self._stop = send, publish, later, stop
        self._levels = LevelWatch(send, self._monitored)

    def ask(self, client: int, name: str, request: AnyRequest) -> None:
        """Do what ``client``, who calls itself ``name``, asks for."""

        def answer(ok: bool, error: str) -> None:
            self._send(client, Reply(id=request.id, ok=ok, error=error))

        session = self._sessions.get(request.session)
        if isinstance(request, Stop):
            answer(True, "")
            self._stop(f"stopped by {name}")
        elif isinstance(request, AddDevice):
            self._add(request, answer)
        elif isinstance(request, Remember):
            self._remember(request, answer)
        elif isinstance(request, WatchLevels):
            self._levels.want(client, request.on)
            answer(True, "")
        elif session is not None:
            session.ask(request, name, answer)
        elif isinstance(request, Acknowledge):
            self._starter.acknowledge_earlier(request, name, self._sessions.values(), answer)
        else:
            answer(False, f"there is no session {request.session}")

    def leave(self, client: int) -> None:
        """A client is gone."""
        self._levels.want(client, False)

    def close(self) -> None:
        """The core ends."""
        self._levels.close()

    def _monitored(self) -> list[str]:
        drivers = [session.capture.driver for session in self._sessions.values()]
        return [getattr(driver, "identity", "").partition("@")[0] for driver in drivers]

    def _remember(self, request: Remember, answer: Answer) -> None:
        """Write settings into the file."""

        def write() -> None:
            from monitor.config.edit import remember

            try:
                remember(request.settings, Path(self._config))
            except ApexbeatError as error:
                answer(False, str(error))
            else:
                answer(True, "")

        if not self._config:
            answer(False, "this monitoring was started without a settings file")
        else:
            self._run("remember", write, answer)

    def _add(self, request: AddDevice, answer: Answer) -> None:
        """Open a further device, then take it up as a session; levels end, they hold it open."""
        let_go = self._levels.close()

        def open_it() -> None:
            let_go(LET_GO_S)
            try:
                capture = self._starter.open(f"device:{request.device}")
                prepared = self._starter.prepare(capture)
            except ApexbeatError as error:
                answer(False, str(error))
                return
            self._later(lambda: self._take_up(prepared, answer))

        self._run("open", open_it, answer)

    def _run(self, name: str, call: Callable[[], None], answer: Answer) -> None:
        """What may wait for a disk or a device, on a thread of its own."""
        try:
            threading.Thread(target=call, name=name, daemon=True).start()
        except (RuntimeError, MemoryError) as error:
            answer(False, f"not now: {error}")

    def _take_up(self, prepared: Prepared, answer: Answer) -> None:
        session = self._starter.take_up(prepared)
        self._sessions[session.id] = session
        self._publish(session.snapshot())
        answer(True, "")
