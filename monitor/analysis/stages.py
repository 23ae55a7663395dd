"""The stages of one stream behind protocols: built from settings, or handed in by a test."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import TYPE_CHECKING, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from dsp.chain import Chain
from dsp.cycles.beat import Beat
from dsp.quality import QualityIndex, Span
from dsp.stage import FloatArray
from dsp.windows import Mode, Windows

if TYPE_CHECKING:
    from dsp.cycles.model import CycleModel


class ChainStage(Protocol):
    """Frames to sound at 2 kHz; ``raw`` is the same before the filter."""

    @property
    def delay(self) -> int: ...
    @property
    def least_delay(self) -> int: ...
    @property
    def raw(self) -> FloatArray: ...
    def push(self, frames: NDArray[np.float32]) -> FloatArray: ...
    def flush(self) -> FloatArray: ...
    def reset(self, index: int) -> None: ...
    def hum_hz(self, start: int, end: int) -> int: ...


class Decoded(Protocol):
    """Beats and S1 onsets that are now certain, and the index up to which all are known."""

    @property
    def beats(self) -> Sequence[Beat]: ...
    @property
    def s1(self) -> Sequence[int]: ...
    @property
    def settled(self) -> int: ...


class CycleStage(Protocol):
    """Sound to beats."""

    @property
    def delay(self) -> int: ...
    def push(self, x: FloatArray) -> Decoded: ...
    def flush(self) -> Decoded: ...
    def reset(self, index: int) -> None: ...


class QualityStage(Protocol):
    """Sound to spans of quality."""

    def push(self, raw: FloatArray, filtered: FloatArray) -> Sequence[Span]: ...
    def flush(self) -> Sequence[Span]: ...
    def reset(self, index: int) -> None: ...


Said = TypeVar("Said")


def by_step(
    stage: object, push: Callable[..., Said], sizes: Sequence[int], *samples: FloatArray
) -> Iterator[Said]:
    """Yield what a stage says of each of consecutive steps of so many samples.

    A stage that has ``push_steps(sizes, *samples)`` is handed all of them at once: it returns a
    list of what its ``push`` would have returned for each.
    """
    at_once: Callable[..., list[Said]] | None = getattr(stage, "push_steps", None)
    if at_once is not None and len(sizes) > 1:
        yield from at_once(sizes, *samples)
        return
    for end, size in zip(accumulate(sizes), sizes, strict=True):
        yield push(*(x[end - size : end] for x in samples))


class ModelContract(Protocol):
    """What the verdict needs to know of a model."""

    @property
    def threshold_normal(self) -> float: ...
    @property
    def threshold_abnormal(self) -> float: ...
    @property
    def window(self) -> Mode: ...


class Model(Protocol):
    """p(abnormal) of windows."""

    @property
    def contract(self) -> ModelContract: ...
    def probability(self, windows: NDArray[np.float32]) -> NDArray[np.float64]:
        """float32 [n, 5000] to float64 [n]."""
        ...


@dataclass
class Stages:
    """One stream's stages; each keeps its own state."""

    chain: ChainStage
    cycles: CycleStage
    quality: QualityStage
    windows: Windows

    @property
    def delay(self) -> int:
        """Samples at 2 kHz from a sound to its beat, at the most (the start excepted)."""
        return self.chain.delay + self.cycles.delay

    def reset(self, index: int) -> None:
        """Start all of them afresh at ``index``."""
        self.chain.reset(index)
        self.reset_after_chain(index)

    def reset_after_chain(self, index: int) -> None:
        """Start afresh what hears the chain."""
        self.cycles.reset(index)
        self.quality.reset(index)
        self.windows.reset(index)


def build(
    cycle_model: CycleModel, rate_hz: int, channels: int, channel: int, window: Mode
) -> Stages:
    """Make the stages of a stream.

    Parameters
    ----------
    channel
        Counted from 1; 0 mixes all.

    Raises
    ------
    ValueError
        If rate or channel is out of range.
    """
    from dsp.cycles.decoder import CycleDecoder

    chain = Chain(rate_hz, channels, channel - 1 if channel else None)
    return Stages(chain, CycleDecoder(cycle_model), QualityIndex(chain.flat_tops), Windows(window))
