"""Curves as text: an envelope of minima and maxima, or a line, drawn into braille cells.

A braille cell holds 2 × 4 dots, so a plot of ``w`` × ``h`` cells has ``2 w`` × ``4 h`` dots. All
of it is numpy on small arrays: one picture of 118 × 10 cells takes about 0.1 ms. Where the
terminal has no braille the same dots become one ASCII character a cell.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

# Bit of each dot, rows from top, columns from left (Unicode 15, block U+2800).
_BITS = np.array([[0x01, 0x08], [0x02, 0x10], [0x04, 0x20], [0x40, 0x80]], dtype=np.uint32)
_ASCII_FILL = np.array(list(" .:-=+*##"))

Dots = NDArray[np.bool_]


def rows(dots: Dots, *, unicode: bool) -> list[str]:
    """Cells of a dot raster, one string per row of cells.

    Parameters
    ----------
    dots
        bool [4 h, 2 w], row 0 at the top.
    unicode
        False gives ASCII, by how many dots of a cell are set.
    """
    height, width = dots.shape[0] // 4, dots.shape[1] // 2
    cells = dots.reshape(height, 4, width, 2).transpose(0, 2, 1, 3)
    if unicode:
        codes = (cells * _BITS).sum(axis=(2, 3), dtype=np.uint32) + 0x2800
        codes[codes == 0x2800] = 0x20
        return [row.astype("<u4").tobytes().decode("utf-32-le") for row in codes]
    return ["".join(_ASCII_FILL[row]) for row in cells.sum(axis=(2, 3))]


def envelope(low: NDArray[np.float64], high: NDArray[np.float64], height: int) -> Dots:
    """Dots between minimum and maximum of each column.

    Parameters
    ----------
    low, high
        [2 w], scaled so that −1 is the bottom and 1 the top; NaN leaves the column empty. What
        goes beyond is cut at the edge.
    height
        Rows of cells.
    """
    count = 4 * height
    known = ~np.isnan(low)
    middle = (count - 1) / 2
    top = np.rint(middle - np.clip(np.nan_to_num(high), -1, 1) * middle)
    bottom = np.rint(middle - np.clip(np.nan_to_num(low), -1, 1) * middle)
    row = np.arange(count)[:, None]
    dots: Dots = (row >= top) & (row <= bottom) & known
    return dots


def line(values: NDArray[np.float64], bottom: float, top: float, height: int) -> Dots:
    """Dots of a line through ``values`` [2 w], joined from column to column; NaN breaks it."""
    count = 4 * height
    scaled = (np.clip(values, bottom, top) - bottom) / (top - bottom)
    at = (count - 1) * (1 - scaled)
    before = np.concatenate([at[:1], at[:-1]])
    before = np.where(np.isnan(before), at, before)
    first, last = np.minimum(at, (at + before) / 2), np.maximum(at, (at + before) / 2)
    known = ~np.isnan(at)
    row = np.arange(count)[:, None]
    dots: Dots = (row >= np.rint(np.nan_to_num(first))) & (row <= np.rint(np.nan_to_num(last)))
    return dots & known
