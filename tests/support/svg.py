"""A terminal screen as SVG that looks the same everywhere.

Blocks, braille and lines are drawn as shapes and every other character stands at its own place,
so no font decides what the picture looks like, and nothing is fetched from anywhere.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from xml.sax.saxutils import escape

from rich.color import ColorTriplet
from rich.terminal_theme import DEFAULT_TERMINAL_THEME
from textual.strip import Strip

W, H = 10, 20
"""A cell, in pixels."""
PAD = 12

_DOTS = ((0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2), (0, 3), (1, 3))
"""Column and row of each bit of a braille character."""
_LINES = {
    "─": ((0, 1), (2, 1)), "━": ((0, 1), (2, 1)), "│": ((1, 0), (1, 2)), "┃": ((1, 0), (1, 2)),
    "╭": ((1, 2), (1, 1), (2, 1)), "╮": ((0, 1), (1, 1), (1, 2)), "╰": ((1, 0), (1, 1), (2, 1)),
    "╯": ((1, 0), (1, 1), (0, 1)), "┏": ((1, 2), (1, 1), (2, 1)), "┓": ((0, 1), (1, 1), (1, 2)),
    "┗": ((1, 0), (1, 1), (2, 1)), "┛": ((1, 0), (1, 1), (0, 1)),
}  # fmt: skip


def _rect(x: float, y: float, width: float, height: float) -> str:
    return f"M{x:g} {y:g}h{width:g}v{height:g}h{-width:g}z"


def _block(char: str, x: int, y: int) -> str:
    """Path of a block or braille character, empty for others."""
    code = ord(char)
    if char == "▀":
        return _rect(x, y, W, H / 2)
    if char == "▮":
        return _rect(x + 2, y + 3, W - 4, H - 6)
    if 0x2581 <= code <= 0x2588:
        height = H * (code - 0x2580) / 8
        return _rect(x, y + H - height, W, height)
    if 0x2800 <= code <= 0x28FF:
        bits = [(c, r) for bit, (c, r) in enumerate(_DOTS) if code - 0x2800 >> bit & 1]
        return "".join(_rect(x + 1 + 5 * c, y + 1 + 5 * r, 3.4, 3.4) for c, r in bits)
    return ""


def _stroke(char: str, x: int, y: int) -> str:
    """Path of a line character, empty for others."""
    if char == "╳":
        return f"M{x + 1} {y + 4}L{x + W - 1} {y + H - 4}M{x + W - 1} {y + 4}L{x + 1} {y + H - 4}"
    if char == "┤":
        return f"M{x + W // 2} {y}V{y + H}M{x} {y + H // 2}H{x + W // 2}"
    if char not in _LINES:
        return ""
    points = [f"{x + px * W / 2:g} {y + py * H / 2:g}" for px, py in _LINES[char]]
    return "M" + "L".join(points)


def svg(strips: Iterable[Strip], background: str) -> str:
    """The picture of a screen.

    Parameters
    ----------
    strips
        Rows of the screen, as the compositor renders them.
    background
        Colour behind them (``#rrggbb``).
    """
    fills: dict[str, list[str]] = defaultdict(list)
    strokes: dict[str, list[str]] = defaultdict(list)
    texts: list[str] = []
    backs: dict[str, list[str]] = defaultdict(list)
    columns = rows = 0
    for row, strip in enumerate(strips):
        rows, column = row + 1, 0
        y = PAD + row * H
        for segment in strip:
            style = segment.style
            fore, back = _colours(style, background)
            x = PAD + column * W
            if back != background:
                backs[back].append(_rect(x, y, W * len(segment.text), H))
            run: list[tuple[int, str]] = []
            for offset, char in enumerate(segment.text):
                at = x + offset * W
                if shape := _block(char, at, y):
                    fills[fore].append(shape)
                elif shape := _stroke(char, at, y):
                    strokes[fore].append(shape)
                elif not char.isspace():
                    run.append((at, char))
            bold = ' font-weight="bold"' if style is not None and style.bold else ""
            for at, word in _words(run):
                texts.append(
                    f'<text x="{at}" y="{y + 15}" textLength="{W * len(word)}" fill="{fore}"{bold}>'
                    f"{escape(word)}</text>"
                )
            column += len(segment.text)
        columns = max(columns, column)
    width, height = columns * W + 2 * PAD, rows * H + 2 * PAD
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
        f'font-family="DejaVu Sans Mono, Menlo, Consolas, monospace" font-size="16.6">',
        f'<rect width="{width}" height="{height}" rx="8" fill="{background}"/>',
        *(f'<path fill="{colour}" d="{"".join(d)}"/>' for colour, d in backs.items()),
        *(f'<path fill="{colour}" d="{"".join(d)}"/>' for colour, d in fills.items()),
        *(f'<path fill="none" stroke="{c}" d="{"".join(d)}"/>' for c, d in strokes.items()),
        *texts,
        "</svg>\n",
    ]
    return "\n".join(out)


def _words(run: list[tuple[int, str]]) -> Iterable[tuple[int, str]]:
    """Characters that stand side by side, with the place of the first."""
    start, word = 0, ""
    for at, char in run:
        if word and at == start + W * len(word):
            word += char
            continue
        if word:
            yield start, word
        start, word = at, char
    if word:
        yield start, word


def _colours(style: object, background: str) -> tuple[str, str]:
    fore, back = "#d0d0d0", background
    for name in ("color", "bgcolor"):
        colour = getattr(style, name, None)
        if colour is not None and not colour.is_default:
            triplet: ColorTriplet = colour.get_truecolor(DEFAULT_TERMINAL_THEME)
            if name == "color":
                fore = triplet.hex
            else:
                back = triplet.hex
    if getattr(style, "reverse", False):
        fore, back = back, fore
    return fore, back
