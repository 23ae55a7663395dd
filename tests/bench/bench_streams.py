"""Scaling: with the length of a recording, with the number of streams; delays of a beat."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from bench_reference import cpu_of

from dsp.phantom import PRESETS, PhantomStream
from dsp.stage import RATE_HZ
from monitor import events as ev
from monitor.analysis.pipeline import Pipeline
from monitor.assembly import Models
from monitor.clock import SystemClock
from monitor.config.load import Settings
from monitor.record.store import Store

RATE = 4000


@dataclass
class Counted:
    """What many streams gave: lines by type, gaps, faults, sound in seconds, CPU seconds."""

    sound_s: float
    cpu_s: float
    lines: dict[str, int]

    @property
    def streams_per_core(self) -> float:
        """How many such streams one core keeps up with."""
        return self.sound_s / self.cpu_s


def _blocks(preset: str, seconds: float, block_s: float) -> Iterator[ev.Block]:
    stream = PhantomStream(PRESETS[preset], RATE)
    count = round(block_s * RATE)
    for index in range(0, round(seconds * RATE), count):
        yield ev.Block(stream.read(count).astype(np.float32)[:, None], RATE, index)


def many_streams(count: int, seconds: float, models: Models, folder: Path) -> Counted:
    """Run ``count`` pipelines in turns, blocks of 0.1 s, one model and one store between them."""
    store = Store(folder, SystemClock())
    blocks = list(_blocks("murmur", seconds, 0.1))
    pipelines = [
        Pipeline(Settings(), models.engine, models.cycles, f"s{k}", RATE, 1) for k in range(count)
    ]
    lines: dict[str, int] = {}
    numbers = [0] * count

    def take(k: int, output: ev.Output) -> None:
        for event in output.events:
            kind = type(event).__name__.lower()
            lines[kind] = lines.get(kind, 0) + 1
        if output.events:
            store.events(f"s{k}", numbers[k], output.events)
            numbers[k] += len(output.events)

    def all_of_them() -> None:
        for block in blocks:
            for k, pipeline in enumerate(pipelines):
                take(k, pipeline.push(block))
        for k, pipeline in enumerate(pipelines):
            take(k, pipeline.finish())
        store.close(60)

    cpu_s = cpu_of(all_of_them)
    return Counted(count * seconds, cpu_s, lines)


@dataclass
class Delays:
    """Of beats, ms: from the end of a cycle to the step that tells it (in sound), and live from
    there to the row on the disk."""

    decided_ms: list[float]
    committed_ms: list[float]


def delay_in_sound(models: Models, seconds: float) -> list[float]:
    """Ms of sound between the last sample of each cycle and the end of the step that tells it."""
    pipeline = Pipeline(Settings(), models.engine, models.cycles, "delay", RATE, 1)
    events: list[ev.Event] = []
    for block in _blocks("normal", seconds, 0.1):
        events += pipeline.push(block).events
    return [
        (beat.index - beat.end) / RATE_HZ * 1e3
        for beat in events
        if isinstance(beat, ev.Beat) and beat.end is not None and beat.end > 6 * RATE_HZ
    ]


def delay_to_disk(models: Models, seconds: float, folder: Path) -> Delays:
    """Live, by the machine's clock: a phantom device, a whole session, a store."""
    from monitor.capture.phantom_device import PhantomDevice
    from monitor.capture.stream import Capture

    clock = SystemClock()
    wake = threading.Event()
    store = Store(folder, clock)
    told: queue.SimpleQueue[tuple[ev.Beat, float]] = queue.SimpleQueue()
    _tell_commits(store, clock.boot, told)
    capture = Capture(PhantomDevice("normal", clock), clock, wake)
    capture.start(10)
    pipeline = Pipeline(
        Settings(), models.engine, models.cycles, "live", capture.rate_hz, capture.channels
    )
    number = 0
    zero = float("inf")
    begun = time.monotonic()
    while time.monotonic() - begun < seconds:
        wake.wait(0.1)
        wake.clear()
        for item in capture.poll():
            output = pipeline.push(item)
            store.events("live", number, output.events)
            number += len(output.events)
        if capture.begun:
            zero = min(zero, clock.boot() - capture.index_now / RATE_HZ)
    for item in capture.end():
        pipeline.push(item)
    capture.close()
    store.close(10)
    delays = Delays([], [])
    while not told.empty():
        beat, at = told.get()
        if beat.end is not None and beat.end > 6 * RATE_HZ:
            delays.decided_ms.append((beat.index - beat.end) / RATE_HZ * 1e3)
            delays.committed_ms.append((at - zero - beat.end / RATE_HZ) * 1e3)
    return delays


def _tell_commits(store: Store, now: Callable[[], float], told: queue.SimpleQueue[Any]) -> None:
    """Have every row of a beat say when it is on the disk."""
    from monitor.record.store import _decode

    put = store.writer.put

    def watched(*rows: Any) -> None:
        out = []
        for row in rows:
            done = row.done
            if row.sql.startswith("INSERT INTO events") and row.values[3] == "beat":
                beat = _decode(row.values[4])
                done = lambda beat=beat: told.put((beat, now()))  # noqa: E731
            out.append(replace(row, done=done))
        put(*out)

    store.writer.put = watched  # type: ignore[method-assign]
