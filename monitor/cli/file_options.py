"""Options about what a file does not tell, and which part of it is wanted."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

from monitor.errors import UsageError

if TYPE_CHECKING:
    from monitor.capture.files import Part
    from monitor.decoding.decoder import Hints

F = TypeVar("F", bound=Callable[..., Any])

_ARECORD = {
    "u8": "u8", "s8": "s8", "s16_le": "s16le", "s16_be": "s16be", "s24_3le": "s24le",
    "s24_3be": "s24be", "s32_le": "s32le", "s32_be": "s32be", "float_le": "f32le",
    "float_be": "f32be", "float64_le": "f64le", "float64_be": "f64be", "mu_law": "ulaw",
    "a_law": "alaw", "cd": "s16le",
}  # fmt: skip
"""arecord's names of formats, beside ffmpeg's."""


def file_options(function: F) -> F:
    """Add ``--start``, ``--duration``, ``--rate`` and ``--raw``, for `hints_of` and `part_of`."""
    options = (
        click.option(
            "--start", metavar="TIME", help="Begin here: seconds, m:ss or h:mm:ss."
        ),
        click.option("--duration", metavar="TIME", help="So much of each recording."),
        click.option(
            "--rate", type=click.IntRange(1), metavar="HZ",
            help="Rate of .npy files, and of .mat files without a variable fs.",
        ),
        click.option(
            "--raw", metavar="RATE:FORMAT:CHANNELS",
            help="Samples without a header, such as 4000:s16le:1 (ffmpeg's or arecord's names).",
        ),
    )  # fmt: skip
    for option in reversed(options):
        function = option(function)
    return function


def hints_of(rate: int | None, raw: str | None) -> Hints:
    """Read ``--rate`` and ``--raw``.

    Raises
    ------
    UsageError
        If ``--raw`` is not written so.
    """
    from monitor.decoding.decoder import Hints, RawFormat
    from monitor.decoding.pcm import CODINGS

    if raw is None:
        return Hints(rate)
    parts = raw.split(":")
    coding = _ARECORD.get(parts[1].lower(), parts[1].lower()) if len(parts) == 3 else ""
    fits = len(parts) == 3 and parts[0].isdecimal() and parts[2].isdecimal()
    if not fits or coding not in CODINGS or not 1 <= int(parts[2]) <= 1024:
        raise UsageError(
            f"--raw {raw}: write it as RATE:FORMAT:CHANNELS",
            f"such as 4000:s16le:1; formats: {', '.join(CODINGS)}",
        )
    return Hints(rate, RawFormat(int(parts[0]), coding, int(parts[2])))


def part_of(start: str | None, duration: str | None) -> Part:
    """Read ``--start`` and ``--duration``.

    Raises
    ------
    UsageError
        If one is no time, or the duration is 0.
    """
    from monitor.capture.files import Part

    length_s = None if duration is None else seconds("--duration", duration)
    if length_s == 0:
        raise UsageError("--duration 0: nothing would be read")
    return Part(0.0 if start is None else seconds("--start", start), length_s)


def seconds(option: str, text: str) -> float:
    """Parse a time: seconds, m:ss or h:mm:ss, with a decimal point or comma.

    Raises
    ------
    UsageError
        If it is not a time.
    """
    found = re.fullmatch(r"(?:(?:(\d+):)?(\d+):)?(\d+(?:[.,]\d*)?)", text.strip())
    if found is None:
        raise UsageError(f"{option} {text}: write it as seconds, m:ss or h:mm:ss")
    hours, minutes, rest = found.groups()
    return 3600 * int(hours or 0) + 60 * int(minutes or 0) + float(rest.replace(",", "."))
