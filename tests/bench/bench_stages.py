"""Whole-pipeline replay by stage: CPU time of its own of each, from file to event file.

The methods of the product's classes are wrapped while it runs; what a wrapped method spends in
another wrapped one is counted there.
"""

from __future__ import annotations

import importlib
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

from dsp.phantom import PRESETS, PhantomStream
from monitor.analysis.summary import Summary
from monitor.assembly import Models
from monitor.config.load import Settings
from monitor.replay import batch as rp

STAGES: tuple[tuple[str, str, str, str], ...] = (
    ("decode", "monitor.capture.files", "FileSource", "_next"),
    ("resample", "dsp.resample", "Resampler", "push flush"),
    ("filter", "dsp.filter", "BandPass", "push flush"),
    ("spikes", "dsp.spikes", "SpikeRemoval", "push flush"),
    ("bands (of cycles)", "dsp.cycles.emission", "", "log_bands"),
    ("network (of cycles)", "dsp.cycles.network", "TemporalNetwork", "push"),
    ("emission, the rest", "dsp.cycles.emission", "NetworkEmission", "push_steps flush"),
    ("HSMM", "dsp.cycles.lattice", "Lattice", "push"),
    ("HSMM, way back and beats", "dsp.cycles.decoder", "CycleDecoder", "push_steps flush"),
    ("quality", "dsp.quality", "QualityIndex", "push_steps flush"),
    ("windows", "dsp.windows", "Windows", "push"),
    ("MFCC and student", "models.engine", "Opened", "probability"),
    ("vitals", "monitor.analysis.vitals", "VitalsTracker", "beat quality vitals over"),
    ("verdict", "monitor.analysis.verdict", "VerdictTracker", "window verdict record"),
    ("alarms", "monitor.analysis.alarms", "", "step"),
    ("event file", "monitor.record.eventfile", "EventFile", "write commit"),
    ("summary", "monitor.analysis.summary", "Collector", "take result"),
)
"""Stage, module, class (empty: a function of the module), methods."""

REST = "pipeline's own, rest"


@dataclass
class Spent:
    """CPU seconds and calls by stage."""

    seconds: dict[str, float] = field(default_factory=dict)
    calls: dict[str, int] = field(default_factory=dict)
    total: float = 0.0
    sound_s: float = 0.0
    summary: Summary | None = None

    def table(self) -> dict[str, float]:
        """Seconds by stage, the rest among them."""
        return self.seconds | {REST: self.total - sum(self.seconds.values())}


class _Meter:
    def __init__(self) -> None:
        self.spent = Spent({name: 0.0 for name, *_ in STAGES}, {name: 0 for name, *_ in STAGES})
        self._inner = [0.0]

    def wrap(self, name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        spent, inner, clock = self.spent, self._inner, time.thread_time

        def timed(*args: Any, **kwargs: Any) -> Any:
            inner.append(0.0)
            begun = clock()
            try:
                return call(*args, **kwargs)
            finally:
                took = clock() - begun
                spent.seconds[name] += took - inner.pop()
                spent.calls[name] += 1
                inner[-1] += took

        return timed


@contextmanager
def measured() -> Iterator[Spent]:
    """Wrap the stages while the block runs."""
    meter = _Meter()
    undo: list[tuple[Any, str, Any]] = []
    try:
        for name, module, owner, methods in STAGES:
            where: Any = importlib.import_module(module)
            for part in filter(None, owner.split(".")):
                where = getattr(where, part)
            for method in methods.split():
                before = getattr(where, method)
                undo.append((where, method, before))
                setattr(where, method, meter.wrap(name, before))
        yield meter.spent
    finally:
        for where, method, before in reversed(undo):
            setattr(where, method, before)


def write_phantom(path: Path, seconds: float, preset: str = "murmur", rate_hz: int = 4000) -> Path:
    """A phantom as a 16-bit file of any length, never held whole."""
    stream = PhantomStream(PRESETS[preset], rate_hz)
    with soundfile.SoundFile(path, "w", rate_hz, 1, "PCM_16") as file:
        left = round(seconds * rate_hz)
        while left:
            count = min(left, 60 * rate_hz)
            file.write(np.clip(stream.read(count), -1, 1))
            left -= count
    return path


def replay(path: Path, models: Models, events: Path, stages: bool = True) -> Spent:
    """Replay one file into an event file; CPU time by stage, or only the whole."""
    options = rp.Options(events=events, overwrite=True)
    spent = Spent()
    begun = time.thread_time()
    if stages:
        with measured() as spent:
            begun = time.thread_time()
            summary = rp.replay_file(path, Settings(), models, options)
            spent.total = time.thread_time() - begun
    else:
        summary = rp.replay_file(path, Settings(), models, options)
        spent.total = time.thread_time() - begun
    spent.sound_s, spent.summary = summary.duration_s, summary
    return spent
