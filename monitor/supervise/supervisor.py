"""The supervisor: keeps a core alive, and sounds the alarms. Small, without torch.

It starts the core in a process group of its own, attaches to it like any screen, and listens. A
core that is dead, silent for `SILENT_S` or stalled for `STALLED_S` is an alarm of high priority;
it is killed if need be, and started again to go on with its sessions. What the two say to each
other when a core begins stands in `monitor.supervise.job`.
"""

from __future__ import annotations

import os
import select
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO, Any

import msgspec

from monitor.clock import Clock
from monitor.errors import ApexbeatError, InputError
from monitor.events import Priority
from monitor.link.address import address_of
from monitor.link.client import Client, Gone
from monitor.link.messages import Bye, FromCore, Heartbeat, Hello, Status
from monitor.sound.output import AlarmSound
from monitor.supervise.adopted import AdoptedCore
from monitor.supervise.job import EXIT_RESTART, Begun, Job

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
END_S = 8.0
BACK_OFF_S = (0.0, 0.5, 2.0, 5.0, 10.0)
"""Waits before a core is started again; the first failure in a while costs no wait."""

STEADY_S = 60.0
"""A core that lived for so long begins with the first wait again."""

RANK: dict[Priority, int] = {"low": 1, "medium": 2, "high": 3}


class CoreFailed(ApexbeatError):
    """The core could not begin."""

    def __init__(self, begun: Begun) -> None:
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
        File for the standard error of cores.
    began
        Called each time a core has begun.
    core
        Command line of a core.
    alive
        Called each time the loop goes round.
    """

    def __init__(
        self,
        job: Job,
        sound: AlarmSound,
        log: Path,
        clock: Clock,
        began: Callable[[Begun], None],
        core: Sequence[str] = CORE,
        alive: Callable[[], None] = lambda: None,
    ) -> None:
        self._alive = alive
        self._command = list(core)
        self._job, self._sound, self._clock, self._began = job, sound, clock, began
        self._log = log
        self._core: subprocess.Popen[bytes] | AdoptedCore | None = None
        self._client: Client | None = None
        self._status: dict[str, Status] = {}
        self._stop: int | None = None
        self._stopping_s: float | None = None
        self._heard_s = self._progress_s = 0.0
        self._beat = -1
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
        begun = self._adopt() if self._job.adopt else self._begin(self._job)
        if begun.error:
            raise CoreFailed(begun)
        self._began(begun)
        job = msgspec.structs.replace(self._job, resume=True, adopt=False)
        while True:
            code = self._watch()
            if code is not None and code != EXIT_RESTART:
                self._drop_client()
                self._sound.set(None)
                return code if self._stop is None else self._stop
            self._revive(job)
            if self._client is None and self._stop is not None:  # told so while there was no core
                self._sound.set(None)
                return self._stop

    # ------------------------------------------------------------ one core

    def _adopt(self) -> Begun:
        """Take over the core that runs on the store."""
        address = address_of(Path(self._job.store))
        try:
            self._client = Client.connect(address, "supervisor", waves=False, clock=self._clock)
            hello = self._client.receive(DEAD_S)
        except (InputError, Gone) as error:
            return Begun(error=str(error), code=1)
        if not isinstance(hello, Hello):
            return Begun(error="the core does not answer", code=1)
        self._core = AdoptedCore(hello.pid, self._clock)
        self._heard_s = self._progress_s = self._began_s = self._clock.monotonic()
        return Begun(address=str(address), sessions=hello.sessions)

    def _begin(self, job: Job) -> Begun:
        """Start a core and wait until it has begun; connects to it."""
        # Where the store cannot be made there is no log; the core says why in its answer.
        with open(self._log if self._log.exists() else os.devnull, "ab") as errors:
            core = self._core = subprocess.Popen(
                self._command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                **_own_group(),
            )
        assert core.stdin is not None
        assert core.stdout is not None
        with core.stdin as channel:
            channel.write(msgspec.json.encode(job))
        with core.stdout as answer:
            begun = self._read_begun(answer)
        if begun.error:
            self._kill()
            return begun
        try:
            self._client = Client.connect(Path(begun.address), "supervisor", waves=False)
        except InputError as error:
            self._kill()
            return Begun(error=str(error), code=1)
        self._heard_s = self._progress_s = self._clock.monotonic()
        self._beat = -1
        return begun

    def _read_begun(self, stdout: IO[bytes]) -> Begun:
        end_s = self._clock.monotonic() + BEGIN_S
        while not select.select([stdout], [], [], TICK_S)[0]:
            self._tick()
            if self._stop is not None:
                self._end_core()
                return Begun(error="interrupted at the start", code=self._stop or 130)
            if self._clock.monotonic() > end_s:
                return Begun(error=f"the core did not begin within {BEGIN_S:.0f} s", code=1)
        try:
            return msgspec.json.decode(stdout.readline(), type=Begun)
        except msgspec.DecodeError:
            return Begun(error=f"the core died at its start; see {self._log}", code=1)

    def _watch(self) -> int | None:
        """Listen until the core is over: its exit code, None if it died or was killed."""
        assert self._core is not None
        assert self._client is not None
        while True:
            self._tick()
            self._end_if_asked()
            try:
                message = self._client.receive(TICK_S)
            except Gone:
                return self._ended()
            now_s = self._clock.monotonic()
            if message is not None:
                self._heard_s = now_s
                self._take(message, now_s)
            silent = now_s - self._heard_s > SILENT_S or now_s - self._progress_s > STALLED_S
            self._sound.set("high" if silent else self._priority())
            if max(now_s - self._heard_s, now_s - self._progress_s) > DEAD_S:
                self._kill()
                return None

    def _take(self, message: FromCore, now_s: float) -> None:
        if isinstance(message, Status):
            self._status[message.session] = message
        elif isinstance(message, Heartbeat):
            if message.beat != self._beat:
                self._beat, self._progress_s = message.beat, now_s
                if now_s - self._began_s > STEADY_S:
                    self._failures = 0
        elif isinstance(message, Bye):
            self._progress_s = now_s
            if isinstance(self._core, AdoptedCore):
                self._core.ends_well = True

    def _ended(self) -> int | None:
        """The link closed: how did the core end?"""
        assert self._core is not None
        try:
            code = self._core.wait(END_S if self._stopping_s is not None else 2.0)
        except subprocess.TimeoutExpired:
            self._kill()
            return None
        self._drop_client()
        if code in (0, EXIT_RESTART):
            return code
        return None if self._stop is None else code

    def _end_if_asked(self) -> None:
        if self._stop is None:
            return
        assert self._core is not None
        now_s = self._clock.monotonic()
        if self._stopping_s is None:
            self._stopping_s = now_s
            self._core.terminate()
        elif now_s - self._stopping_s > END_S:
            self._core.kill()

    def _end_core(self) -> None:
        """End a core that has not begun; it may be loading, and not listen yet."""
        assert self._core is not None
        self._core.terminate()
        try:
            self._core.wait(END_S)
        except subprocess.TimeoutExpired:
            self._core.kill()
            self._core.wait()

    def _revive(self, job: Job) -> None:
        """Start a core that goes on; sounds the technical alarm until one has begun."""
        self._status.clear()
        self._sound.set("high")
        while self._stop is None:
            wait_s = BACK_OFF_S[min(self._failures, len(BACK_OFF_S) - 1)]
            until_s = self._clock.monotonic() + wait_s
            while self._clock.monotonic() < until_s:
                self._tick()
                self._clock.sleep(TICK_S)
            self._failures += 1
            begun = self._begin(job)
            if not begun.error:
                self.restarts += 1
                self._began_s = self._clock.monotonic()
                self._began(begun)
                return
            print(begun.error, file=sys.stderr, flush=True)  # noqa: T201 - into our log

    def _tick(self) -> None:
        self._sound.tick()
        self._alive()

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

    def _kill(self) -> None:
        assert self._core is not None
        self._drop_client()
        self._core.kill()
        self._core.wait()

    def _drop_client(self) -> None:
        if self._client is not None:
            self._client.close()
            self._client = None


def _own_group() -> dict[str, Any]:
    if sys.platform == "win32":
        return {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP}
    return {"process_group": 0}
