"""A dilated temporal network run in numpy, block by block.

In: normalised features float32 [25, 16] per block. Out: log posteriors float32 [25, 5] of S1,
systole, S2, diastole and "none", for the frames ``ahead`` before. Each layer keeps the frames
that its oldest taps still need, so a frame is computed once; all products have fixed shapes.
Frames before the start and after the end are zero in every layer, as they were in training.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import as_strided
from numpy.typing import NDArray

from dsp.cycles.bands import BLOCK, FEATURES, Float32

TAPS = 3
CLASSES = 5


@dataclass(frozen=True, slots=True)
class Layer:
    """Weights of a convolution with the bias as last row: float32 [3 * in + 1, out]."""

    weight: Float32
    dilation: int
    ahead: int


@dataclass(frozen=True, slots=True)
class Weights:
    """All layers, and the head float32 [channels + 1, 5]."""

    layers: tuple[Layer, ...]
    head: Float32

    @property
    def ahead(self) -> int:
        """Frames of look-ahead of the whole network."""
        return sum(layer.dilation * layer.ahead for layer in self.layers)


def _with_bias(arrays: Mapping[str, NDArray[np.float32]], name: str) -> Float32:
    weight, bias = arrays[f"{name}.weight"], arrays[f"{name}.bias"]
    return np.ascontiguousarray(np.concatenate([weight, bias[None]]), dtype=np.float32)


def read_weights(arrays: Mapping[str, NDArray[np.float32]]) -> Weights:
    """Assemble the network from named arrays.

    Raises
    ------
    KeyError
        When an array is missing.
    ValueError
        When shapes do not fit each other.
    """
    layout = arrays["network.layers"].astype(int)
    width, layers = FEATURES, []
    for k, (dilation, ahead) in enumerate(layout):
        weight = _with_bias(arrays, f"network.{k}")
        if weight.shape[0] != TAPS * width + 1 or not 0 <= ahead < TAPS or dilation < 1:
            raise ValueError(f"layer {k} of the cycle network does not fit the one before it")
        layers.append(Layer(weight, int(dilation), int(ahead)))
        width = weight.shape[1]
    head = _with_bias(arrays, "network.head")
    if head.shape != (width + 1, CLASSES):
        raise ValueError("the head of the cycle network does not fit its last layer")
    return Weights(tuple(layers), head)


class _Stage:
    """One layer with its past: input rows [2 * dilation + 25, in], the newest last."""

    def __init__(self, layer: Layer) -> None:
        width = (layer.weight.shape[0] - 1) // TAPS
        gap = layer.dilation
        self.weight = layer.weight
        self.late = gap * layer.ahead
        self.past = np.zeros((2 * gap + BLOCK, width), np.float32)
        self.new = self.past[2 * gap :]
        self.kept = self.past[: 2 * gap]
        self.keep = self.past[BLOCK:]
        self.same = self.past[2 * gap - self.late : 2 * gap - self.late + BLOCK]
        row, item = self.past.strides
        self.seen = as_strided(self.past, (BLOCK, TAPS, width), (row, gap * row, item))
        self.rows = np.ones((BLOCK, TAPS * width + 1), np.float32)
        row, item = self.rows.strides
        self.taps = as_strided(self.rows, (BLOCK, TAPS, width), (row, width * item, item))


class TemporalNetwork:
    """Streaming evaluation; ``reset`` before a stream, ``end`` once its length is known."""

    def __init__(self, weights: Weights) -> None:
        self.weights = weights
        self._stages = [_Stage(layer) for layer in weights.layers]
        self._last = np.ones((BLOCK, weights.head.shape[0]), np.float32)
        self._outputs = [stage.new for stage in self._stages[1:]]
        self._outputs.append(np.zeros((BLOCK, weights.head.shape[0] - 1), np.float32))
        self.reset(0, 0)

    def reset(self, frame: int, first: int) -> None:
        """The next block begins with ``frame``; sound begins with frame ``first``."""
        self.frame, self.first = frame, first
        self.stop: int | None = None
        for stage in self._stages:
            stage.past[:] = 0

    def end(self, stop: int) -> None:
        """Sound ends before frame ``stop``."""
        self.stop = stop

    def _clear(self, x: Float32, frame: int) -> None:
        """Zero the rows of ``x`` (its first is ``frame``) that lie outside the sound."""
        if frame < self.first:
            x[: self.first - frame] = 0
        if self.stop is not None and frame + BLOCK > self.stop:
            x[max(0, self.stop - frame) :] = 0

    def push(self, x: Float32) -> Float32:
        """Return log posteriors [25, 5] of the frames that begin ``ahead`` before this block."""
        frame = self.frame
        self.frame += BLOCK
        first = self._stages[0]
        first.kept[:] = first.keep
        first.new[:] = x
        self._clear(first.new, frame)
        for k, (stage, y) in enumerate(zip(self._stages, self._outputs, strict=True)):
            stage.taps[:] = stage.seen
            if k + 1 < len(self._stages):
                following = self._stages[k + 1]
                following.kept[:] = following.keep
            np.matmul(stage.rows, stage.weight, out=y)
            np.maximum(y, 0, out=y)
            if k:
                np.add(y, stage.same, out=y)
            frame -= stage.late
            if frame < self.first or self.stop is not None:
                self._clear(y, frame)
        self._last[:, :-1] = self._outputs[-1]
        return log_softmax(self._last @ self.weights.head)


def log_softmax(logits: Float32) -> Float32:
    """Logarithm of the softmax over the last axis."""
    logits = logits - np.maximum.reduce(logits, axis=-1, keepdims=True)
    total = np.add.reduce(np.exp(logits), axis=-1, keepdims=True)
    logits -= np.log(total)
    return logits
