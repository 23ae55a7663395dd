"""Hearts of many kinds, and files of them as the field has them: damaged, piped, mixed, mute.

Every function takes a seed: a kind of file is tried with several hearts, rates and places.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dsp.phantom import Phantom, render

Sound = NDArray[np.float64]
RATES_HZ = (2000, 4000, 8000, 16_000, 44_100)


@dataclass(frozen=True)
class Heart:
    """A heart of its own rate, and what is known of it."""

    sound: Sound
    rate_hz: int
    per_minute: float


@cache
def heart(
    seed: int, seconds: float = 14.0, rate_hz: int | None = None, per_minute: float | None = None
) -> Heart:
    """A heart of 55 to 110 a minute, peak 0.5."""
    rng = np.random.default_rng([37, seed])
    per_minute = per_minute or float(rng.uniform(55, 110))
    rate_hz = rate_hz or RATES_HZ[seed % len(RATES_HZ)]
    made = render(Phantom(duration_s=seconds, seed=seed, rate_per_min=per_minute), rate_hz)
    sound = made.sound / np.abs(made.sound).max() * 0.5
    sound.setflags(write=False)  # the same for every test
    return Heart(sound, rate_hz, per_minute)


def pcm(sound: Sound) -> bytes:
    """Samples of 16 bits."""
    return np.round(np.clip(sound, -1, 1) * 32767).astype("<i2").tobytes()


def riff(
    data: bytes, rate_hz: int, length: int, channels: int = 1, whole: int | None = None
) -> bytes:
    """A WAV of 16 bits whose header tells ``length`` bytes of sound."""
    form = struct.pack("<HHIIHH", 1, channels, rate_hz, 2 * channels * rate_hz, 2 * channels, 16)
    total = (length + 36) % 2**32
    head = b"RIFF" + struct.pack("<I", total) + b"WAVEfmt " + struct.pack("<I", 16) + form
    return head + b"data" + struct.pack("<I", length) + data


def aiff(data_be: bytes, rate_hz: int, length: int) -> bytes:
    """An AIFF of 16 bits as sox writes it into a pipe, with a length of its own."""
    exponent = int(np.floor(np.log2(rate_hz)))
    mantissa = int(rate_hz * 2.0 ** (63 - exponent))
    rate = struct.pack(">HQ", exponent + 16383, mantissa)
    comm = struct.pack(">hIh", 1, length // 2, 16) + rate
    head = b"AIFFCOMM" + struct.pack(">I", len(comm)) + comm
    head += b"SSND" + struct.pack(">III", length + 8, 0, 0)
    return b"FORM" + struct.pack(">I", length + 8 + len(head)) + head + data_be


def ecg(seed: int, seconds: float, rate_hz: int, per_minute: float, first_s: float) -> Sound:
    """An electrocardiogram: P, QRS and T, with some noise and a wandering line."""
    rng = np.random.default_rng([38, seed])
    t = np.arange(round(seconds * rate_hz)) / rate_hz
    out = 0.05 * np.sin(2 * np.pi * 0.3 * t) + 0.01 * rng.standard_normal(len(t))
    for at in np.arange(first_s, seconds, 60 / per_minute):
        for shift, height, width in (
            (-0.16, 0.12, 0.022), (-0.025, -0.12, 0.008), (0.0, 1.0, 0.011),
            (0.028, -0.22, 0.009), (0.24, 0.25, 0.045),
        ):  # fmt: skip
            out += height * np.exp(-0.5 * ((t - at - shift) / width) ** 2)
    return 0.4 * out


def write_wfdb(folder: Path, name: str, header: str, files: dict[str, bytes]) -> Path:
    """A record made by hand: its header and the files that it names."""
    for file, content in files.items():
        (folder / file).write_bytes(content)
    path = folder / f"{name}.hea"
    path.write_text(header, encoding="ascii")
    return path
