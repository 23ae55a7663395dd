"""Small pictures for a terminal: braille where it can be shown, blocks of ASCII elsewhere."""

from __future__ import annotations

from collections.abc import Sequence

_DOTS = ((0x01, 0x02, 0x04, 0x40), (0x08, 0x10, 0x20, 0x80))


def mirrored(values: Sequence[float], width: int, height: int, unicode: bool) -> list[str]:
    """Draw loudness (0..1) as a shape around a middle line.

    Parameters
    ----------
    width, height
        In characters.
    unicode
        Braille, else ``#``.

    Returns
    -------
    ``height`` lines of ``width`` characters.
    """
    if not unicode:
        return _hashes(_resampled(values, width), height)
    points = _resampled(values, 2 * width)
    rows = 4 * height
    cells = [[0] * width for _ in range(height)]
    for x, value in enumerate(points):
        reach = min(rows / 2, max(0.5, value * rows / 2))
        for y in range(rows):
            if abs(y + 0.5 - rows / 2) <= reach:
                cells[y // 4][x // 2] |= _DOTS[x % 2][y % 4]
    return ["".join(chr(0x2800 + dots) for dots in row) for row in cells]


def _hashes(points: Sequence[float], height: int) -> list[str]:
    middle = height / 2
    return [
        "".join("#" if abs(y + 0.5 - middle) <= max(0.5, v * middle) else " " for v in points)
        for y in range(height)
    ]


def _resampled(values: Sequence[float], count: int) -> list[float]:
    """Take the loudest of what falls on each of ``count`` points."""
    size = len(values)
    return [
        max(values[size * i // count : max(size * (i + 1) // count, size * i // count + 1)])
        for i in range(count)
    ]
