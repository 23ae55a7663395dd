"""Makes other hearts, devices and rooms out of annotated log band energies.

Every function works on features float32 [n, 16] and labels uint8 [n] of one excerpt, before
normalisation. Energies add in the logarithm (`numpy.logaddexp`): a noise, a murmur or a spike
is a band energy that is added. The time warp changes the rate with systole shortening as it does
in people, so that 30–220/min are learnt from recordings of 40–140/min.
"""

from __future__ import annotations

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from dsp.cycles.bands import BANDS, FEATURES, SILENCE

Float32 = NDArray[np.float32]
Labels = NDArray[np.uint8]

NONE = 4
"""Label of a frame without a heart."""
RR_S = np.array([0.27, 0.35, 0.45, 0.55, 0.65, 0.75, 0.85, 0.95, 1.1, 1.3, 1.6, 2.0])
SYSTOLE_S = np.array(
    [0.140, 0.172, 0.212, 0.246, 0.279, 0.306, 0.325, 0.338, 0.355, 0.372, 0.392, 0.405]
)
"""Mean time from S1 to S2 at each cycle length (annotations of cinc2016; ends extrapolated)."""
ANY_SHARE = 0.08
"""Share of warped excerpts whose systole takes any part of the cycle."""
DB = float(np.log(10) / 10)


def systole_s(rr_s: float) -> float:
    """Expected S1–S2 interval at a cycle length, in seconds."""
    return float(np.interp(rr_s, RR_S, SYSTOLE_S))


def runs(labels: Labels) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Starts and lengths of the runs of equal labels."""
    starts = np.flatnonzero(np.diff(labels, prepend=labels[:1] ^ 1))
    return starts, np.diff(starts, append=len(labels))


def state_seconds(labels: Labels) -> NDArray[np.float64] | None:
    """Median duration of the four states, s; None when one is not complete in the excerpt."""
    starts, lengths = runs(labels)
    inner = slice(1, -1)
    codes, lengths = labels[starts][inner], lengths[inner]
    if any(not (codes == k).any() for k in range(4)):
        return None
    return np.array([np.median(lengths[codes == k]) for k in range(4)]) * 0.02


def target_seconds(now: NDArray[np.float64], rng: Generator) -> NDArray[np.float64]:
    """Draw durations of the four states for another rate."""
    rr = now.sum()
    wide = rng.random() < 0.45
    new_rr = float(
        np.exp(rng.uniform(np.log(0.28), np.log(1.9))) if wide else rr * np.exp(rng.normal(0, 0.15))
    )
    new_rr = float(np.clip(new_rr, 0.275, 2.0))
    trait = np.clip((now[0] + now[1]) / systole_s(float(rr)), 0.8, 1.25)
    to_s2 = systole_s(new_rr) * trait * np.exp(rng.normal(0, 0.06))
    if rng.random() < ANY_SHARE:
        to_s2 = rng.uniform(0.25, 0.55) * new_rr
    to_s2 = min(to_s2, 0.62 * new_rr, 0.65)
    ratio = to_s2 / (now[0] + now[1])
    s1 = min(now[0] * np.clip(ratio, 0.4, 1.3) ** 0.6 * np.exp(rng.normal(0, 0.1)), 0.7 * to_s2)
    rest = new_rr - to_s2
    s2 = min(now[2] * np.clip(ratio, 0.4, 1.3) ** 0.6 * np.exp(rng.normal(0, 0.1)), 0.7 * rest)
    return np.array([s1, to_s2 - s1, s2, rest - s2])


def warp(x: Float32, labels: Labels, length: int, rng: Generator) -> tuple[Float32, Labels]:
    """Change the rate; return at most ``length`` frames."""
    now = state_seconds(labels)
    if now is None:
        return x[:length], labels[:length]
    factor = np.ones(256)
    factor[:4] = target_seconds(now, rng) / now
    position = np.concatenate([[0.0], np.cumsum(factor[labels])])
    count = min(length, int(position[-1]))
    halves = x.reshape(-1, BANDS)
    at = (np.arange(2 * count) + 0.5) / 2
    source = np.clip(2 * np.interp(at, position, np.arange(len(position))) - 0.5, 0, None)
    low = np.minimum(source.astype(int), len(halves) - 1)
    high = np.minimum(low + 1, len(halves) - 1)
    part = (source - low).astype(np.float32)[:, None]
    warped = halves[low] * (1 - part) + halves[high] * part
    middle = np.interp(np.arange(count) + 0.5, position, np.arange(len(position)))
    frame = np.minimum(middle.astype(int), len(labels) - 1)
    return warped.reshape(count, FEATURES), labels[frame]


def _crop(bank: Float32, count: int, rng: Generator) -> Float32:
    """``count`` half-frames of the noise bank."""
    at = int(rng.integers(0, len(bank) - count))
    return bank[at : at + count]


def _envelope(count: int, rng: Generator) -> Float32:
    """Slow loudness of a noise in nats: steady, wavering as speech, or in bursts as rubbing."""
    kind = rng.random()
    if kind < 0.4:
        return np.zeros(count, np.float32)
    every = int(rng.integers(8, 40)) if kind < 0.75 else int(rng.integers(20, 150))
    knots = rng.normal(0, 1, count // every + 3)
    depth = rng.uniform(0.5, 2.5) if kind < 0.75 else rng.uniform(2, 5)
    curve = np.interp(np.arange(count), np.arange(len(knots)) * every, knots)
    return (depth * curve).astype(np.float32)


def add_noise(x: Float32, bank: Float32, rng: Generator, snr_db: tuple[float, float]) -> Float32:
    """Add a coloured noise whose loudness may waver."""
    halves = x.reshape(-1, BANDS)
    level = halves.mean(axis=0) + 1.0
    snr = rng.uniform(*snr_db)
    tilt = rng.normal(0, 5) * np.linspace(-1, 1, BANDS) + rng.normal(0, 3, BANDS)
    offset = level - (snr + tilt) * DB
    noise = _crop(bank, len(halves), rng) + offset + _envelope(len(halves), rng)[:, None]
    out: Float32 = np.logaddexp(halves, noise).astype(np.float32).reshape(x.shape)
    return out


def add_murmur(x: Float32, labels: Labels, bank: Float32, rng: Generator) -> Float32:
    """Add a murmur to systole, diastole or both."""
    halves = x.reshape(-1, BANDS)
    loud = float(np.quantile(halves.max(axis=1), 0.9))
    centre, width = rng.uniform(2, 7), rng.uniform(0.8, 2.5)
    shape = -((np.arange(BANDS) - centre) ** 2) / (2 * width**2)
    gain = np.full(256, -30.0)
    where = rng.random()
    level = loud + rng.uniform(-22, -2) * DB
    for state in (1,) if where < 0.6 else (3,) if where < 0.8 else (1, 3):
        gain[state] = 0.0
    curve = np.repeat(gain[labels], 2)
    kernel = np.hanning(int(rng.integers(3, 9)) + 2)[1:-1]
    curve = np.convolve(np.maximum(curve, -8), kernel / kernel.sum(), "same")
    noise = _crop(bank, len(halves), rng) + level + shape + curve[:, None]
    out: Float32 = np.logaddexp(halves, noise).astype(np.float32).reshape(x.shape)
    return out


def add_spikes(x: Float32, rng: Generator) -> Float32:
    """Add clicks of one to four half-frames."""
    halves = x.reshape(-1, BANDS).copy()
    loud = float(np.quantile(halves.max(axis=1), 0.95))
    for _ in range(rng.poisson(len(halves) / 100 * rng.uniform(0.05, 1.0))):
        at, long = int(rng.integers(0, len(halves))), int(rng.integers(1, 5))
        colour = rng.normal(0, 1.0, BANDS) + rng.uniform(-3, 3)
        halves[at : at + long] = np.logaddexp(halves[at : at + long], loud - 1 + colour)
    return halves.reshape(x.shape)


def change_sounds(x: Float32, labels: Labels, rng: Generator) -> Float32:
    """Make S1 or S2 louder or fainter, the whole excerpt and beat by beat."""
    gain = np.zeros(256)
    gain[0], gain[2] = rng.normal(0, 3, 2) * DB
    tilt = np.zeros((256, BANDS))
    tilt[0], tilt[2] = rng.normal(0, 2, (2, 1)) * DB * np.linspace(-1, 1, BANDS)
    out = x + (gain[labels][:, None] + np.tile(tilt[labels], (1, 2)))
    starts, lengths = runs(labels)
    each = np.where(np.isin(labels[starts], (0, 2)), rng.normal(0, 1.5, len(starts)) * DB, 0)
    changed: Float32 = (out + np.repeat(each, lengths)[:, None]).astype(np.float32)
    return changed


def break_contact(x: Float32, labels: Labels, rng: Generator) -> tuple[Float32, Labels]:
    """Replace a span by silence, digital or a faint hiss: nothing to be found there."""
    count = len(x)
    long = count if rng.random() < 0.15 else min(int(rng.integers(15, 400)), count)
    at = int(rng.integers(0, count - long + 1))
    x, labels = x.copy(), labels.copy()
    if rng.random() < 0.5:
        x[at : at + long] = SILENCE
    else:
        hiss = rng.uniform(SILENCE, max(SILENCE, float(x.min()))) + rng.normal(0, 0.5, FEATURES)
        x[at : at + long] = hiss + rng.normal(0, rng.uniform(0, 1.2), (long, FEATURES))
    labels[at : at + long] = NONE
    return x, labels


def stop_heart(x: Float32, labels: Labels, rng: Generator) -> tuple[Float32, Labels]:
    """Fill a span of 2.5–10 s with what is heard between beats: the heart pauses, the room not."""
    between = np.flatnonzero(labels == 3)
    if len(between) < 50 or len(x) < 200:
        return x, labels
    long = int(rng.integers(125, min(500, len(x))))
    at = int(rng.integers(0, len(x) - long + 1))
    begins = rng.choice(between, long // 4 + 1)
    source = np.minimum((begins[:, None] + np.arange(4)).reshape(-1)[:long], len(x) - 1)
    source = np.where(labels[source] == 3, source, np.repeat(begins, 4)[:long])
    x, labels = x.copy(), labels.copy()
    x[at : at + long] = x[source]
    labels[at : at + long] = NONE
    return x, labels


def shift_bands(x: Float32, rng: Generator) -> Float32:
    """Move the spectrum by up to one band: smaller hearts sound higher."""
    halves = x.reshape(-1, BANDS)
    at = np.clip(np.arange(BANDS) + rng.uniform(-1.0, 1.0), 0, BANDS - 1)
    low = np.minimum(at.astype(int), BANDS - 2)
    part = (at - low).astype(np.float32)
    out: Float32 = (halves[:, low] * (1 - part) + halves[:, low + 1] * part).reshape(x.shape)
    return out


def only_noise(x: Float32, bank: Float32, rng: Generator) -> Float32:
    """Features of a noise alone, in place of the excerpt."""
    halves = _crop(bank, 2 * len(x), rng) + rng.normal(-9, 3)
    halves = halves + rng.normal(0, 6 * DB) * np.linspace(-1, 1, BANDS) + rng.normal(0, 0.6, BANDS)
    halves = halves + _envelope(len(halves), rng)[:, None]
    out: Float32 = halves.astype(np.float32).reshape(x.shape)
    return add_spikes(out, rng) if rng.random() < 0.5 else out


def augment(
    x: Float32, labels: Labels, length: int, bank: Float32, rng: Generator, warped: bool = True
) -> tuple[Float32, Labels]:
    """One random version of an excerpt, at most ``length`` frames; of other rates if ``warped``."""
    if warped and rng.random() < 0.8:
        x, labels = warp(x, labels, length, rng)
    x, labels = x[:length], labels[:length]
    if rng.random() < 0.03:
        return only_noise(x, bank, rng), np.full(len(x), NONE, np.uint8)
    if rng.random() < 0.35:
        x = shift_bands(x, rng)
    if rng.random() < 0.4:
        x = change_sounds(x, labels, rng)
    if rng.random() < 0.25:
        x = add_murmur(x, labels, bank, rng)
    if rng.random() < 0.12:
        x, labels = stop_heart(x, labels, rng)
    if rng.random() < 0.5:
        x = add_noise(x, bank, rng, (-3.0, 30.0))
    if rng.random() < 0.15:
        x = add_spikes(x, rng)
    if rng.random() < 0.05:
        at = int(rng.integers(0, len(x)))
        x = x.copy()
        x[at:] += rng.normal(0, 15 * DB)
    if rng.random() < 0.08:
        x, labels = break_contact(x, labels, rng)
    return x, labels
