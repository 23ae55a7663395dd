"""Numbers that are read from two metres away.

One 3 × 5 font of pixels, scaled. A pixel of scale ``s`` is ``s`` columns wide and ``s`` half rows
high, so it is square where a character is twice as high as wide; the flat form (3 rows) is twice
as wide. Without blocks, whole rows of ``#`` are used.
"""

from __future__ import annotations

import numpy as np

_FONT = {
    "0": "### #.# #.# #.# ###",
    "1": "..# .## ..# ..# ..#",
    "2": "### ..# ### #.. ###",
    "3": "### ..# ### ..# ###",
    "4": "#.# #.# ### ..# ..#",
    "5": "### #.. ### ..# ###",
    "6": "### #.. ### #.# ###",
    "7": "### ..# ..# ..# ..#",
    "8": "### #.# ### #.# ###",
    "9": "### #.# ### ..# ###",
    "-": "... ... ### ... ...",
    " ": "... ... ... ... ...",
}
_SEGMENTS = {
    "0": (" _ ", "| |", "|_|"),
    "1": ("   ", "  |", "  |"),
    "2": (" _ ", " _|", "|_ "),
    "3": (" _ ", " _|", " _|"),
    "4": ("   ", "|_|", "  |"),
    "5": (" _ ", "|_ ", " _|"),
    "6": (" _ ", "|_ ", "|_|"),
    "7": (" _ ", "  |", "  |"),
    "8": (" _ ", "|_|", "|_|"),
    "9": (" _ ", "|_|", " _|"),
    "-": ("   ", " _ ", "   "),
    " ": ("   ", "   ", "   "),
}
_HALVES = {(False, False): " ", (True, False): "▀", (False, True): "▄", (True, True): "█"}


def big(text: str, height: int, *, unicode: bool) -> list[str]:
    """``text`` (digits, ``-`` and space) in at most ``height`` rows.

    3 rows are drawn flat, 5 rows and more with square pixels; under 3 it is the text itself.
    """
    if height < 3:
        return [text]
    if height < 5:
        if not unicode:
            return [" ".join(_SEGMENTS[c][row] for c in text) for row in range(3)]
        return _blocks(_pixels(text, across=2, down=1))
    scale = max(2, (2 * height) // 5)
    if unicode:
        return _blocks(_pixels(text, across=scale, down=scale))
    scale = height // 5
    wide = _pixels(text, across=2 * scale, down=scale)
    return ["".join("#" if dot else " " for dot in row) for row in wide]


def _pixels(text: str, *, across: int, down: int) -> np.ndarray:
    glyphs = []
    for number, char in enumerate(text):
        glyph = np.array([[c == "#" for c in row] for row in _FONT[char].split()])
        glyph = np.repeat(np.repeat(glyph, across, axis=1), down, axis=0)
        if number:
            gap = across if down > 1 else across // 2
            glyphs.append(np.zeros((glyph.shape[0], max(1, gap)), dtype=bool))
        glyphs.append(glyph)
    raster: np.ndarray = np.concatenate(glyphs, axis=1)
    return raster


def _blocks(raster: np.ndarray) -> list[str]:
    if raster.shape[0] % 2:
        raster = np.concatenate([raster, np.zeros((1, raster.shape[1]), dtype=bool)])
    pairs = zip(raster[0::2], raster[1::2], strict=True)
    return [
        "".join(_HALVES[bool(a), bool(b)] for a, b in zip(up, down, strict=True))
        for up, down in pairs
    ]
