"""The parameters of the cycle decoder: emission, durations, penalties, calibration and onsets.

`CycleModel.from_arrays` reads what `models/shipped/cycles.npz` holds, `to_arrays` gives it back;
no file is touched here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from dsp.cycles.assemble import EVIDENCE
from dsp.cycles.durations import Durations, DurationSettings, build
from dsp.cycles.emission import Emission, NetworkEmission
from dsp.cycles.lattice import Penalties
from dsp.cycles.network import CLASSES, Weights, read_weights
from dsp.cycles.onsets import INPUTS as onset_inputs

VERSION = 2


@dataclass(frozen=True, slots=True)
class Scoring:
    """From log posteriors to the log likelihoods that the lattice adds up."""

    scale: float = 0.25
    """Weight of one frame: neighbouring frames are not independent."""
    prior_share: float = 0.1
    """Share of the log prior that is taken away (1: Bayes' rule)."""
    prior: tuple[float, ...] = (0.168, 0.221, 0.134, 0.477, 0.477)
    """Share of each state in the annotations ("none" as diastole)."""
    floor: float = -7.0
    """Lowest log posterior of one frame: no single frame may forbid a path."""

    def bias(self) -> NDArray[np.float32]:
        """Log prior share, float32 [5]."""
        return (self.prior_share * np.log(self.prior)).astype(np.float32)


@dataclass(frozen=True)
class CycleModel:
    """Everything the decoder needs."""

    kind: str
    """"network" or "logistic"."""
    emission: Mapping[str, NDArray[np.float32]]
    durations: DurationSettings
    scoring: Scoring = field(default_factory=Scoring)
    penalties: Penalties = field(default_factory=Penalties)
    calibration: NDArray[np.float64] = field(
        default_factory=lambda: np.array([-4.0, 3.0, 4.0, 4.0, -1.0, -0.5])
    )
    onsets: Mapping[str, NDArray[np.float32]] = field(default_factory=dict)
    """Weights of `onsets.py`; without them onsets stay on the grid of frames."""

    @cached_property
    def tables(self) -> Durations:
        """Durations as the lattice looks them up."""
        return build(self.durations)

    @cached_property
    def _weights(self) -> Weights:
        return read_weights(self.emission)

    def new_emission(self) -> Emission:
        """An emission at the start of a stream."""
        if self.kind == "logistic":
            from dsp.cycles.logistic import LogisticEmission

            return LogisticEmission(self.emission)
        return NetworkEmission(self._weights)

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[np.generic]]) -> CycleModel:
        """Read a model.

        Raises
        ------
        KeyError
            When an array is missing.
        ValueError
            When the version or a shape is not the expected one, or a number is not finite.
        """
        if int(arrays["version"]) != VERSION:
            raise ValueError(f"cycle model of version {arrays['version']}, expected {VERSION}")
        for name, array in arrays.items():
            if array.dtype.kind == "f" and not np.isfinite(array).all():
                raise ValueError(f"cycle model: {name} is not finite")
        kind = str(arrays["kind"])
        if kind not in ("network", "logistic"):
            raise ValueError(f"cycle model of unknown kind {kind!r}")
        settings = [float(v) for v in arrays["durations"].astype(float)]
        scoring = arrays["scoring"].astype(float)
        if (
            len(settings) != 6
            or len(scoring) != 3 + CLASSES
            or arrays["calibration"].shape != (EVIDENCE,)
        ):
            raise ValueError("cycle model: settings of the wrong length")
        onsets = _named(arrays, "onset.")
        _check(onsets, ("onset.0", "onset.1", "onset.2"), onset_inputs, 0, 1)
        return cls(
            kind=kind,
            emission=_named(arrays, kind + "."),
            durations=DurationSettings(
                np.asarray(arrays["systole.rr_s"], float), np.asarray(arrays["systole.s"], float),
                int(settings[0]), *settings[1:],
            ),
            scoring=Scoring(
                float(scoring[0]), float(scoring[1]), tuple(float(v) for v in scoring[3:]),
                float(scoring[2]),
            ),
            penalties=Penalties(*(float(v) for v in arrays["penalties"].astype(float))),
            calibration=np.asarray(arrays["calibration"], float),
            onsets=onsets,
        )  # fmt: skip

    def to_arrays(self) -> dict[str, NDArray[np.generic]]:
        """Return the arrays that ``from_arrays`` reads."""
        d, s, p = self.durations, self.scoring, self.penalties
        return {
            "version": np.array(VERSION),
            "kind": np.array(self.kind),
            **{
                name: np.asarray(array)
                for part in (self.emission, self.onsets)
                for name, array in part.items()
            },
            "durations": np.array(
                [d.classes, d.cycle_spread, d.systole_spread, d.tail, d.stay, d.near]
            ),
            "systole.rr_s": d.rr_s,
            "systole.s": d.systole_s,
            "scoring": np.array([s.scale, s.prior_share, s.floor, *s.prior]),
            "penalties": np.array([p.lose, p.find, p.silent_start]),
            "calibration": self.calibration,
        }


def _named(arrays: Mapping[str, NDArray[np.generic]], start: str) -> dict[str, NDArray[np.float32]]:
    """Arrays whose name begins so."""
    return {
        name: np.ascontiguousarray(array, np.float32)
        for name, array in arrays.items()
        if name.startswith(start)
    }


def _check(
    weights: Mapping[str, NDArray[np.float32]],
    names: tuple[str, ...],
    width: int,
    bias: int,
    last: int,
) -> None:
    """Refuse a small network whose layers do not fit each other; none at all is fine.

    Raises
    ------
    ValueError
        When a layer is missing or of the wrong shape.
    """
    if not weights:
        return
    if set(weights) != set(names):
        raise ValueError(f"cycle model: {', '.join(names)} expected")
    for name in names:
        if weights[name].ndim != 2 or weights[name].shape[0] != width:
            raise ValueError(f"cycle model: {name} does not fit")
        width = weights[name].shape[1] + bias
    if width - bias != last:
        raise ValueError(f"cycle model: {names[-1]} does not fit")
