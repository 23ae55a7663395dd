"""The page: HTML around the figures. No script, no outside request, every word escaped."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from importlib import resources

from dsp.stage import RATE_HZ
from monitor.record.export.model import Record
from monitor.text import clock

NOTICE = (
    "Apexbeat is a research and teaching instrument, not a medical device. "
    "Nothing on this page is a diagnosis."
)

Cell = str | tuple[str, str]
"""Words, or (words, class of the cell)."""


def page(title: str, head: str, sections: Iterable[str], foot: str) -> str:
    """Return the whole document."""
    style = resources.files("monitor.record.report").joinpath("style.css").read_text("utf-8")
    digest = base64.b64encode(hashlib.sha256(style.encode("utf-8")).digest()).decode("ascii")
    policy = (
        f"default-src 'none'; img-src data:; media-src data:; style-src 'sha256-{digest}'; "
        "base-uri 'none'; form-action 'none'"
    )
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="referrer" content="no-referrer">\n'
        f"<title>{escape(title)}</title>\n<style>{style}</style>\n</head>\n<body>\n"
        f'<div class="notice" role="note">{escape(NOTICE)}</div>\n<main>\n{head}\n'
        + "\n".join(sections)
        + f"\n<footer>{foot}</footer>\n</main>\n</body>\n</html>\n"
    )


def section(name: str, heading: str, body: str) -> str:
    """Return a section with its heading."""
    return (
        f'<section aria-labelledby="{name}"><h2 id="{name}">{escape(heading)}</h2>{body}</section>'
    )


def facts_list(rows: Sequence[tuple[str, str, str]]) -> str:
    """Return the large numbers at the top: (name, value, more)."""
    cells = "".join(
        f"<div><dt>{escape(name)}</dt><dd>{escape(value)}</dd>"
        f'<dd class="more">{escape(more)}</dd></div>'
        for name, value, more in rows
    )
    return f'<dl class="facts">{cells}</dl>'


def table(caption: str, head: Sequence[Cell], rows: Iterable[Sequence[Cell]]) -> str:
    """Return a table; cells are words, or words with a class (n: number, t: time)."""
    first = "".join(_cell("th", cell, ' scope="col"') for cell in head)
    body = "".join("<tr>" + "".join(_cell("td", c) for c in row) + "</tr>" for row in rows)
    return (
        f"<table><caption>{escape(caption)}</caption><thead><tr>{first}</tr></thead>"
        f"<tbody>{body}</tbody></table>"
    )


def pairs(caption: str, values: Mapping[str, object]) -> str:
    """Return a table of names and values."""
    return table(caption, ["name", "value"], [(name, _plain(v)) for name, v in values.items()])


def paragraph(words: str, kind: str = "") -> str:
    """Return a paragraph of plain words."""
    return f'<p class="{kind}">{escape(words)}</p>' if kind else f"<p>{escape(words)}</p>"


def figure(drawing: str, caption: str, heading: str = "", sound: str = "") -> str:
    """Return a figure; ``sound`` is the data URI of a WAV."""
    above = f"<h3>{escape(heading)}</h3>" if heading else ""
    player = ""
    if sound:
        player = (
            f'<audio controls preload="metadata" aria-label="{escape(heading, quote=True)}"'
            f' src="{sound}"></audio>'
        )
    return f"<figure>{above}{drawing}{player}<figcaption>{escape(caption)}</figcaption></figure>"


def legend(keys: Sequence[tuple[str, str]]) -> str:
    """Return the key of a figure: (class of the swatch, words)."""
    spans = "".join(
        f'<span class="key"><span class="swatch {kind}"></span>{escape(words)}</span>'
        for kind, words in keys
    )
    return f'<p class="note">{spans}</p>'


def shown_time(record: Record, index: int) -> str:
    """Time in the session, and the wall time (UTC) where it is known."""
    moment = record.moment(index)
    wall = "" if moment is None else f" ({moment:%Y-%m-%d %H:%M:%S} UTC)"
    return clock(index / RATE_HZ) + wall


def _cell(tag: str, cell: Cell, more: str = "") -> str:
    if isinstance(cell, str):
        return f"<{tag}{more}>{escape(cell)}</{tag}>"
    words, kind = cell
    return f'<{tag}{more} class="{kind}">{escape(words)}</{tag}>'


def _plain(value: object) -> str:
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:g}" if isinstance(value, float) else str(value)
