"""The fitted judgement of the signal quality.

In: the vector of `dsp.quality_features` and the loudness of a span. Out: a value and a reason. A
small network gives the chances of good, noisy and no heart; a threshold, fitted so that few
hand-annotated clean spans are lost, decides for or against good; how loud the heart was a moment
ago helps to tell a noise that hides it from a silence without it. The shipped numbers
(`quality.npz`) are written by ``python -m training.quality``, from cinc2016, the artifact files of
PASCAL 2011, Yaseen 2018, and sounds made of them; docs/results/quality.json tells how well they do.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np

from dsp.quality_features import NAMES
from dsp.stage import FloatArray

QualityValue = Literal["flat", "clipped", "noisy", "no_heart", "good"]

QUIET_DB = 13.0
"""Two seconds so far under the heart's loudness hold no heart sound."""

LOUD_DB = 6.0
"""A bad span so far over the heart's loudness may hide one."""

FORGET_DB = 0.5
"""Per span with a heart's rhythm: how fast a louder heart is forgotten."""

HYSTERESIS = 0.25
"""In units of the logit, around the threshold: a value that was taken is kept a little."""

LIMIT = 4.0
"""Scaled features are cut here: nothing unheard-of decides alone."""

LONG, LONGEST = 0.85, 0.97
"""Correlation of the envelope with itself 20 ms later: sounds of a heart are shorter than breaths
and syllables. Those with a loud murmur may be longer, up to the second, if they have the rhythm of
a heart and begin as suddenly."""

RHYTHMIC, SUDDEN = 0.6, 0.42
"""Prominence of the rhythm, and `dsp.quality_features.attack`, of a heart with a murmur."""

TONE_DB, PER_DB, LOW_DB = -7.1, 0.3, 12.0
"""Highest line over the sum: music is purer than a musical murmur, and of less contrast."""

_SMOOTH, _RHYTHM, _TONE, _HIGH = map(NAMES.index, ("smooth_20", "prominence", "tone", "q98"))
_FULL_SCALE = NAMES.index("full_scale")
RUBBING = "rubbing"
"""Reason of sound in which something rubs on the stethoscope."""

_REASONS = {
    "steady": "steady noise",
    "speech": "speech or music",
    "rubbing": RUBBING,
    "hum": "hum or a tone",
}


@dataclass(frozen=True, slots=True)
class Parameters:
    """What is fitted.

    Attributes
    ----------
    clipped_share
        Share of samples at full scale, over a context, that is called clipped.
    threshold
        Least logit of good.
    mean, deviation
        float64 [f] of the features.
    hidden, hidden_bias, out, out_bias
        Network f → h → (good, noisy, no heart).
    kinds, kind, kind_bias
        Names of noises, and the linear model that tells them apart.
    """

    clipped_share: float
    threshold: float
    mean: FloatArray
    deviation: FloatArray
    hidden: FloatArray
    hidden_bias: FloatArray
    out: FloatArray
    out_bias: FloatArray
    kinds: tuple[str, ...]
    kind: FloatArray
    kind_bias: FloatArray


@cache
def shipped() -> Parameters:
    """Read the numbers of the package."""
    with np.load(Path(__file__).with_name("quality.npz")) as file:
        found: dict[str, Any] = dict(file)
    found |= {name: float(found[name]) for name in ("clipped_share", "threshold")}
    return Parameters(**found | {"kinds": tuple(found["kinds"].tolist())})


class Scores(NamedTuple):
    """What the vector of a span says by itself.

    ``margin`` is the logit of good over its threshold, ``noisy`` says whether noise is likelier
    than no heart, ``noise`` of what kind it would be.
    """

    vector: FloatArray
    margin: float
    noisy: bool
    noise: str


class Judge:
    """Judges one span after another; remembers how loud the heart was."""

    def __init__(self, parameters: Parameters) -> None:
        self._parameters = parameters
        self._heart_db: float | None = None
        self._good = True

    def __call__(
        self, scores: Scores, loud_db: float, flat_tops: float = 0.0
    ) -> tuple[QualityValue, str]:
        """Value and reason of the next span.

        Parameters
        ----------
        scores
            Of its vector.
        loud_db
            `dsp.quality_features.loudest` of the span, the one before and two ahead.
        flat_tops
            `dsp.flattops.share` of the spans around.
        """
        fitted, heart_db = self._parameters, self._heart_db
        full = scores.vector[_FULL_SCALE] >= fitted.clipped_share
        if full or flat_tops >= fitted.clipped_share:
            if heart_db is None and scores.margin >= HYSTERESIS:
                self._heart_db = loud_db  # a heart all the same, and at least so loud
            return "clipped", "louder than full scale" if full else "flat tops below full scale"
        quiet = heart_db is not None and loud_db < heart_db - QUIET_DB
        rhythm = scores.margin >= (-HYSTERESIS if self._good else HYSTERESIS)
        self._good = rhythm and not quiet
        if rhythm:  # a heart that has become softer is believed after a while
            self._heart_db = loud_db if heart_db is None else max(loud_db, heart_db - FORGET_DB)
        if self._good:
            return "good", ""
        if quiet:
            return "no_heart", "no heart sounds"
        hidden = heart_db is not None and loud_db > heart_db + LOUD_DB
        if hidden or scores.noisy:
            return "noisy", scores.noise
        speech = scores.noise == _REASONS["speech"]
        return "no_heart", scores.noise if speech else "no heart sounds"

    def under_db(self, loud_db: float) -> float | None:
        """How far sound of this loudness is under the heart that was heard, None before it."""
        return None if self._heart_db is None else self._heart_db - loud_db


def like_heart(vectors: FloatArray, attack: FloatArray) -> list[bool]:
    """Whether the sounds may be a heart's: neither long as those of breath, nor pure as music."""
    purest = TONE_DB + PER_DB * (vectors[:, _HIGH] - LOW_DB)
    murmur = (vectors[:, _RHYTHM] >= RHYTHMIC) & (attack >= SUDDEN)
    short = vectors[:, _SMOOTH] < np.where(murmur, LONGEST, LONG)
    out: list[bool] = (short & (vectors[:, _TONE] < purest)).tolist()
    return out


def scores(fitted: Parameters, vectors: FloatArray) -> list[Scores]:
    """Scores of each of float64 [n, `dsp.quality_features.COUNT`].

    Products of one vector each, alike for every number of them.
    """
    scaled = (vectors - fitted.mean) / fitted.deviation
    scaled = np.minimum(np.maximum(scaled, -LIMIT), LIMIT)[:, None]
    hidden = np.tanh(scaled @ fitted.hidden.T + fitted.hidden_bias)
    logits = (hidden @ fitted.out.T + fitted.out_bias)[:, 0]
    kinds = (scaled @ fitted.kind.T + fitted.kind_bias)[:, 0].argmax(axis=1)
    good, noisy, none = logits.T
    margins = good - np.logaddexp(noisy, none) - fitted.threshold
    noises = [_REASONS[fitted.kinds[kind]] for kind in kinds.tolist()]
    columns = vectors, margins.tolist(), (noisy >= none).tolist(), noises
    return list(map(Scores, *columns))
