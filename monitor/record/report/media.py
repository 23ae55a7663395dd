"""Sound as a picture and as a player: spectrogram in a PNG, clip in a WAV, both as data URIs."""

from __future__ import annotations

import base64
import io
import struct
import wave
import zlib

import numpy as np
from numpy.typing import NDArray
from scipy.signal import get_window, resample_poly

from dsp.stage import RATE_HZ

WINDOW, HOP, POINTS = 160, 16, 512
"""Of the spectrogram, in samples: 80 ms, 8 ms, zero-padded to 3.9 Hz a row."""

TOP_HZ = 500
RANGE_DB = 55.0
LEVELS = 48
"""Shades; few, so that the picture stays small."""

PLAYED_HZ = 8000
"""Rate of a clip's WAV: browsers refuse less than 3 kHz."""

PLAYED_PEAK = 0.8

_ANCHORS = np.array(
    [[255, 255, 255], [222, 234, 245], [130, 178, 217], [43, 105, 168], [15, 40, 84], [8, 18, 40]],
    dtype=np.float64,
)


def loudness(sound: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return the spectrogram in dB, rows from TOP_HZ down to 0, one column each `HOP` samples.

    Parameters
    ----------
    sound
        float32 [n] at 2 kHz; NaN counts as silence.

    Returns
    -------
    float64 [rows, columns]
    """
    half = WINDOW // 2
    padded = np.concatenate(
        [np.zeros(half), np.nan_to_num(sound).astype(np.float64), np.zeros(half)]
    )
    frames = np.lib.stride_tricks.sliding_window_view(padded, WINDOW)[::HOP]
    power = np.abs(np.fft.rfft(frames * get_window("hann", WINDOW), POINTS)) ** 2
    rows = TOP_HZ * POINTS // RATE_HZ + 1
    decibel: NDArray[np.float64] = 10 * np.log10(np.maximum(power[:, :rows].T[::-1], 1e-14))
    return decibel


def spectrogram(sound: NDArray[np.float32], top_db: float | None = None) -> NDArray[np.uint8]:
    """Return the shades of a spectrogram, uint8 [rows, columns], 0..LEVELS-1.

    Parameters
    ----------
    sound
        float32 [n] at 2 kHz; NaN counts as silence.
    top_db
        Level of the darkest shade, white lies `RANGE_DB` below; by default the loudest point.
    """
    decibel = loudness(sound)
    shade = (decibel - (decibel.max() if top_db is None else top_db)) / RANGE_DB + 1
    shades: NDArray[np.uint8] = np.round(np.clip(shade, 0, 1) * (LEVELS - 1)).astype(np.uint8)
    return shades


def png(shades: NDArray[np.uint8]) -> bytes:
    """Return a PNG (8 bits, palette) of shades uint8 [rows, columns] (ISO/IEC 15948)."""
    rows, columns = shades.shape
    where = np.linspace(0, len(_ANCHORS) - 1, LEVELS)
    palette = np.stack(
        [np.interp(where, np.arange(len(_ANCHORS)), _ANCHORS[:, c]) for c in range(3)], axis=1
    )
    scanlines = np.zeros((rows, columns + 1), np.uint8)  # a filter byte of 0 leads each
    scanlines[:, 1:] = shades
    return b"".join(
        [
            b"\x89PNG\r\n\x1a\n",
            _chunk(b"IHDR", struct.pack(">IIBBBBB", columns, rows, 8, 3, 0, 0, 0)),
            _chunk(b"PLTE", np.round(palette).astype(np.uint8).tobytes()),
            _chunk(b"IDAT", zlib.compress(scanlines.tobytes(), 9)),
            _chunk(b"IEND", b""),
        ]
    )


def _chunk(kind: bytes, data: bytes) -> bytes:
    check = zlib.crc32(kind + data)
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", check)


def wav(sound: NDArray[np.float32]) -> bytes:
    """Return a clip as a WAV of 16 bits at `PLAYED_HZ`, its peak at `PLAYED_PEAK`."""
    clip = np.nan_to_num(sound).astype(np.float64)
    louder = resample_poly(clip, PLAYED_HZ // RATE_HZ, 1) if clip.size else clip
    peak = float(np.abs(louder).max(initial=0.0))
    if peak > 0:
        louder = louder * (PLAYED_PEAK / peak)
    fade = np.clip(np.minimum(np.arange(louder.size), np.arange(louder.size)[::-1]) / 160, 0, 1)
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(PLAYED_HZ)
        file.writeframes(np.round(louder * fade * 32767).astype("<i2").tobytes())
    return out.getvalue()


def data_uri(kind: str, content: bytes) -> str:
    """Return content as a data URI of a media type."""
    return f"data:{kind};base64,{base64.b64encode(content).decode('ascii')}"
