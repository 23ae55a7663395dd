"""Plain samples: bytes in, float32 frames of full scale ±1 out, as libsndfile scales them.

For streams, and for files whose header lies about their length: libsndfile believes the header.
G.711 after ITU-T recommendation G.711.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from monitor.decoding.decoder import Decoder, Frames, length_words


class Readable(Protocol):
    """Whatever bytes can be read from."""

    def read(self, count: int, /) -> bytes: ...
    def close(self) -> None: ...


@dataclass(frozen=True)
class Coding:
    """How a sample is coded: bytes, the conversion, and whether its level is known (`Decoder`)."""

    width: int
    convert: Callable[[bytes], NDArray[np.float32]]
    bounded: bool


def _integers(kind: str, scale: float, offset: float = 0.0) -> Callable[[bytes], Frames]:
    def convert(data: bytes) -> Frames:
        values = np.frombuffer(data, kind).astype(np.float32)
        return (values - np.float32(offset)) / np.float32(scale)

    return convert


def _wide(kind: str) -> Callable[[bytes], Frames]:
    return lambda data: (np.frombuffer(data, kind) / 2.0**31).astype(np.float32)


def _three(little: bool) -> Callable[[bytes], Frames]:
    def convert(data: bytes) -> Frames:
        parts = np.frombuffer(data, np.uint8).reshape(-1, 3)
        padded = np.zeros((len(parts), 4), np.uint8)  # the three bytes are the upper ones
        padded[:, 1:] = parts if little else parts[:, ::-1]
        return (padded.reshape(-1).view("<i4") / 2.0**31).astype(np.float32)

    return convert


def _floats(kind: str) -> Callable[[bytes], Frames]:
    return lambda data: np.frombuffer(data, kind).astype(np.float32)


def _table(values: NDArray[np.float64]) -> Callable[[bytes], Frames]:
    table = (values / 32768.0).astype(np.float32)
    return lambda data: table[np.frombuffer(data, np.uint8)]


def _ulaw() -> NDArray[np.float64]:
    code = 255 - np.arange(256)
    size = (((code & 0x0F) << 3) + 0x84 << ((code & 0x70) >> 4)) - 0x84
    return np.where(code & 0x80, -size, size).astype(np.float64)


def _alaw() -> NDArray[np.float64]:
    code = np.arange(256) ^ 0x55
    exponent = (code & 0x70) >> 4
    base = ((code & 0x0F) << 4) + 8
    size = np.where(exponent == 0, base, base + 0x100 << np.maximum(exponent - 1, 0))
    return np.where(code & 0x80, size, -size).astype(np.float64)


CODINGS: dict[str, Coding] = {
    "u8": Coding(1, _integers("u1", 128.0, 128.0), True),
    "s8": Coding(1, _integers("i1", 128.0), True),
    "s16le": Coding(2, _integers("<i2", 32768.0), True),
    "s16be": Coding(2, _integers(">i2", 32768.0), True),
    "s24le": Coding(3, _three(True), False),
    "s24be": Coding(3, _three(False), False),
    "s32le": Coding(4, _wide("<i4"), False),
    "s32be": Coding(4, _wide(">i4"), False),
    "f32le": Coding(4, _floats("<f4"), False),
    "f32be": Coding(4, _floats(">f4"), False),
    "f64le": Coding(8, _floats("<f8"), False),
    "f64be": Coding(8, _floats(">f8"), False),
    "ulaw": Coding(1, _table(_ulaw()), True),
    "alaw": Coding(1, _table(_alaw()), True),
}
"""Names as ffmpeg has them."""


class PcmDecoder(Decoder):
    """Plain samples from a file or a stream that stands at its first one.

    Parameters
    ----------
    stream
        Closed with this.
    coding
        One of `CODINGS`.
    length
        Bytes of sound that the header promises; None reads to the end.
    trouble
        What is known to be wrong with it.
    """

    def __init__(
        self,
        stream: Readable,
        coding: str,
        rate_hz: int,
        channels: int,
        *,
        length: int | None = None,
        trouble: str = "",
        rereadable: bool = True,
    ) -> None:
        self._stream, self._coding = stream, CODINGS[coding]
        self.rate_hz, self.channels = rate_hz, channels
        self.bounded, self.rereadable = self._coding.bounded, rereadable
        self.trouble = trouble
        self._frame = self._coding.width * channels
        self.frames = None if length is None else length // self._frame
        self._done = 0
        self._rest = b""

    def read(self, count: int) -> Frames:
        asked = count
        if self.frames is not None:
            count = min(count, self.frames - self._done)
        if count <= 0:
            return self.read(asked) if self._goes_on() else self.none()
        wanted, parts = count * self._frame - len(self._rest), [self._rest]
        while wanted > 0:
            data = self._stream.read(wanted)
            if not data:
                break
            parts.append(data)
            wanted -= len(data)
        data = b"".join(parts)
        whole = len(data) // self._frame * self._frame
        self._rest = data[whole:]
        self._done += whole // self._frame
        if not whole:
            self._end()
            return self.none()
        return self._coding.convert(data[:whole]).reshape(-1, self.channels)

    def _end(self) -> None:
        """Note what a stream that ended still owed."""
        if self.trouble:
            return
        if self.frames is not None and self._done < self.frames:
            self.trouble = f"cut short, {length_words(self.rate_hz, self._done, self.frames)}"

    def _goes_on(self) -> bool:
        """Whether sound follows what the header promised."""
        return False

    def close(self) -> None:
        """Close the stream."""
        self._stream.close()
