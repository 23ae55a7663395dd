"""The supervisor: keeps a core alive, and sounds the alarms. Small, without torch.

It starts the core in a process group of its own, attaches to it like any screen, and listens. A
core that is dead, silent for `SILENT_S` or stalled for `STALLED_S` is an alarm of high priority;
it is killed if need be, and started again to go on with its sessions. Any end that nobody asked
for is a death, whatever its exit code.

Its loop makes no call that can hang: starting and connecting run on threads (`supervise.start`),
what is sent is sent without waiting, and no process is waited for without a tick. What fails for
want of descriptors, memory or processes is a failed start, tried again with growing pauses. What
the two say to each other when a core begins stands in `monitor.supervise.job`.
"""

from __future__ import annotations

import contextlib
import logging
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

from monitor.capture.attempt import AbandonableCall
from monitor.clock import Clock
from monitor.errors import ApexbeatError
from monitor.events import Priority
from monitor.link.client import Client, Gone
from monitor.link.messages import Beat, Bye, FromCore, Heartbeat, Sounded, Status
from monitor.link.requests import Stop
from monitor.sound.output import AlarmSound
from monitor.supervise.job import Job, StartReport
from monitor.supervise.start import Adopt, Process, Reached, Start

_log = logging.getLogger(__name__)

SILENT_S = 2.0
"""A core that says nothing for so long is an alarm."""

STALLED_S = 3.0
"""A core that talks and analyses nothing for so long is an alarm too."""

DEAD_S = 6.0
"""A core that says nothing, or makes no progress, for so long is killed."""

BEGIN_S = 120.0
"""A core must have begun by then."""

CORE = (sys.executable, "-m", "monitor.live.core")
TICK_S = 0.1
BEAT_S = 0.5
END_S = 12.0
"""A core that was asked to end is killed after this."""

EXIT_S = 3.0
"""A process that closed its link, or was killed, should be gone by then."""

BACK_OFF_S = (0.0, 0.5, 2.0, 5.0, 10.0)
"""Waits before a core is started again; the first failure in a while costs no wait."""

STEADY_S = 60.0
"""A core that lived for so long begins with the first wait again."""

CUT_SHORT = 6
"""Exit code where a core that was asked to end had to be killed: not all is recorded."""

RANK: dict[Priority, int] = {"low": 1, "medium": 2, "high": 3}


class CoreFailed(ApexbeatError):
    """The core could not begin."""

    def __init__(self, begun: StartReport) -> None:
        super().__init__(begun.error)
        self.exit_code = begun.code or 1


class Supervisor:
    """Runs one core until it ends in order.

    Parameters
    ----------
    job
        What the core shall do.
    sound
        What is heard.
    log
        Where standard error ends, for messages.
    began
        Called each time a core has begun; it must not wait.
    core
        Command line of a core.
    alive
        Called each time the loop goes round; it must not wait.
    """

    def __init__(
        self,
        job: Job,
        sound: AlarmSound,
        log: Path,
        clock: Clock,
        began: Callable[[StartReport], None],
        core: Sequence[str] = CORE,
        alive: Callable[[], None] = lambda: None,
    ) -> None:
        self._alive = alive
        self._command = list(core)
        self._job, self._sound, self._clock, self._began = job, sound, clock, began
        self._log = log
        self._core: Process | None = None
        self._dying: list[Process] = []
        self._client: Client | None = None
        self._address = ""
        self._status: dict[str, Status] = {}
        self._sources: dict[str, str] = {}
        self._stop: int | None = None
        self._stopping_s: float | None = None
        self._asked = False
        self._heard_s = self._progress_s = self._beat_s = 0.0
        self._beat = -1
        self._unsaid: list[Sounded] = []
        self._began_s = 0.0
        self._failures = 0
        self.restarts = 0

    def stop(self, code: int) -> None:
        """End the core in order and then leave with ``code``; callable from a signal handler."""
        self._stop = code

    def run(self) -> int:
        """Start the core, keep it alive; the exit code when it is over.

        Raises
        ------
        CoreFailed
            If the first core cannot begin.
        """
        if self._job.adopt:
            begun = self._reach(Adopt(Path(self._job.store), self._clock))
        else:
            begun = self._reach(Start(self._command, self._job, self._clock))
        if self._client is None and self._stop is not None:
            return self._stop
        if begun.error:
            raise CoreFailed(begun)
        self._began_s = self._clock.monotonic()
        self._began(begun)
        code: int | None = None
        while code is None:
            try:
                code = self._watch()
                if code is None:
                    code = self._revive()
            except (Exception, MemoryError) as error:  # noqa: BLE001 - nothing may end the last line of defence
                self._say_trace("the supervisor goes on after", error)
                self._let_go()
        self._drop_client()
        self._sound.set(None)
        return code

    # ------------------------------------------------------------ one core

    def _reach(self, way: Start | Adopt) -> StartReport:
        """Start or adopt a core on a thread, and tick until it has begun, or has not."""
        try:
            attempt = AbandonableCall(way, Reached.undo, self._clock.monotonic())
        except (RuntimeError, MemoryError) as error:
            return StartReport(error=f"no core can be started: {error}", code=1)
        while not attempt.done:
            self._tick()
            self._clock.sleep(TICK_S)
            late = self._clock.monotonic() - attempt.since_s > BEGIN_S
            if attempt.done or not (late or self._stop is not None):
                continue
            attempt.abandon()
            if way.process is not None:
                way.process.kill()
                self._dying.append(way.process)
            return StartReport(error=f"the core did not begin within {BEGIN_S:.0f} s", code=1)
        try:
            reached = attempt.result()
        except (Exception, MemoryError) as error:  # noqa: BLE001 - a start that failed, whatever it was
            return StartReport(error=f"no core can be started: {error!r}", code=1)
        if reached.client is None:
            if reached.process is not None:
                self._end(reached.process)
            return reached.begun
        self._core, self._client = reached.process, reached.client
        self._address = reached.begun.address
        now_s = self._clock.monotonic()
        self._heard_s = self._progress_s = now_s
        self._beat, self._beat_s, self._asked = -1, float("-inf"), False
        return reached.begun

    def _watch(self) -> int | None:
        """Listen until the core is over: the exit code, None if it died or was killed."""
        while self._client is not None:
            self._tick()
            self._end_if_asked()
            try:
                self._send_beat()
                message = self._client.receive(TICK_S)
            except Gone as gone:
                over, code = self._link_lost(str(gone))
                if over:
                    return code
                continue
            now_s = self._clock.monotonic()
            if message is not None:
                self._heard_s = now_s
                self._take(message, now_s)
            if self._ends():
                if self._past_its_end() or now_s - self._heard_s > DEAD_S:
                    return self._cut_short()
                continue
            silent = now_s - self._heard_s > SILENT_S or now_s - self._progress_s > STALLED_S
            self._sound.set("high" if silent else self._priority())
            if max(now_s - self._heard_s, now_s - self._progress_s) > DEAD_S:
                self._let_go()
        return None

    def _ends(self) -> bool:
        """Whether the end of this core was asked for."""
        return self._asked or self._stopping_s is not None

    def _past_its_end(self) -> bool:
        if self._stopping_s is None:
            self._stopping_s = self._clock.monotonic()
        return self._clock.monotonic() - self._stopping_s > END_S

    def _cut_short(self) -> int:
        self._let_go()
        _log.error("the core did not end in time and was killed")
        return CUT_SHORT

    def _link_lost(self, why: str) -> tuple[bool, int | None]:
        """The link closed: whether the core is over, and its exit code if that was asked for."""
        self._hear_out()
        self._drop_client()
        core = self._core
        assert core is not None
        if self._gone_within(core, END_S if self._ends() else EXIT_S):
            code = core.poll()
            self._core = None
            if not self._ends():
                return True, None
            return True, code if self._stop is None else self._stop
        if self._ends():
            return True, self._cut_short()
        _log.warning("the link to the core broke (%s); it lives", why)
        if self._reach(Adopt(Path(self._job.store), self._clock)).error:
            self._let_go()
            return True, None
        self._core = core  # our child: only we may wait for it
        return False, None

    def _hear_out(self) -> None:
        """Take what the core said before its link closed: perhaps that it was asked to end.

        A beat that cannot be sent any more tells of the end before that is read.
        """
        with contextlib.suppress(Gone):
            while self._client is not None:
                message = self._client.receive(0.0)
                if message is None:
                    return
                self._take(message, self._clock.monotonic())

    def _end_if_asked(self) -> None:
        """Ask the core to end, once."""
        if self._stop is None or self._stopping_s is not None:
            return
        assert self._core is not None
        self._stopping_s = self._clock.monotonic()
        asked = False
        if self._client is not None:
            with contextlib.suppress(Gone):
                asked = self._client.send_now(Stop(id=1))
        if not asked:
            self._core.terminate()

    def _revive(self) -> int | None:
        """Start a core that goes on; sounds the technical alarm until one has begun.

        Returns the exit code if the end was asked for meanwhile, else None.
        """
        self._status.clear()
        self._sound.set("high")
        job = self._job
        sources = job.sources or list(self._sources.values())
        job = msgspec.structs.replace(job, resume=True, adopt=False, sources=sources)
        while self._stop is None:
            self._pause(BACK_OFF_S[min(self._failures, len(BACK_OFF_S) - 1)])
            self._failures += 1
            begun = self._reach(Start(self._command, job, self._clock))
            if self._client is not None:
                self.restarts += 1
                _log.warning("the core was restarted, for the %d. time", self.restarts)
                self._began_s = self._clock.monotonic()
                self._began(begun)
                return None
            _log.error("%s", begun.error)
        return self._stop

    def _pause(self, seconds: float) -> None:
        until_s = self._clock.monotonic() + seconds
        while self._clock.monotonic() < until_s and self._stop is None:
            self._tick()
            self._clock.sleep(TICK_S)

    # ------------------------------------------------------------ what is heard and said

    def _take(self, message: FromCore, now_s: float) -> None:
        if isinstance(message, Status):
            self._status[message.session] = message
            kind = "phantom" if message.source == "phantom" else "device"
            self._sources[message.session] = f"{kind}:{message.device}"
        elif isinstance(message, Heartbeat):
            self._asked |= message.ending
            if message.beat != self._beat:
                self._beat, self._progress_s = message.beat, now_s
                if now_s - self._began_s > STEADY_S:
                    self._failures = 0
        elif isinstance(message, Bye):
            self._progress_s = now_s
            self._asked |= message.asked

    def _send_beat(self) -> None:
        """Tell the core that we live, and what is heard."""
        now_s = self._clock.monotonic()
        if now_s - self._beat_s < BEAT_S or self._client is None:
            return
        self._unsaid += [
            Sounded(wall=c.wall, priority=c.priority or "", by=c.by or "", why=c.why)
            for c in self._sound.changes()
        ]
        beat = Beat(unheard=self._sound.unheard, sounded=self._unsaid[-100:])
        if self._client.send_now(beat):
            self._beat_s = now_s
            self._unsaid = []

    def _tick(self) -> None:
        self._sound.tick()
        try:
            self._alive()
        except (OSError, RuntimeError, MemoryError) as error:
            self._say_trace("a beat to the outside failed", error)
        self._dying = [core for core in self._dying if core.poll() is None]

    def _priority(self) -> Priority | None:
        """The highest that should sound: raised, not acknowledged, not paused."""
        found: Priority | None = None
        for status in self._status.values():
            if status.audio_paused_s > 0:
                continue
            for line in status.alarms:
                sounding = line.state in ("active", "latched") and line.earlier_session is None
                if sounding and (found is None or RANK[line.priority] > RANK[found]):
                    found = line.priority
        return found

    # ------------------------------------------------------------ the end of a core

    def _let_go(self) -> None:
        """Kill the core, without waiting longer than a moment, and forget it."""
        self._drop_client()
        core, self._core = self._core, None
        if core is not None:
            self._sound.set("high")
            self._end(core)

    def _end(self, core: Process) -> None:
        with contextlib.suppress(OSError):
            core.kill()
        if not self._gone_within(core, EXIT_S):
            self._dying.append(core)  # a disk holds it; its store stays locked until it is gone

    def _gone_within(self, core: Process, limit_s: float) -> bool:
        end_s = self._clock.monotonic() + limit_s
        while core.poll() is None:
            if self._clock.monotonic() > end_s:
                return False
            self._tick()
            self._clock.sleep(TICK_S)
        return True

    def _drop_client(self) -> None:
        if self._client is not None:
            self._client.close()
            self._client = None

    def _say_trace(self, words: str, error: BaseException) -> None:
        with contextlib.suppress(Exception):  # no memory, perhaps
            _log.error("%s", words, exc_info=error)
