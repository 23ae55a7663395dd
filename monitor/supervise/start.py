"""How a supervisor comes to a core: starts one, or connects to one that runs.

Each is a call for a thread of its own (`monitor.capture.attempt`), because each may hang on a
disk: the tones go on meanwhile. What goes wrong, for want of descriptors, processes, memory or
room, is an answer like any other: a start that failed.
"""

from __future__ import annotations

import contextlib
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from monitor.clock import Clock
from monitor.errors import ApexbeatError
from monitor.link.address import address_of
from monitor.link.client import Client, Gone
from monitor.link.messages import Hello
from monitor.supervise.adopted import AdoptedCore
from monitor.supervise.job import Job, StartReport

HELLO_S = 6.0
"""A core that is there says so within this."""

Process = subprocess.Popen[bytes] | AdoptedCore


@dataclass
class Reached:
    """A core that runs and our link to it; or neither, and in ``begun`` why."""

    begun: StartReport
    process: Process | None = None
    client: Client | None = None

    def undo(self) -> None:
        """Nobody wants it any more."""
        if self.client is not None:
            self.client.close()
        if isinstance(self.process, subprocess.Popen):
            self.process.kill()


class Start:
    """Starts a core with a job when it is called.

    Attributes
    ----------
    process
        As soon as there is one: to be killed if it never answers.
    """

    def __init__(self, command: Sequence[str], job: Job, clock: Clock) -> None:
        self._command, self._job, self._clock = list(command), job, clock
        self.process: subprocess.Popen[bytes] | None = None

    def __call__(self) -> Reached:
        """Start it, wait until it has begun, connect."""
        return _told(self._start)

    def _start(self) -> Reached:
        core = self.process = subprocess.Popen(
            self._command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            process_group=0,
        )
        assert core.stdin is not None
        assert core.stdout is not None
        try:
            with core.stdout as answer:
                with contextlib.suppress(BrokenPipeError), core.stdin as channel:
                    channel.write(msgspec.json.encode(self._job))
                line = answer.readline()
            if not line:
                return Reached(
                    StartReport(error="the core died at its start; see the log", code=1), core
                )
            begun = msgspec.json.decode(line, type=StartReport)
            if begun.error:
                return Reached(begun, core)
            client = Client.connect(Path(begun.address), "supervisor", False, self._clock)
        except BaseException:
            core.kill()
            raise
        return Reached(begun, core, client)


class Adopt:
    """Connects to the core that runs on a store, when it is called."""

    process = None

    def __init__(self, store: Path, clock: Clock) -> None:
        self._store, self._clock = store, clock

    def __call__(self) -> Reached:
        """Connect, and learn who it is."""
        return _told(self._adopt)

    def _adopt(self) -> Reached:
        address = address_of(self._store)
        client = Client.connect(address, "supervisor", False, self._clock)
        try:
            hello = client.receive(HELLO_S)
        except BaseException:
            client.close()
            raise
        if not isinstance(hello, Hello):
            client.close()
            return Reached(StartReport(error="the core does not answer", code=1))
        begun = StartReport(address=str(address), sessions=hello.sessions)
        return Reached(begun, AdoptedCore(hello.pid), client)


def _told(call: Callable[[], Reached]) -> Reached:
    """What a call reached, or in words why it reached nothing."""
    try:
        return call()
    except ApexbeatError as error:
        return Reached(StartReport(error=str(error), code=error.exit_code))
    except Gone as error:
        return Reached(StartReport(error=f"the core is gone ({error})", code=1))
    except msgspec.MsgspecError:
        return Reached(StartReport(error="the core died at its start; see the log", code=1))
    except (OSError, MemoryError, RuntimeError, ValueError) as error:
        words = str(error) or type(error).__name__
        return Reached(StartReport(error=f"no core can be started: {words}", code=1))
