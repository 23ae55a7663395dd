"""Sound on the disk in pieces of a minute that survive a kill.

A piece is a WAV file ``.part`` while it grows (a FLAC that was not closed cannot be read), then
synced and renamed, then made a FLAC of, which takes its place.
"""

from __future__ import annotations

import os
import struct
from pathlib import Path

import numpy as np
import soundfile as sf
from numpy.typing import NDArray

SEGMENT_S = 60.0
PART = ".wav.part"


def wav_header(rate_hz: int, channels: int, data_bytes: int) -> bytes:
    """44 bytes before 16-bit samples."""
    frame = 2 * channels
    return struct.pack(
        "<4sI4s4sIHHIIHH4sI",
        b"RIFF",
        36 + data_bytes,
        b"WAVE",
        b"fmt ",
        16,
        1,
        channels,
        rate_hz,
        rate_hz * frame,
        frame,
        16,
        b"data",
        data_bytes,
    )


class SegmentWriter:
    """Appends int16 [n, channels]; not for several threads."""

    def __init__(self, folder: Path, rate_hz: int, channels: int) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._folder, self._rate_hz, self._channels = folder, rate_hz, channels
        self._number = 0
        self._handle: int | None = None
        self._frames = 0

    def write(self, frames: NDArray[np.int16]) -> None:
        """Append; raises OSError where the disk refuses."""
        most = round(SEGMENT_S * self._rate_hz)
        while len(frames):
            handle = self._open()
            part = frames[: most - self._frames]
            _write_all(handle, np.ascontiguousarray(part, dtype="<i2").tobytes())
            self._frames += len(part)
            frames = frames[len(part) :]
            if self._frames >= most:
                self.close()

    def close(self) -> None:
        """Close the present piece and compress it."""
        if self._handle is None:
            return
        handle, self._handle = self._handle, None
        size = self._frames * 2 * self._channels
        self._frames = 0
        try:
            os.pwrite(handle, wav_header(self._rate_hz, self._channels, size), 0)
            os.fsync(handle)
        finally:
            os.close(handle)
        part = self._path(PART)
        wav = self._path(".wav")
        part.rename(wav)
        flac = self._path(".flac")
        temporary = self._path(".flac.part")
        sound, rate_hz = sf.read(wav, dtype="int16", always_2d=True)
        sf.write(temporary, sound, rate_hz, format="FLAC", subtype="PCM_16")
        temporary.rename(flac)
        wav.unlink()

    def _open(self) -> int:
        if self._handle is None:
            self._folder.mkdir(mode=0o700, exist_ok=True)  # gone with its last old piece
            self._number += 1
            flags = os.O_RDWR | os.O_CREAT | os.O_EXCL
            self._handle = os.open(self._path(PART), flags, 0o600)
            _write_all(self._handle, wav_header(self._rate_hz, self._channels, 0xFFFFFF00))
        return self._handle

    def _path(self, suffix: str) -> Path:
        return self._folder / f"{self._number:06d}{suffix}"


def _write_all(handle: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(handle, view) :]
