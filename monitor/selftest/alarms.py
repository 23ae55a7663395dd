"""``apexbeat selftest --alarm``: every row of the alarm table, raised and acknowledged for real.

Each alarm is provoked in a pipeline of its own, with the settings in force: by a phantom that the
decoder hears, by lost sound, or by what capture and record would report. Then each priority is
played on the output.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from dsp.phantom import PRESETS, Phantom, render
from monitor import events as ev
from monitor.alarms.table import TABLE
from monitor.analysis.pipeline import Pipeline
from monitor.analysis.stages import Model
from monitor.assembly import Models, build_pipeline, open_models
from monitor.clock import Clock
from monitor.config.load import Settings
from monitor.events import RATE_HZ
from monitor.selftest.installation import Failed
from monitor.sound.output import HANG_S, Play, portaudio
from monitor.sound.tones import PATTERNS

DEVICE_HZ = 4000
BEYOND = 25.0
"""1/min by which a phantom goes beyond the outer limit of the rate."""

REPORTED = (
    "wrong_input", "clock", "behind", "cannot_record", "supervisor_lost", "alarms_unheard",
    "analysis_fault",
)  # fmt: skip
"""Alarms whose condition others watch and report."""

Scene = tuple[Iterator[ev.Input], Model | None]


class Certain:
    """A model that calls every window abnormal: the student's own word is not the alarm's test."""

    def __init__(self, engine: Model) -> None:
        self.contract = engine.contract

    def probability(self, windows: NDArray[np.float32]) -> NDArray[np.float64]:
        return np.full(len(windows), 0.999)


def checks(settings: Settings, clock: Clock) -> list[tuple[str, Callable[[], str]]]:
    """Return title and check, in order; a check returns words or raises ``Failed``.

    Raises
    ------
    ModelError
        If the models are refused.
    """
    models = open_models(settings)
    found: list[tuple[str, Callable[[], str]]] = [
        (rule.kind, partial(_raised, rule.kind, settings, models)) for rule in TABLE
    ]
    if settings.sound.alarms:
        play = portaudio(settings.sound.output, settings.sound.volume)
        found += [(f"sound, {p}", partial(_played, p, play, clock)) for p in PATTERNS]
    return found


def _raised(kind: str, settings: Settings, models: Models) -> str:
    inputs, engine = _scene(kind, settings, models)
    pipe = build_pipeline(settings, replace(models, engine=engine), "selftest", DEVICE_HZ, 1)
    for item in inputs:
        for line in pipe.push(item).events:
            if isinstance(line, ev.Alarm) and line.kind == kind and line.state == "active":
                return _acknowledged(pipe, line)
    raise Failed("was not raised")


def _acknowledged(pipe: Pipeline, raised: ev.Alarm) -> str:
    pipe.push(ev.Command(kind="acknowledge", index=pipe.index, alarm=raised.kind))
    lines = [*pipe.push(ev.Idle(1.0)).events, *pipe.finish().events]
    states = [a.state for a in lines if isinstance(a, ev.Alarm) and a.kind == raised.kind]
    if not {"acknowledged", "inactive"} & set(states):
        raise Failed("was raised, and not acknowledged")
    return f"{raised.priority}, raised after {raised.index / RATE_HZ:.1f} s, acknowledged"


def _scene(kind: str, settings: Settings, models: Models) -> Scene:
    """What provokes an alarm, and the model that listens."""
    engine, limits = models.engine, settings.alarms
    assert engine is not None
    fast = min(215.0, limits.tachycardia_extreme + BEYOND)
    slow = max(30.0, limits.bradycardia_extreme - BEYOND / 5)
    if kind == "abnormal_sound":
        return _heart(PRESETS["normal"]), Certain(engine)
    if kind.startswith("tachycardia"):
        return _heart(replace(PRESETS["fast"], rate_per_min=fast)), None
    if kind.startswith("bradycardia"):
        return _heart(replace(PRESETS["slow"], rate_per_min=slow)), None
    if kind == "irregular":
        return _heart(PRESETS["irregular"], times=2), None
    if kind == "heart_lost":
        return _heart(PRESETS["stop"]), None
    if kind == "pause":
        return _paused(limits.pause_s + 2.0), None
    if kind == "poor_signal":
        return _blocks(np.zeros(40 * DEVICE_HZ, np.float32)), None
    if kind == "model_refused":
        return _heart(PRESETS["normal"]), None
    return _technical(kind), engine


def _technical(kind: str) -> Iterator[ev.Input]:
    heart = list(_heart(PRESETS["normal"]))[:10]
    yield from heart
    if kind == "signal_lost":
        yield ev.Idle(3.0)
    elif kind == "gaps":
        yield ev.Lost(len(heart) * 2000, 4000, 0, "selftest")
    elif kind in REPORTED:
        yield ev.Condition(kind, True, "selftest")
    else:
        raise Failed("no scene provokes it")
    yield from _blocks(np.zeros(2 * DEVICE_HZ, np.float32), len(heart) * DEVICE_HZ)


def _heart(phantom: Phantom, times: int = 1) -> Iterator[ev.Input]:
    return _blocks(np.tile(render(phantom, DEVICE_HZ).sound.astype(np.float32), times))


def _paused(seconds: float) -> Iterator[ev.Input]:
    """A heart that pauses in clear sound, and goes on."""
    heart = render(PRESETS["normal"], DEVICE_HZ).sound[: 15 * DEVICE_HZ].astype(np.float32)
    faint = np.random.default_rng(1).normal(0, 1e-3, round(seconds * DEVICE_HZ)).astype(np.float32)
    return _blocks(np.concatenate([heart, faint, heart]))


def _blocks(sound: NDArray[np.float32], first: int = 0) -> Iterator[ev.Input]:
    for at in range(0, len(sound), DEVICE_HZ):
        yield ev.Block(sound[at : at + DEVICE_HZ, None], DEVICE_HZ, first + at)


def _played(priority: ev.Priority, play: Play, clock: Clock) -> str:
    """Play one burst to its end, on a thread that may hang."""
    trouble: list[str] = []

    def run() -> None:
        try:
            play(priority, threading.Event())
        except OSError as error:
            trouble.append(str(error))

    begun_s = clock.monotonic()
    thread = threading.Thread(target=run, name="alarm-sound", daemon=True)
    thread.start()
    thread.join(PATTERNS[priority].burst_s + HANG_S)
    if thread.is_alive():
        raise Failed("the audio output hangs; the terminal's bell would ring")
    if trouble:
        raise Failed(f"{trouble[0]}; the terminal's bell would ring")
    return f"played in {clock.monotonic() - begun_s:.1f} s: was it heard where you will be?"
