"""Colours: one dark and one light theme, chosen so that 16 colours are enough to tell them apart.

Each ink has at least 4.5 : 1 against its background (WCAG 2.1). Red, yellow and cyan are the
priorities (IEC 60601-1-8) and mean nothing else.
"""

from __future__ import annotations

import os
from collections.abc import Mapping

from textual.theme import Theme

DARK = Theme(
    name="apexbeat-dark",
    dark=True,
    primary="#5fafff",
    secondary="#d7afff",
    accent="#5fafff",
    background="#000000",
    surface="#000000",
    panel="#1c1c1c",
    foreground="#d0d0d0",
    error="#ff5f5f",
    warning="#ffd75f",
    success="#5fd787",
    variables={
        "ink-plain": "#d0d0d0",
        "ink-dim": "#9a9a9a",
        "ink-strong": "#ffffff",
        "ink-good": "#5fd787",
        "ink-low": "#5fd7ff",
        "ink-medium": "#ffd700",
        "ink-high": "#ff6b6b",
        "ink-wave": "#5fd787",
        "ink-second": "#d7afff",
        "fill-high": "#c00000",
        "on-high": "#ffffff",
        "fill-medium": "#ffd700",
        "on-medium": "#000000",
        "fill-low": "#00afd7",
        "on-low": "#000000",
        "frame": "#6c6c6c",
        "footer-key-foreground": "#ffd700",
    },
)

LIGHT = Theme(
    name="apexbeat-light",
    dark=False,
    primary="#005faf",
    secondary="#6c3fa0",
    accent="#005faf",
    background="#ffffff",
    surface="#ffffff",
    panel="#eeeeee",
    foreground="#1c1c1c",
    error="#b00000",
    warning="#7a5c00",
    success="#006b2d",
    variables={
        "ink-plain": "#1c1c1c",
        "ink-dim": "#5a5a5a",
        "ink-strong": "#000000",
        "ink-good": "#006b2d",
        "ink-low": "#006080",
        "ink-medium": "#7a5c00",
        "ink-high": "#b00000",
        "ink-wave": "#006b2d",
        "ink-second": "#6c3fa0",
        "fill-high": "#b00000",
        "on-high": "#ffffff",
        "fill-medium": "#ffd700",
        "on-medium": "#000000",
        "fill-low": "#87d7ff",
        "on-low": "#000000",
        "frame": "#8a8a8a",
        "footer-key-foreground": "#7a5c00",
    },
)


def preferred(environment: Mapping[str, str] = os.environ) -> str:
    """Light where the terminal says that its background is (``COLORFGBG``), dark otherwise."""
    background = environment.get("COLORFGBG", "").rpartition(";")[2]
    return LIGHT.name if background in {"7", "15"} else DARK.name
