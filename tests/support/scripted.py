"""A phantom as a scripted device in virtual time, and a live session around it."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import numpy as np
from clocks import VirtualClock
from store_rows import a_session

from dsp.cycles.model import CycleModel
from dsp.phantom import PRESETS, PhantomStream
from models import shipped
from monitor import events as ev
from monitor.assembly import Models, build_pipeline
from monitor.capture.driver import CaptureSink
from monitor.capture.stream import Capture
from monitor.clock import Clock
from monitor.config.load import Settings
from monitor.errors import DeviceError
from monitor.link.messages import EventLine, FromCore, Status
from monitor.live.context import SessionContext
from monitor.live.session import LiveSession
from monitor.live.sinks import Folder
from monitor.record.clips import Clips
from monitor.record.store import Store
from monitor.view.state import AlarmLog

RATE = 4000
BLOCK = 400


class ScriptedPhantom:
    """A driver; the test decides what comes."""

    kind: Literal["live", "phantom"] = "phantom"

    def __init__(self, preset: str) -> None:
        self.name = preset
        self.port: CaptureSink | None = None
        self.present = True
        self.elsewhere: str | None = None
        self.made = 0
        self._stream = PhantomStream(PRESETS[preset], RATE)

    def resolve(self) -> tuple[int, int]:
        if not self.present:
            raise DeviceError(f"{self.name}: not connected")
        return RATE, 1

    def open(self, port: CaptureSink) -> ScriptedPhantom:
        self.port, self.elsewhere = port, None
        return self

    def moved(self) -> str | None:
        return self.elsewhere

    def close(self) -> None:
        self.port = None

    def deliver(self, flags: tuple[str, ...] = (), arrives: bool = True) -> None:
        """One block is made; it is lost where it does not arrive."""
        sound = self._stream.read(BLOCK)
        self.made += BLOCK
        frames = np.clip(np.round(sound * 32768), -32768, 32767).astype(np.int16)[:, None]
        if self.port is not None and arrives:
            self.port.deliver(frames, flags)


class Rig:
    """Store, device and session, driven by `run`."""

    def __init__(
        self,
        folder: Path,
        device: str | ScriptedPhantom,
        record: Callable[[Capture], Folder] | None = None,
        clips: bool = False,
        models: Models | None = None,
        disk_clock: Clock | None = None,
    ) -> None:
        """Begin; ``disk_clock`` is that of the store's thread, by default the virtual one."""
        self.clock = VirtualClock()
        self.store = Store(folder, disk_clock or self.clock)
        self.device = ScriptedPhantom(device) if isinstance(device, str) else device
        self.messages: list[FromCore] = []
        self.inbox: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self.capture = Capture(self.device, self.clock, threading.Event())
        self.capture.start(10)
        models = models or Models(None, CycleModel.from_arrays(shipped.cycles_arrays()), {})
        pipeline = build_pipeline(Settings(), models, self.device.name, RATE, 1)
        ties = SessionContext(self.clock, self.store, self.take, self.inbox.put, "boot")
        self.store.begin(a_session("s", started=self.clock.wall()))
        written = None if record is None else record(self.capture)
        self.session = LiveSession(
            "s", self.capture, pipeline, ties, AlarmLog(), folder=written,
            clips=Clips(folder, "s", self.clock, set) if clips else None,
        )  # fmt: skip

    def take(self, message: FromCore) -> None:
        """Keep what screens are told."""
        self.messages.append(message)

    def run(self, seconds: float, delivers: bool = True, true_hz: float = RATE) -> None:
        """Let time pass; the device makes ``true_hz`` frames a second."""
        for _ in range(round(seconds * true_hz / BLOCK)):
            self.clock.now += BLOCK / true_hz
            if delivers:
                self.device.deliver()
            self.look()

    def look(self) -> None:
        """The analysis thread comes round once."""
        self.capture.settle(10)
        self.session.step()
        self.take_inbox()

    def stall(self, seconds: float) -> None:
        """Nothing comes and nobody looks; then the device delivers all of it at once."""
        self.clock.now += seconds
        for _ in range(round(seconds * RATE / BLOCK)):
            self.device.deliver()
        self.look()

    def take_inbox(self) -> None:
        """Run what other threads asked for."""
        while not self.inbox.empty():
            self.inbox.get()()

    @property
    def status(self) -> Status:
        """The newest status."""
        return [m for m in self.messages if isinstance(m, Status)][-1]

    def events(self, kind: type[ev.Event]) -> list[ev.Event]:
        """What was published, of one type."""
        lines = [m.event for m in self.messages if isinstance(m, EventLine)]
        return [event for event in lines if isinstance(event, kind)]

    def close(self) -> None:
        """End it in order."""
        self.session.end("test over")
        assert self.store.close(30)
