"""Sounds for the field tests, made from a seed: lungs, bowels, speech, music, traffic, a table.

None of them holds a heart. `OTHER` maps the name of a kind to its maker, ``make(seed, seconds)``,
which returns float64 [n] at 2 kHz with its peak between 0.05 and 0.6.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy.signal import butter, sosfilt

RATE = 2000
Sound = NDArray[np.float64]
Rng = np.random.Generator


def _band(x: Sound, low: float, high: float, order: int = 2) -> Sound:
    out: Sound = sosfilt(butter(order, [low, high], "bandpass", fs=RATE, output="sos"), x)
    return out


def _scaled(x: Sound, rng: Rng, floor: float = 2e-4) -> Sound:
    peak = 10 ** rng.uniform(-1.3, -0.25)
    return x / max(float(np.abs(x).max()), 1e-9) * peak + floor * rng.standard_normal(x.size)


def _add(x: Sound, at: float, part: Sound) -> None:
    i = int(at * RATE)
    part = part[: max(0, x.size - i)]
    x[i : i + part.size] += part


def breath(rng: Rng, seconds: float) -> Sound:
    """Vesicular breathing: band-limited noise, inspiration louder and longer heard."""
    n = int(seconds * RATE)
    gain = np.zeros(n)
    at = rng.uniform(0, 2)
    period = rng.uniform(2.2, 5.5)
    while at < seconds:
        cycle = period * rng.uniform(0.85, 1.15)
        inhale = cycle * rng.uniform(0.33, 0.45)
        exhale = cycle * rng.uniform(0.3, 0.5)
        _add(gain, at, np.hanning(int(inhale * RATE)))
        loud = rng.uniform(0.2, 0.6)
        _add(gain, at + inhale + 0.05 * cycle, loud * np.hanning(int(exhale * RATE)))
        at += cycle
    low, high = rng.uniform(50, 110), rng.uniform(300, 700)
    return (gain + 0.02) * _band(rng.standard_normal(n), low, high)


def lungs(seed: int, seconds: float = 30.0) -> Sound:
    """Breathing alone."""
    rng = np.random.default_rng([1, seed])
    return _scaled(breath(rng, seconds), rng)


def crackles(seed: int, seconds: float = 30.0) -> Sound:
    """Breathing with fine or coarse crackles late in each inspiration."""
    rng = np.random.default_rng([2, seed])
    x = breath(rng, seconds)
    x /= np.abs(x).max()
    at, period = rng.uniform(0, 2), rng.uniform(2.5, 5)
    while at < seconds:
        for _ in range(int(rng.integers(3, 15))):
            hz, decay = rng.uniform(150, 600), rng.uniform(0.002, 0.01)
            t = np.arange(int(6 * decay * RATE)) / RATE
            part = rng.uniform(0.3, 1.5) * np.exp(-t / decay) * np.sin(2 * np.pi * hz * t)
            _add(x, at + rng.uniform(0, 0.3 * period), part)
        at += period * rng.uniform(0.9, 1.1)
    return _scaled(x, rng)


def wheeze(seed: int, seconds: float = 30.0) -> Sound:
    """Breathing with a musical expiration."""
    rng = np.random.default_rng([3, seed])
    x = breath(rng, seconds)
    x /= np.abs(x).max()
    at, period = rng.uniform(0, 2), rng.uniform(2.5, 5)
    while at < seconds:
        t = np.arange(int(rng.uniform(0.25, 0.5) * period * RATE)) / RATE
        hz = rng.uniform(110, 500)
        part = np.sin(2 * np.pi * (hz * t + 5 * rng.standard_normal() * t**2))
        part += 0.4 * np.sin(4 * np.pi * hz * t)
        _add(x, at, rng.uniform(0.3, 1.2) * np.hanning(t.size) * part)
        at += period * rng.uniform(0.9, 1.1)
    return _scaled(x, rng)


def bowel(seed: int, seconds: float = 30.0) -> Sound:
    """Gurgles: trains of short bursts at random times, over a soft noise."""
    rng = np.random.default_rng([4, seed])
    n = int(seconds * RATE)
    x = 0.01 * _band(rng.standard_normal(n), 30, 300)
    at = rng.uniform(0, 2)
    while at < seconds:
        here, hz = at, rng.uniform(80, 450)
        for _ in range(int(rng.integers(1, 12))):
            t = np.arange(int(rng.uniform(0.01, 0.06) * RATE)) / RATE
            part = np.hanning(t.size) * np.sin(2 * np.pi * hz * rng.uniform(0.8, 1.25) * t)
            _add(x, here, rng.uniform(0.1, 1) * part)
            here += rng.uniform(0.02, 0.25)
        at = here + rng.exponential(rng.uniform(0.8, 4))
    return _scaled(x, rng)


def speech(seed: int, seconds: float = 30.0) -> Sound:
    """Syllables of a voice: a glottal train through two formants, pauses between phrases."""
    rng = np.random.default_rng([5, seed])
    n = int(seconds * RATE)
    x = np.zeros(n)
    pitch = rng.uniform(85, 250)
    at = rng.uniform(0, 1)
    while at < seconds:
        for _ in range(int(rng.integers(3, 12))):
            length = rng.uniform(0.08, 0.3)
            t = np.arange(int(length * RATE)) / RATE
            hz = pitch * rng.uniform(0.8, 1.3) * (1 + 0.1 * np.sin(2 * np.pi * t / length))
            phase = 2 * np.pi * np.cumsum(hz) / RATE
            voice = sum(np.cos(k * phase) / k for k in range(1, int(950 // hz.max()) + 1))
            part = _band(np.asarray(voice), 150, rng.uniform(400, 900)) * np.hanning(t.size)
            _add(x, at, rng.uniform(0.3, 1) * part)
            at += length * rng.uniform(0.8, 1.2)
        at += rng.uniform(0.2, 1.5)
    return _scaled(x, rng)


def music(seed: int, seconds: float = 30.0) -> Sound:
    """Notes on a beat, with a bass drum in every other piece."""
    rng = np.random.default_rng([6, seed])
    n = int(seconds * RATE)
    x = np.zeros(n)
    beat = 60 / rng.uniform(60, 150)
    roots = rng.choice([55.0, 65.4, 82.4, 110.0, 146.8], 4)
    for k in range(int(seconds / beat * 2)):
        at = 0.5 * k * beat
        hz = roots[k // 8 % 4] * 2 ** (rng.choice([0, 3, 5, 7, 10, 12]) / 12)
        t = np.arange(int(rng.uniform(0.5, 1.5) * beat * RATE)) / RATE
        note = sum(np.sin(2 * np.pi * m * hz * t) / m for m in (1, 2, 3))
        _add(x, at, rng.uniform(0.2, 0.6) * np.asarray(note) * np.exp(-t / 0.3))
        if seed % 2 and k % 2 == 0:
            t = np.arange(int(0.15 * RATE)) / RATE
            _add(x, at, 1.2 * np.exp(-t / 0.05) * np.sin(2 * np.pi * (50 * t + 2 * np.sqrt(t))))
    return _scaled(x, rng)


def traffic(seed: int, seconds: float = 30.0) -> Sound:
    """Rumble that swells as cars pass, an engine's tone in it."""
    rng = np.random.default_rng([7, seed])
    n = int(seconds * RATE)
    t = np.arange(n) / RATE
    gain = 0.15 + np.zeros(n)
    for _ in range(int(seconds / 5)):
        gain += rng.uniform(0.2, 1) * np.exp(-(((t - rng.uniform(0, seconds)) / 1.5) ** 2))
    x = gain * np.cumsum(rng.standard_normal(n) - 0.0)
    x = _band(gain * rng.standard_normal(n), 20, rng.uniform(80, 300), 1)
    hz = rng.uniform(28, 90) * (1 + 0.1 * np.sin(2 * np.pi * t / rng.uniform(3, 10)))
    x += 0.1 * gain * np.sin(2 * np.pi * np.cumsum(hz) / RATE)
    return _scaled(x, rng)


def table(seed: int, seconds: float = 30.0) -> Sound:
    """A stethoscope on a table: taps, rubbing, handling, a quiet room between them."""
    rng = np.random.default_rng([8, seed])
    n = int(seconds * RATE)
    x = 0.003 * _band(rng.standard_normal(n), 20, 400)
    at = rng.uniform(0, 2)
    while at < seconds:
        kind = rng.integers(3)
        if kind == 0:  # taps
            for _ in range(int(rng.integers(1, 6))):
                t = np.arange(int(0.15 * RATE)) / RATE
                ring = np.exp(-t / rng.uniform(0.005, 0.03))
                _add(
                    x, at, rng.uniform(0.3, 1) * ring * np.sin(2 * np.pi * rng.uniform(40, 300) * t)
                )
                at += rng.uniform(0.15, 1.2)
        elif kind == 1:  # rubbing
            length = rng.uniform(0.3, 3)
            m = int(length * RATE)
            rub = np.abs(_band(rng.standard_normal(m), 1, 8)) * rng.standard_normal(m)
            _add(x, at, rng.uniform(0.2, 0.8) * _band(rub, 30, 500) / 0.2)
            at += length
        at += rng.exponential(1.5)
    return _scaled(x, rng)


def room(seed: int, seconds: float = 30.0) -> Sound:
    """Nothing but the noise of a room or an amplifier."""
    rng = np.random.default_rng([9, seed])
    n = int(seconds * RATE)
    x = _band(rng.standard_normal(n), 20, rng.uniform(100, 800), 1)
    return x / np.abs(x).max() * 10 ** rng.uniform(-3, -1)


OTHER: dict[str, Callable[[int, float], Sound]] = {
    "lungs": lungs,
    "crackles": crackles,
    "wheeze": wheeze,
    "bowel": bowel,
    "speech": speech,
    "music": music,
    "traffic": traffic,
    "table": table,
    "room": room,
}
