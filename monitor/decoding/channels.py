"""Looks at the channels of a recording, and says which of them to take and why.

The mean of all is taken only where they agree. Silent, identical, inverted and delayed channels,
an electrocardiogram, two hearts, one that is cleaner: each is told from what the first half minute
that is not silent sounds like. The rule knows nothing of a file.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dsp.chain import Chain
from dsp.ecg import likeness
from dsp.quality import QualityIndex
from dsp.stage import RATE_HZ, FloatArray
from monitor.decoding.decoder import Frames
from monitor.decoding.signals import is_ecg, is_sound

MANY = 16
LARGEST = np.float32(1e12)

ALIKE = 0.9
"""Correlation from which two channels hold the same sound."""

LEVEL_DB = 6.0
"""Difference of level up to which their mean is better than one of them."""

LAG_S = 0.1
"""Longest delay between two channels."""

SILENT_DB = -66.0
"""A channel so far below the loudest one is silent."""

ECG_ALIKE = 0.85
ECG_HIGH_DB = -12.0
"""Sound of 60 to 400 Hz of a channel over that of 3 to 40 Hz: an electrocardiogram has less."""

RATES = (0.27, 2.0)
"""Lengths of a cycle in s that a heart may have."""

OTHER_HEART = 0.12
"""Share by which the cycles of two hearts differ at the least."""


@dataclass(frozen=True, slots=True)
class Choice:
    """What to take.

    Attributes
    ----------
    channel
        Counted from 1; 0 the mean of all.
    words
        Why.
    ecg
        Channel of an electrocardiogram, counted from 1; None if there is none.
    """

    channel: int
    words: str
    ecg: int | None = None


@dataclass(frozen=True, slots=True)
class _Channel:
    """What was found of one channel; ``number`` counts from 1."""

    number: int
    sound: FloatArray
    level: float
    good: float
    clear_db: float
    cycle_s: float | None


def choose(frames: Frames, rate_hz: int, labels: Sequence[str] = ()) -> Choice:
    """Choose of the channels of a recording.

    Parameters
    ----------
    frames
        float32 [n, channels], two channels or more.
    labels
        Their names, if the file has any.
    """
    count = frames.shape[1]
    if count > MANY:
        return Choice(0, f"{count} channels are too many to be looked at: mixed")
    clean = np.nan_to_num(frames, posinf=0.0, neginf=0.0)
    clean = np.clip(clean, -LARGEST, LARGEST)  # what is no sound must not be infinite either
    peaks = np.ptp(clean, axis=0) if len(clean) else np.zeros(count)
    loudest = float(peaks.max(initial=0.0))
    if not loudest:
        return Choice(0, f"all {count} channels are silent: mixed")
    live = [k for k in range(count) if peaks[k] > loudest * 10 ** (SILENT_DB / 20)]
    ecgs = [k for k in live if _is_ecg(clean[:, k], rate_hz, labels[k] if labels else "")]
    if len(ecgs) == len(live):
        ecgs = []
    named = [k for k in live if labels and is_sound(labels[k])]
    left = [k for k in live if k not in ecgs and (not named or k in named)]
    told = _left_out(count, live, ecgs, left)
    ecg = ecgs[0] + 1 if ecgs else None
    if len(left) == 1:
        return Choice(left[0] + 1, told or "the only one with sound", ecg)
    found = [_heard(k + 1, clean[:, k], rate_hz) for k in left]
    channel, words = _among(found, everything=len(left) == count)
    return Choice(channel, "; ".join(part for part in (told, words) if part), ecg)


def _left_out(count: int, live: list[int], ecgs: list[int], left: list[int]) -> str:
    """Words for the channels that are not looked at further."""
    parts = []
    silent = [k + 1 for k in range(count) if k not in live]
    if silent:
        parts.append(f"{_numbers(silent)} silent")
    if ecgs:
        parts.append(f"{_numbers([k + 1 for k in ecgs])} an electrocardiogram")
    other = [k + 1 for k in live if k not in ecgs and k not in left]
    if other:
        parts.append(f"{_numbers(other)} named as something else")
    return ", ".join(parts)


def _numbers(numbers: list[int]) -> str:
    return ", ".join(map(str, numbers)) + (" is" if len(numbers) == 1 else " are")


def _is_ecg(signal: NDArray[np.float32], rate_hz: int, label: str) -> bool:
    """Whether a channel is an electrocardiogram: by its name, else by its waves."""
    if label:
        return is_ecg(label)
    every = max(1, round(rate_hz / 1000))
    whole = len(signal) // every * every
    slow = signal[:whole].astype(np.float64).reshape(-1, every).mean(axis=1)
    hz = rate_hz / every
    waves, alike = likeness(slow, hz)
    if waves < 3 or alike < ECG_ALIKE:
        return False
    power = np.abs(np.fft.rfft((slow - slow.mean()) * np.hanning(len(slow)))) ** 2
    line = np.fft.rfftfreq(len(slow), 1 / hz)
    low = power[(line >= 3) & (line < 40)].sum()
    high = power[(line >= 60) & (line < 400)].sum()
    return bool(10 * np.log10((high + 1e-30) / (low + 1e-30)) < ECG_HIGH_DB)


def _heard(number: int, signal: NDArray[np.float32], rate_hz: int) -> _Channel:
    """Listen to one channel through the signal path of the monitor."""
    peak = float(np.abs(signal).max()) or 1.0
    level = np.float32(2.0 ** -np.ceil(np.log2(peak)))  # exact, and flat is told at any level
    chain = Chain(rate_hz)
    quality = QualityIndex(chain.flat_tops)
    sound, spans = [], []
    for last in (False, True):
        part = chain.flush() if last else chain.push((signal * level)[:, None])
        spans += quality.push(chain.raw, part)
        sound.append(part / float(level))
    spans += quality.flush()
    whole = np.concatenate(sound)
    total = sum(span.end - span.start for span in spans)
    good = sum(span.end - span.start for span in spans if span.value == "good")
    rms = float(np.sqrt(np.mean(whole**2))) if whole.size else 0.0
    envelope = _envelope(whole)
    low, high = np.percentile(envelope, (20, 95)) if envelope.size else (1.0, 1.0)
    clear = 20 * np.log10((high + 1e-12 * rms + 1e-30) / (low + 1e-12 * rms + 1e-30))
    share = good / total if total else 0.0
    return _Channel(number, whole, rms, share, float(clear), _cycle(envelope))


def _envelope(sound: FloatArray) -> FloatArray:
    """Root mean square of each 10 ms."""
    each = RATE_HZ // 100
    whole = len(sound) // each * each
    out: FloatArray = np.sqrt((sound[:whole].reshape(-1, each) ** 2).mean(axis=1))
    return out


def _cycle(envelope: FloatArray) -> float | None:
    """Length of the heart's cycle in s by autocorrelation, None without a clear one."""
    last = round(RATES[1] * 100)
    if len(envelope) < 2 * last:
        return None
    centred = np.minimum(envelope, np.percentile(envelope, 98))
    centred = centred - centred.mean()
    size = 2 ** int(np.ceil(np.log2(2 * len(centred))))
    power = np.abs(np.fft.rfft(centred, size)) ** 2
    curve = np.fft.irfft(power)[: last + 1]
    if curve[0] <= 0:
        return None
    curve = curve / curve[0] * (len(centred) / (len(centred) - np.arange(last + 1)))
    first = round(RATES[0] * 100)
    lag = first + int(np.argmax(curve[first:]))
    if curve[lag] < 0.3:
        return None
    half = round(lag / 2)
    if half >= first and curve[half - 3 : half + 4].max() > 0.85 * curve[lag]:
        lag = half - 3 + int(np.argmax(curve[half - 3 : half + 4]))
    return lag / 100


def _among(found: list[_Channel], everything: bool) -> tuple[int, str]:
    """Choose of channels that all hold sound; the mean only of all channels of the file."""
    best = _cleanest(found)
    alike, words = True, ""
    for other in found:
        if other is best:
            continue
        together, lag_s = _together(best.sound, other.sound)
        pair = f"{other.number} is {best.number}"
        if abs(together) < ALIKE:
            alike = False
        elif abs(lag_s) > 0.5 / RATE_HZ:
            words = f"{pair}{' inverted and' if together < 0 else ''} {1e3 * lag_s:+.0f} ms later"
        elif together < 0:
            words = f"{pair} inverted"
    if words:
        return best.number, words
    levels = [20 * np.log10(one.level + 1e-30) for one in found]
    if alike and everything and max(levels) - min(levels) <= LEVEL_DB:
        return 0, "the channels agree: mixed"
    if alike:
        return best.number, f"the channels agree, {best.number} is the louder"
    for other in found:
        if _other_heart(best, other):
            rates = f"{60 / (best.cycle_s or 1):.0f} and {60 / (other.cycle_s or 1):.0f}/min"
            return best.number, (f"two hearts, {rates}: --channel {other.number} takes the other")
    return best.number, "the cleaner of channels that differ"


def _cleanest(found: list[_Channel]) -> _Channel:
    """The channel with most good signal; of equal ones the clearer, else the first."""
    most = max(one.good for one in found)
    good = [one for one in found if one.good >= most - 0.1]
    clear = max(one.clear_db for one in good)
    near = [one for one in good if one.clear_db >= clear - 1.0]
    loud = max(one.level for one in near)
    return next(one for one in near if one.level >= loud / 2)


def _other_heart(one: _Channel, other: _Channel) -> bool:
    if one.cycle_s is None or other.cycle_s is None or min(one.good, other.good) < 0.5:
        return False
    ratio = one.cycle_s / other.cycle_s
    multiples = (0.5, 1.0, 2.0)
    return all(abs(ratio / times - 1) > OTHER_HEART for times in multiples)


def _together(a: FloatArray, b: FloatArray) -> tuple[float, float]:
    """Correlation of two channels where it is strongest, and by how much b is later, in s."""
    size = min(len(a), len(b))
    a, b = a[:size], b[:size]
    norm = float(np.sqrt((a**2).sum() * (b**2).sum()))
    if norm <= 0:
        return 0.0, 0.0
    length = 2 ** int(np.ceil(np.log2(2 * max(size, 1))))
    cross = np.fft.irfft(np.conj(np.fft.rfft(a, length)) * np.fft.rfft(b, length))
    reach = min(round(LAG_S * RATE_HZ), length // 2 - 1)
    lags = np.arange(-reach, reach + 1)
    values = cross[lags] / norm
    if abs(values[reach]) >= ALIKE and abs(values[reach]) >= np.abs(values).max() - 1e-3:
        return float(values[reach]), 0.0
    at = int(np.argmax(np.abs(values)))
    return float(values[at]), float(lags[at]) / RATE_HZ
