"""A dilated temporal network run in numpy, block by block or several blocks at once.

In: normalised features float32 [25, 16] per block. Out: log posteriors float32 [25, 5] of S1,
systole, S2, diastole and "none", for the frames ``ahead`` before. Each layer keeps the frames
that its oldest taps still need, so a frame is computed once; a product is always that of one
block, so that the numbers do not depend on how many blocks there are.
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

Layout = tuple[tuple[int, int, int], ...]
"""Channels that go in, dilation and frames of look-ahead (in dilations) of each layer."""


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


class _Views:
    """Buffers of one layer for ``count`` blocks, and fixed views of them.

    ``past`` is float32 [2 * dilation + 25 * count, in], the newest row last; ``rows`` holds what
    each frame sees of it (three taps, then a one for the bias).
    """

    def __init__(self, width: int, gap: int, ahead: int, count: int) -> None:
        size, late = count * BLOCK, gap * ahead
        past = np.zeros((2 * gap + size, width), np.float32)
        self.new = past[2 * gap :]
        self.kept = past[: 2 * gap]
        self.keep = past[size:]
        self.same = past[2 * gap - late : 2 * gap - late + size]
        row, item = past.strides
        self.seen = as_strided(past, (size, TAPS, width), (row, gap * row, item))
        rows = np.ones((size, TAPS * width + 1), np.float32)
        self.rows = rows.reshape(count, BLOCK, -1)
        row, item = rows.strides
        self.taps = as_strided(rows, (size, TAPS, width), (row, width * item, item))


_SPARE: dict[tuple[Layout, int], list[list[_Views]]] = {}
"""Buffers of all layers that no network is using now: nothing stays in them from call to call."""


class TemporalNetwork:
    """Streaming evaluation; ``reset`` before a stream, ``end`` once its length is known."""

    def __init__(self, weights: Weights) -> None:
        self.weights = weights
        self._layout = tuple(
            ((layer.weight.shape[0] - 1) // TAPS, layer.dilation, layer.ahead)
            for layer in weights.layers
        )
        self._late = [gap * ahead for _, gap, ahead in self._layout]
        self._kept = [np.zeros((2 * gap, width), np.float32) for width, gap, _ in self._layout]
        self.reset(0, 0)

    def reset(self, frame: int, first: int) -> None:
        """The next block begins with ``frame``; sound begins with frame ``first``."""
        self.frame, self.first = frame, first
        self.stop: int | None = None
        for kept in self._kept:
            kept[:] = 0

    def end(self, stop: int) -> None:
        """Sound ends before frame ``stop``."""
        self.stop = stop

    def _clear(self, x: Float32, frame: int) -> None:
        """Zero the rows of ``x`` (its first is ``frame``) that lie outside the sound."""
        if frame < self.first:
            x[: self.first - frame] = 0
        if self.stop is not None and frame + len(x) > self.stop:
            x[max(0, self.stop - frame) :] = 0

    def push(self, x: Float32) -> Float32:
        """Evaluate blocks.

        Parameters
        ----------
        x
            float32 [n, 25, 16], the next blocks, at least one.

        Returns
        -------
        Log posteriors float32 [n, 25, 5] of the frames that begin ``ahead`` before these.
        """
        count = len(x)
        spare = _SPARE.setdefault((self._layout, count), [])
        try:
            views = spare.pop()
        except IndexError:
            views = [_Views(*layer, count) for layer in self._layout]
        frame = self.frame
        self.frame += count * BLOCK
        y = views[0].new
        y[:] = x.reshape(y.shape)
        self._clear(y, frame)
        for k, (layer, view) in enumerate(zip(self.weights.layers, views, strict=True)):
            view.kept[:] = self._kept[k]
            view.taps[:] = view.seen
            self._kept[k][:] = view.keep
            following = views[k + 1].new if k + 1 < len(views) else None
            if following is None:
                following = np.empty((count * BLOCK, layer.weight.shape[1]), np.float32)
            y = following
            np.matmul(view.rows, layer.weight, out=y.reshape(count, BLOCK, -1))
            np.maximum(y, 0, out=y)
            if k:
                np.add(y, view.same, out=y)
            frame -= self._late[k]
            if frame < self.first or self.stop is not None:
                self._clear(y, frame)
        last = np.ones((count, BLOCK, len(self.weights.head)), np.float32)
        last[:, :, :-1] = y.reshape(count, BLOCK, -1)
        spare.append(views)
        return log_softmax(last @ self.weights.head)


def log_softmax(logits: Float32) -> Float32:
    """Logarithm of the softmax over the last axis."""
    logits = logits - np.maximum.reduce(logits, axis=-1, keepdims=True)
    total = np.add.reduce(np.exp(logits), axis=-1, keepdims=True)
    logits -= np.log(total)
    return logits
