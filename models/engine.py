"""One protocol for whatever runs a model; calibration is the same for all.

p is the posterior at equal priors: sigmoid((z1 - z0 - bias) / T).
"""

from __future__ import annotations

import queue
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from models.contract import SAMPLES, Contract, ModelRefused

T = TypeVar("T")


class Engine(Protocol):
    """An opened, verified model."""

    @property
    def contract(self) -> Contract:
        """What the model is and promises."""
        ...

    @property
    def sha256(self) -> str:
        """Of its file."""
        ...

    def logits(self, windows: NDArray[np.float32]) -> NDArray[np.float32]:
        """Raw logits float32 [n, 2] of windows float32 [n, 5000]."""
        ...

    def probability(self, windows: NDArray[np.float32]) -> NDArray[np.float64]:
        """p(abnormal) at equal priors, float64 [n], of windows float32 [n, 5000]."""
        ...


def calibrated(contract: Contract, logits: NDArray[Any]) -> NDArray[np.float64]:
    """Turn raw logits [n, 2] into p, float64 [n]; 0.5 divides."""
    z = logits[:, 1].astype(np.float64) - logits[:, 0].astype(np.float64)
    scaled = (z - contract.bias) / contract.calibration_temperature
    return np.asarray(0.5 * (1.0 + np.tanh(0.5 * scaled)), dtype=np.float64)


def checked_windows(windows: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the windows as contiguous float32 [n, 5000].

    Raises
    ------
    ValueError
        If the shape is another.
    """
    if windows.ndim != 2 or windows.shape[1] != SAMPLES:
        raise ValueError(f"windows must be [n, {SAMPLES}], not {windows.shape}")
    return np.ascontiguousarray(windows, dtype=np.float32)


def within(limit_s: float, call: Callable[[], T], what: str) -> T:
    """Return what ``call`` does, if it answers in time; else leave it behind on its thread.

    Raises
    ------
    ModelRefused
        If it does not answer; and whatever ``call`` raises.
    """
    answers: queue.SimpleQueue[tuple[T | None, BaseException | None]] = queue.SimpleQueue()

    def work() -> None:
        try:
            answers.put((call(), None))
        except BaseException as error:  # noqa: BLE001 - raised where it was asked for
            answers.put((None, error))

    threading.Thread(target=work, name="model", daemon=True).start()
    try:
        result, error = answers.get(timeout=limit_s)
    except queue.Empty:
        raise ModelRefused(f"{what} does not answer within {limit_s:g} s") from None
    if error is not None:
        raise error
    return result  # type: ignore[return-value]  # None only where `call` gave it


class Opened(ABC):
    """A verified model of either kind: its contract, and a window at a time.

    A batch would round otherwise than the single windows of a live stream.
    """

    def __init__(self, contract: Contract, sha256: str) -> None:
        self._contract = contract
        self._sha256 = sha256

    @property
    def contract(self) -> Contract:
        """What the model is and promises."""
        return self._contract

    @property
    def sha256(self) -> str:
        """Of its file."""
        return self._sha256

    @abstractmethod
    def logits(self, windows: NDArray[np.float32]) -> NDArray[np.float32]:
        """Raw logits float32 [n, 2] of windows float32 [n, 5000], one window at a time."""

    def probability(self, windows: NDArray[np.float32]) -> NDArray[np.float64]:
        """p(abnormal) at equal priors, float64 [n], of windows float32 [n, 5000]."""
        return calibrated(self._contract, self.logits(windows))
