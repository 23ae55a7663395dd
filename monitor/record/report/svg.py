"""A few strokes of SVG: what the figures of a report are drawn with.

Colours are attributes, never style sheets or scripts, so the page's Content-Security-Policy can
forbid both. Every figure has a title and a description for those who do not see it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape

INK = "#1b2430"
MUTED = "#5b6775"
GRID = "#e3e8ee"
PAPER = "#ffffff"
BLUE = "#1f4e79"
AMBER = "#8a5a00"

QUALITY = {
    "good": "#3d8b68",
    "noisy": "#e0a83c",
    "clipped": "#c4683a",
    "no_heart": "#8d96a3",
    "flat": "#bcc4ce",
}
VERDICT = {"normal": "#3d8b68", "abnormal": "#b3261e", "unsure": "#e0a83c", "none": "#d7dce3"}
PRIORITY = {"high": "#b3261e", "medium": "#d18f1c", "low": "#1c7f93"}
DARK = {"#3d8b68", "#c4683a", "#b3261e", "#1c7f93", "#8d96a3"}
"""Colours on which words are white."""


def number(value: float) -> str:
    """Return a coordinate, two digits at most."""
    text = f"{value:.2f}".rstrip("0").rstrip(".")
    return "0" if text in ("", "-0") else text


class Drawing:
    """Collects elements of one figure.

    Parameters
    ----------
    width, height
        Size in its own units; the page scales it.
    key
        Prefix of its ids, unique on the page.
    """

    def __init__(self, width: float, height: float, key: str) -> None:
        self.width = width
        self.height = height
        self.key = key
        self._parts: list[str] = []

    def raw(self, element: str) -> None:
        """Add an element that is already SVG."""
        self._parts.append(element)

    def rect(
        self,
        x: float,
        y: float,
        width: float,
        height: float,
        fill: str,
        *,
        opacity: float = 1.0,
        radius: float = 0.0,
        tip: str = "",
    ) -> None:
        """Add a filled rectangle; ``tip`` is shown under the pointer."""
        more = f' opacity="{number(opacity)}"' if opacity < 1.0 else ""
        more += f' rx="{number(radius)}"' if radius else ""
        body = f"><title>{escape(tip)}</title></rect>" if tip else "/>"
        self._parts.append(
            f'<rect x="{number(x)}" y="{number(y)}" width="{number(max(width, 0.0))}"'
            f' height="{number(height)}" fill="{fill}"{more}{body}'
        )

    def line(
        self,
        a: tuple[float, float],
        b: tuple[float, float],
        stroke: str = GRID,
        *,
        width: float = 1.0,
        dash: str = "",
    ) -> None:
        """Add a straight line."""
        more = f' stroke-dasharray="{dash}"' if dash else ""
        self._parts.append(
            f'<line x1="{number(a[0])}" y1="{number(a[1])}" x2="{number(b[0])}"'
            f' y2="{number(b[1])}" stroke="{stroke}" stroke-width="{number(width)}"{more}/>'
        )

    def path(
        self,
        points: Sequence[tuple[float, float]],
        stroke: str = "none",
        *,
        width: float = 1.5,
        fill: str = "none",
        opacity: float = 1.0,
    ) -> None:
        """Add a polyline, closed where it is filled."""
        if not points:
            return
        steps = "L".join(f"{number(x)} {number(y)}" for x, y in points)
        more = f' opacity="{number(opacity)}"' if opacity < 1.0 else ""
        close = "Z" if fill != "none" else ""
        self._parts.append(
            f'<path d="M{steps}{close}" fill="{fill}" stroke="{stroke}"'
            f' stroke-width="{number(width)}" stroke-linejoin="round"{more}/>'
        )

    def dot(self, x: float, y: float, radius: float, fill: str, stroke: str = "none") -> None:
        """Add a circle."""
        self._parts.append(
            f'<circle cx="{number(x)}" cy="{number(y)}" r="{number(radius)}" fill="{fill}"'
            f' stroke="{stroke}"/>'
        )

    def text(
        self,
        x: float,
        y: float,
        words: str,
        *,
        size: float = 12,
        fill: str = MUTED,
        anchor: str = "start",
        bold: bool = False,
    ) -> None:
        """Add words; ``anchor`` is start, middle or end."""
        more = ' font-weight="600"' if bold else ""
        self._parts.append(
            f'<text x="{number(x)}" y="{number(y)}" font-size="{number(size)}" fill="{fill}"'
            f' text-anchor="{anchor}"{more}>{escape(words)}</text>'
        )

    def hatch(self, x: float, y: float, width: float, height: float, tip: str) -> None:
        """Add a hatched rectangle: nothing is known here."""
        self.rect(x, y, max(width, 1.5), height, f"url(#{self.key}-hatch)", tip=tip)

    def band(self, x: float, y: float, width: float, height: float, fill: str, words: str) -> None:
        """Add a coloured stretch with its word in it, where that fits."""
        self.rect(x, y, max(width, 1.0), height, fill, tip=words)
        if width > 6.4 * len(words) + 8:
            ink = PAPER if fill in DARK else INK
            self.text(x + 6, y + height / 2 + 4, words, size=11, fill=ink)

    def render(self, title: str, description: str) -> str:
        """Return the figure as an ``svg`` element."""
        key = self.key
        hatch = (
            f'<defs><pattern id="{key}-hatch" width="6" height="6" patternUnits="userSpaceOnUse"'
            ' patternTransform="rotate(45)"><rect width="6" height="6" fill="#eef1f5"/>'
            '<line x1="0" y1="0" x2="0" y2="6" stroke="#b4bdc9" stroke-width="2"/></pattern></defs>'
        )
        return (
            f'<svg viewBox="0 0 {number(self.width)} {number(self.height)}" role="img"'
            f' aria-labelledby="{key}-t {key}-d" xmlns="http://www.w3.org/2000/svg"'
            ' font-family="system-ui, sans-serif">'
            f'<title id="{key}-t">{escape(title)}</title>'
            f'<desc id="{key}-d">{escape(description)}</desc>{hatch}{"".join(self._parts)}</svg>'
        )


def ticks(low: float, high: float, wanted: int) -> list[float]:
    """Return round numbers within low..high, about ``wanted`` of them."""
    span = high - low
    if span <= 0:
        return [low]
    raw = span / max(wanted, 1)
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(m * power for m in (1.0, 2.0, 5.0, 10.0) if m * power >= raw * 0.999)
    first = math.ceil(low / step - 1e-9)
    return [round(n * step, 10) for n in range(first, math.floor(high / step + 1e-9) + 1)]


def time_ticks(seconds: float, wanted: int) -> list[float]:
    """Return round times from 0 to ``seconds``."""
    steps = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600)
    step = next((s for s in steps if seconds / s <= wanted), 43200)
    return [float(t) for t in range(0, int(seconds) + 1, step)]
