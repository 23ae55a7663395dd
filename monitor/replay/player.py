"""Shows a file to screens: the link of a core, with a play-head in the place of a microphone.

    with Player(ahead, address, speed, clock):
        ...                                   # a screen attaches at ``address``

What the play-head passes is sent as a live session would send it. Where it is moved, a snapshot
of that moment is sent. Nothing here reaches the analysis.
"""

from __future__ import annotations

import os
import queue
import threading
from collections.abc import Callable
from pathlib import Path

import msgspec

from dsp.stage import RATE_HZ
from monitor import events as ev
from monitor.clock import Clock
from monitor.link.messages import LINK_VERSION, Attach, EventLine, FromScreen, Hello, Play, Reply
from monitor.link.requests import AnyRequest, MovePlayhead, Request, Stop
from monitor.link.server import Server
from monitor.replay.lookahead import SESSION, LookaheadAnalysis
from monitor.replay.playhead import Playhead
from monitor.replay.timeline import UNCERTAIN, shown
from monitor.system.closing import Closing
from monitor.version import version

TICK_S = 0.05
STATUS_S = 0.5
SLACK_S = 2.0
"""An alarm that a moving play-head left less than this ago is not the one before."""

AFTER_DIFFERENCE = 2 * RATE_HZ
"""Samples shown after a difference from the annotation."""

REFUSED = {
    "acknowledge": "the alarms of a replay cannot be acknowledged",
    "pause_audio": "a replay makes no sound",
    "record": "a replay records nothing",
    "limits": "a replay keeps the limits that it was started with",
    "switch": "a replay keeps the alarms that it was started with",
    "mark": "a replay cannot be marked",
    "add": "a replay takes no device",
}


class Player(Closing):
    """Serves one file until closed.

    Parameters
    ----------
    ahead
        The file; started here, and closed with this.
    address
        UNIX socket to make.
    speed
        1.0 is the pace of the recording.
    clock
        Time.
    """

    def __init__(self, ahead: LookaheadAnalysis, address: Path, speed: float, clock: Clock) -> None:
        self._ahead, self._found = ahead, ahead.found
        self._clock = clock
        self.head = Playhead(clock, speed)
        self._inbox: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._next = 0  # the first moment that was not sent
        self._given = -1  # beats up to here were sent with a snapshot
        self._status_s = float("-inf")
        self._ticks = 0
        self._over = False
        self._server = Server(address, self._message, lambda client: None, self._beat, clock)
        self._thread = threading.Thread(target=self._run, name="play", daemon=True)
        self._thread.start()
        ahead.start()

    def close(self) -> None:
        """Say goodbye and stop."""
        self._over = True
        self._inbox.put(lambda: None)
        self._thread.join(2.0)
        self._server.close("the replay was left")
        self._ahead.close()

    # ------------------------------------------------------------ the link's thread

    def _message(self, client: int, message: FromScreen) -> None:
        if isinstance(message, Attach):
            self._inbox.put(lambda: self._attach(client, message))
        elif isinstance(message, Request):
            self._inbox.put(lambda: self._request(client, message))

    def _beat(self) -> int:
        return self._ticks

    # ------------------------------------------------------------ the play-head's thread

    def _run(self) -> None:
        while not self._over:
            self._take_inbox()
            self._tick()

    def _take_inbox(self) -> None:
        try:
            self._inbox.get(timeout=TICK_S)()
            while True:
                self._inbox.get_nowait()()
        except queue.Empty:
            return

    def _tick(self) -> None:
        """Send what the play-head has passed, and the status twice a second."""
        self._ticks += 1
        index = self.head.at(self._found.end)
        last = self._found.number(index)
        for number in range(self._next, last + 1):
            self._release(number)
        known = index if self._found.done else min(index, self._found.end - UNCERTAIN)
        for beat in self._found.beats(self._given, known):
            self._server.broadcast(EventLine(session=SESSION, seq=-1, event=beat))
        self._given = max(self._given, known)
        fresh, self._next = self._next <= last, max(self._next, last + 1)
        now_s = self._clock.monotonic()
        if fresh or now_s - self._status_s >= STATUS_S:
            self._status_s = now_s
            status = shown(self._found[last], index, self._play(index))
            if self._found.trouble and index >= self._found.end:
                status = msgspec.structs.replace(
                    status, health="failed", health_reason=self._found.trouble
                )
            self._server.broadcast(status)

    def _release(self, number: int) -> None:
        moment = self._found[number]
        for wave in moment.waves:
            self._server.broadcast(wave)
        for seq, line in enumerate(moment.lines, moment.first):
            if isinstance(line, ev.Beat):
                continue  # given when the play-head comes to it
            self._server.broadcast(EventLine(session=SESSION, seq=seq, event=line))

    def _attach(self, client: int, attach: Attach) -> None:
        hello = Hello(
            link=LINK_VERSION,
            software=f"apexbeat {version()}",
            pid=os.getpid(),
            sessions=[SESSION],
            supervised=False,
        )
        self._tick()  # whoever is here already has all up to the moment of the snapshot
        index = self.head.at(self._found.end)
        snapshot = self._found.snapshot(index, self._play(index))
        self._server.admit(client, [hello, snapshot], attach.waves)

    def _request(self, client: int, request: AnyRequest) -> None:
        error = ""
        if isinstance(request, MovePlayhead):
            error = self._move(request)
        elif not isinstance(request, Stop):
            error = REFUSED.get(request.what, f"a replay cannot {request.what}")
        self._server.send(client, Reply(id=request.id, ok=not error, error=error))

    def _move(self, request: MovePlayhead) -> str:
        """Move the play-head; return what stands in the way."""
        end = self._found.end
        index = self.head.at(end)
        if request.speed is not None:
            try:
                self.head.pace(request.speed, end)
            except ValueError as error:
                return str(error)
        if request.on is not None:
            self.head.pause(not request.on, end)
        target = request.seek
        if request.cycles:
            target = self._found.cycle(index, request.cycles)
            if target is None:
                return "no cycle was found yet"
        elif request.alarms:
            slack = 0 if self.head.paused else round(SLACK_S * RATE_HZ * self.head.speed)
            target = self._found.alarm(index, request.alarms, slack)
            if target is None:
                there = "after" if request.alarms > 0 else "before"
                return f"no alarm {there} this moment" + self._so_far(request.alarms)
        elif request.differences:
            target = self._difference(index, request.differences)
            if target is None:
                return "there is no annotation, or it differs nowhere there"
        if target is None:
            self._status_s = float("-inf")  # told at once
            return ""
        self._jump(target)
        return ""

    def _difference(self, index: int, step: int) -> int | None:
        """So that the place stands in the middle of the picture, not at its edge."""
        target = self._found.difference(index - AFTER_DIFFERENCE, step)
        return None if target is None else target + AFTER_DIFFERENCE

    def _so_far(self, step: int) -> str:
        return " (still being analysed)" if step > 0 and not self._found.done else ""

    def _jump(self, target: int) -> None:
        index = self.head.seek(target, self._found.end)
        self._next = self._found.number(index) + 1
        self._given = index
        self._status_s = self._clock.monotonic()
        self._server.broadcast(self._found.snapshot(index, self._play(index)))

    def _play(self, index: int) -> Play:
        return Play(
            paused=self.head.paused,
            speed=self.head.speed,
            at=index,
            analysed=self._found.end,
            raised=list(self._found.raised),
            compared=self._found.compared(index),
        )
