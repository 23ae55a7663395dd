"""Messages to bytes and back: a 4-byte big-endian length, then one msgpack object."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Any, Generic, TypeVar

import msgspec

from monitor.link.messages import FromCore, FromScreen
from monitor.text import harmless

LIMIT = 32 * 2**20
"""A longer frame is no message of ours, bytes."""

_HEAD = struct.Struct(">I")
_encoder = msgspec.msgpack.Encoder()

M = TypeVar("M")


class LinkError(Exception):
    """The other side does not speak our language, or is gone."""


def encode(message: FromCore | FromScreen) -> bytes:
    body = _encoder.encode(message)
    return _HEAD.pack(len(body)) + body


class Decoder(Generic[M]):
    """Bytes in, messages out.

    Parameters
    ----------
    kind
        `FromCore` or `FromScreen`.
    limit
        Longest frame accepted, bytes.
    """

    def __init__(self, kind: Any, limit: int = LIMIT) -> None:
        self._decoder: msgspec.msgpack.Decoder[M] = msgspec.msgpack.Decoder(kind)
        self._limit = limit
        self._buffer = bytearray()

    def feed(self, data: bytes) -> Iterator[M]:
        """Yield the messages that are now complete.

        Raises
        ------
        LinkError
            If the bytes are no message.
        """
        self._buffer += data
        while len(self._buffer) >= _HEAD.size:
            (length,) = _HEAD.unpack_from(self._buffer)
            if length > self._limit:
                raise LinkError(f"a frame of {length} bytes")
            end = _HEAD.size + length
            if len(self._buffer) < end:
                return
            body = bytes(self._buffer[_HEAD.size : end])
            del self._buffer[:end]
            try:
                yield self._decoder.decode(body)
            except (msgspec.DecodeError, UnicodeDecodeError) as error:
                words = harmless(str(error), 200)
                raise LinkError(f"a frame that is no message: {words}") from None
