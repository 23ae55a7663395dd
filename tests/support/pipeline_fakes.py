"""Stand-ins for the pipeline's tests: cycles from the truth, a model with a written rule."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import msgspec
import numpy as np

from dsp.chain import Chain
from dsp.cycles.beat import Beat
from dsp.phantom import Phantom, render
from dsp.quality import Span
from dsp.windows import Windows
from monitor import events as ev
from monitor.analysis.pipeline import Pipeline
from monitor.analysis.stages import Stages
from monitor.config.load import Settings


@dataclass
class Decided:
    beats: list[Beat] = field(default_factory=list)
    s1: list[int] = field(default_factory=list)
    settled: int = 0


class TrueCycles:
    """Tells the truth, ``lag`` samples late."""

    def __init__(self, beats: Iterable[Beat], lag: int = 3000) -> None:
        self.beats = list(beats)
        self.delay = lag
        self.index = 0
        self.told = self.told_s1 = 0

    def push(self, x: np.ndarray) -> Decided:
        self.index += len(x)
        return self._until(self.index - self.delay)

    def flush(self) -> Decided:
        return self._until(self.index)

    def reset(self, index: int) -> None:
        self.index = self.told = self.told_s1 = index

    def _until(self, index: int) -> Decided:
        out = Decided()
        for b in self.beats:
            done = b.end if b.end is not None else b.s1
            if done is not None and self.told < done <= index:
                out.beats.append(b)
            if b.s1 is not None and self.told_s1 <= b.s1 < index:
                out.s1.append(b.s1)
        self.told, self.told_s1 = max(index, self.told), max(index, self.told_s1)
        out.settled = self.told_s1
        return out


class PlainQuality:
    """Flat where nothing is, else good; each span is judged one span late."""

    def __init__(self) -> None:
        self.reset(0)

    def push(self, raw: np.ndarray, filtered: np.ndarray) -> list[Span]:
        self.sound = np.concatenate((self.sound, raw))
        return self._spans(1000)

    def flush(self) -> list[Span]:
        return self._spans(0)

    def reset(self, index: int) -> None:
        self.start, self.sound = index, np.zeros(0)

    def _spans(self, ahead: int) -> list[Span]:
        spans = []
        while len(self.sound) > ahead:
            length = min(1000 - self.start % 1000, len(self.sound) - ahead)
            if ahead and length < 1000 - self.start % 1000:
                break
            value = "good" if np.ptp(self.sound[:length]) > 1e-6 else "flat"
            spans.append(Span(self.start, self.start + length, value, ""))
            self.start, self.sound = self.start + length, self.sound[length:]
        return spans


@dataclass
class Contract:
    threshold_normal: float = 0.4
    threshold_abnormal: float = 0.7
    window: str = "full"


class EnergyModel:
    """p is high where the sound between S1 and S2 is loud against the whole window."""

    def __init__(self) -> None:
        self.contract = Contract()
        self.calls: list[int] = []

    def probability(self, windows: np.ndarray) -> np.ndarray:
        self.calls.append(len(windows))
        x = windows.astype(np.float64)
        ratio = x[:, 300:550].std(axis=1) / (x.std(axis=1) + 1e-9)
        return 1 / (1 + np.exp(-(ratio - 0.25) * 20))


def pipeline(
    beats: Iterable[Beat] = (),
    settings: Settings | None = None,
    engine: object | None = None,
    rate_hz: int = 2000,
    channels: int = 1,
    **kwargs: object,
) -> Pipeline:
    parts = Stages(Chain(rate_hz, channels), TrueCycles(beats), PlainQuality(), Windows("full"))
    model = EnergyModel() if engine is None else engine
    return Pipeline(
        settings or Settings(), model, None, "test", rate_hz, channels, parts=parts, **kwargs
    )


def blocks(sound: np.ndarray, size: int, rate_hz: int = 2000) -> Iterator[ev.Block]:
    frames = np.asarray(sound, dtype=np.float32)
    frames = frames[:, None] if frames.ndim == 1 else frames
    for at in range(0, len(frames), size):
        yield ev.Block(frames[at : at + size], rate_hz, at)


def run(pipe: Pipeline, inputs: Iterable[ev.Input]) -> list[ev.Event]:
    lines: list[ev.Event] = []
    for item in inputs:
        lines += pipe.push(item).events
    return lines + list(pipe.finish().events)


def heart(seconds: float = 20.0, seed: int = 1, **kwargs: object) -> tuple[np.ndarray, list[Beat]]:
    made = render(Phantom(duration_s=seconds, seed=seed, **kwargs), 2000)
    return made.sound.astype(np.float32), made.beats


SOUND, BEATS = heart(20.0)


def of(kind, lines):
    return [line for line in lines if isinstance(line, kind)]


def encoded(lines):
    return b"\n".join(msgspec.json.encode(line) for line in lines)


def with_gap(at=10_400, length=3000, size=997):
    first = list(blocks(SOUND[:at], size))
    rest = list(blocks(SOUND[at + length :], size))
    return [*first, ev.Lost(at, length, 40, "overflow"), *rest]
