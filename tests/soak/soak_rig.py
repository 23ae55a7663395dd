"""A whole live session in virtual time: a device that loops over a phantom, with faults by plan.

Capture, ledger, pipeline, alarms, store and messages are the product's; only device and clock are
ours. The store keeps the machine's time, and a run waits for it now and then.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scripted import RATE, Rig, ScriptedPhantom

from dsp.phantom import PRESETS, PhantomStream
from dsp.stage import RATE_HZ
from monitor import events as ev
from monitor.assembly import Models
from monitor.clock import SystemClock
from monitor.link.frames import encode
from monitor.link.messages import EventLine, FromCore
from monitor.link.requests import request

TURN_S = 0.5
"""Seconds between two looks of the analysis thread."""
LOOP_S = 120


def loop(preset: str, seconds: int = LOOP_S) -> NDArray[np.int16]:
    """Frames int16 [n, 1] of a phantom that are played again and again."""
    sound = PhantomStream(PRESETS[preset], RATE).read(seconds * RATE)
    return np.clip(np.round(sound * 32768), -32768, 32767).astype(np.int16)[:, None]


class LoopingDevice(ScriptedPhantom):
    """A device that plays loops; it can be pulled out."""

    def __init__(self, presets: tuple[str, ...]) -> None:
        super().__init__(presets[0])
        self._loops = [loop(preset) for preset in presets]
        self.choose(0)

    def choose(self, number: int) -> None:
        """Play another phantom from now on."""
        self._chosen = self._loops[number % len(self._loops)]
        self._at = 0

    def pull(self) -> None:
        """The cable is out: the stream ends, opening fails."""
        self.present = False
        if self.port is not None:
            self.port.end("device unplugged")

    def play(self, count: int, flags: tuple[str, ...] = ()) -> None:
        """Play ``count`` frames; they are lost if nobody listens."""
        sound = np.take(self._chosen, range(self._at, self._at + count), axis=0, mode="wrap")
        self._at = (self._at + count) % len(self._chosen)
        if count and self.port is not None and self.port.live:
            self.port.deliver(sound, flags)


class SoakRig(Rig):
    """A session on a looping device, and a tally of what it published."""

    device: LoopingDevice

    def __init__(self, folder: Path, models: Models, presets: tuple[str, ...]) -> None:
        self.lines: Counter[str] = Counter()
        self.told = 0
        self.bytes = 0
        self.holes = 0
        self.backwards = 0
        self.faults: Counter[str] = Counter()
        self.alarms: Counter[str] = Counter()
        self.windows = _Windows()
        self.answers: list[bool] = []
        self.asked = 0
        self._answered = threading.Event()
        self._next_seq = 0
        self._index = 0
        super().__init__(folder, LoopingDevice(presets), models=models, disk_clock=SystemClock())

    def take(self, message: FromCore) -> None:
        """What a screen would get: encoded as on the socket, counted, forgotten."""
        self.told += 1
        self.bytes += len(encode(message))
        if not isinstance(message, EventLine):
            return
        event = message.event
        self.holes += message.seq != self._next_seq
        self._next_seq = message.seq + 1
        self.backwards += event.index < self._index
        self._index = event.index
        self.lines[type(event).__name__.lower()] += 1
        self.windows.take(event)
        if isinstance(event, ev.Fault):
            self.faults[event.what] += 1
        if isinstance(event, ev.Alarm) and event.state == "active":
            self.alarms[event.kind] += 1

    def turn(self, frames: int | None = None, flags: tuple[str, ...] = ()) -> None:
        """Let half a second pass; the device plays it, or only ``frames`` of it."""
        self.clock.now += TURN_S
        self.device.play(round(TURN_S * RATE) if frames is None else frames, flags)
        self.capture.settle(10)
        while self.session.step():
            self.take_inbox()
        self.take_inbox()

    def ask(self, what: str, **fields: object) -> None:
        """A person asks; the answer is counted when it comes."""
        self.asked += 1
        asked = request(what, id=1, session="s", **fields)
        self.session.ask(asked, "soak", self._answer)

    def _answer(self, ok: bool, error: str) -> None:
        self.answers.append(ok)
        self._answered.set()

    def confirmed(self, limit_s: float = 60.0) -> None:
        """Wait until everything asked for is answered: then all before it is on the disk.

        Raises
        ------
        TimeoutError
            If the disk does not confirm.
        """
        end_s = time.monotonic() + limit_s
        while len(self.answers) < self.asked:
            if time.monotonic() > end_s:
                raise TimeoutError("the store does not confirm")
            self._answered.wait(0.05)
            self._answered.clear()
        self.take_inbox()


class _Windows:
    """Whether every S1 has its window, once: a window is due until the sound after it was lost."""

    def __init__(self) -> None:
        self._due: dict[int, bool] = {}
        self._last = -1
        self.doubled = 0
        self.missed = 0
        self.foreign = 0
        self.seen = 0

    def take(self, event: ev.Event) -> None:
        if isinstance(event, ev.Beat) and event.s1 is not None:
            self._due[event.s1] = self._due.get(event.s1, False)
        elif isinstance(event, ev.Window):
            self.seen += 1
            self.doubled += event.start <= self._last
            self._last = event.start
            self._due[event.start] = True
        if len(self._due) > 400:
            self._settle(event.index - 20 * RATE_HZ)

    def _settle(self, before: int) -> None:
        for s1 in [s1 for s1 in self._due if s1 < before]:
            self.missed += not self._due.pop(s1)

    def end(self) -> None:
        """Everything is due now."""
        self._settle(1 << 62)
