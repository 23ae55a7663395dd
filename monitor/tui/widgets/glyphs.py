"""The two alphabets of the screen: Unicode, and plain ASCII for terminals that have no other.

Every shape that stands for a meaning is named here once, so that a test can go through them and
no widget writes a character that the terminal may not have. A colour never stands alone: the
shapes of the priorities differ, and a word stands beside each.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Glyphs:
    """One alphabet.

    Attributes
    ----------
    unicode
        Whether braille, blocks and lines may be drawn.
    """

    unicode: bool
    high: str
    medium: str
    low: str
    cleared: str
    tick: str
    cross: str
    missing: str
    lamp_on: str
    lamp_off: str
    warn: str
    sep: str
    dash: str
    minus: str
    ge: str
    times: str
    levels: str
    play: str
    pause: str
    bar: str
    ellipsis: str

    def priority(self, priority: str) -> str:
        """Shape of an alarm priority."""
        return {"high": self.high, "medium": self.medium, "low": self.low}[priority]

    def plain(self, text: str) -> str:
        """``text`` with what this alphabet lacks replaced, same width or wider."""
        if self.unicode:
            return text
        return text.translate(_TO_ASCII).encode("ascii", "replace").decode("ascii")


_TO_ASCII: Mapping[int, str] = str.maketrans(
    {
        "≥": ">=",
        "≤": "<=",
        "–": "-",
        "—": "-",
        "−": "-",
        "·": "|",
        "×": "x",
        "…": "...",
        "±": "+-",
        "µ": "u",
        "←": "left",
        "→": "right",
        "↑": "up",
        "↓": "down",
        "“": '"',
        "”": '"',
        "’": "'",
    }
)

UNICODE = Glyphs(
    unicode=True,
    high="▲",
    medium="◆",
    low="●",
    cleared="○",
    tick="✓",
    cross="╳",
    missing="·",
    lamp_on="●",
    lamp_off="○",
    warn="!",
    sep="·",
    dash="–",
    minus="−",
    ge="≥",
    times="×",
    levels=" ▁▂▃▄▅▆▇█",
    play="▶",
    pause="▮▮",
    bar="█",
    ellipsis="…",
)

ASCII = Glyphs(
    unicode=False,
    high="!!!",
    medium="!!",
    low="!",
    cleared="-",
    tick="+",
    cross="X",
    missing=".",
    lamp_on="*",
    lamp_off="o",
    warn="!",
    sep="|",
    dash="-",
    minus="-",
    ge=">=",
    times="x",
    levels=" .:-=+*#@",
    play=">",
    pause="||",
    bar="#",
    ellipsis="...",
)
