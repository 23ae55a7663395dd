"""The page of an examination: the person's verdict, and the places side by side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from html import escape

import numpy as np
from numpy.typing import NDArray

from monitor import events as ev
from monitor.analysis.person import PersonVerdict
from monitor.events import RATE_HZ
from monitor.record.export.model import Record
from monitor.record.report import averaged, clip, page
from monitor.record.report.excerpts import Excerpt, first_good
from monitor.record.report.facts import gather
from monitor.record.report.media import data_uri, wav
from monitor.replay.rows import Row
from monitor.text import clock

PLAYED_S = 30
"""Sound of each place that the page holds."""

Place = tuple[Record, Row, NDArray[np.float32]]


@dataclass(frozen=True, slots=True)
class ExamPage:
    """What the page shows; the sound of a place is filtered, NaN where lost."""

    id: str
    note: str
    age: str
    started: datetime
    verdict: PersonVerdict
    places: Sequence[Place]


def render(exam: ExamPage) -> str:
    """Return the page as HTML."""
    moments = [first_good(record, gather(record), sound) for record, _, sound in exam.places]
    parts = [
        sound[moment.start : moment.stop]
        for moment, (_, _, sound) in zip(moments, exam.places, strict=True)
        if moment is not None
    ]
    level = clip.level(parts) if parts else None
    figures = "".join(
        _place(place, moment, level, f"place{number}")
        for number, (place, moment) in enumerate(zip(exam.places, moments, strict=True))
    )
    sections = [
        page.section("places", "Places", _table([row for _, row, _ in exam.places])),
        page.section("side", "Side by side", f'<div class="places">{figures}</div>'),
    ]
    foot = (
        "Written by Apexbeat. The sound here is band-limited to 20–400 Hz; levels are medians over "
        "the beats against S1. The verdict over all places is that of the place that sounds most "
        "abnormal, and never normal where fewer than half of them could be judged. This page asks "
        "nothing of any network and runs no script."
    )
    return page.page("Apexbeat examination", _head(exam), sections, foot)


def _head(exam: ExamPage) -> str:
    verdict = exam.verdict
    when = f"{exam.started:%Y-%m-%d %H:%M}"
    sub = " · ".join(word for word in (when, exam.age, exam.note) if word)
    rates = [row.rate for _, row, _ in exam.places if row.rate is not None]
    rate = f"{np.median(rates):.0f} /min" if rates else "--"
    facts = [
        (f"Heart sound, {verdict.scope} places", verdict.value, verdict.evidence),
        ("Heart rate, median", rate, f"at {len(rates)} of {len(exam.places)} places"),
    ]
    title = escape(exam.id or "Examination")
    return f'<h1>{title}</h1><p class="sub">{escape(sub)}</p>{page.facts_list(facts)}'


def _table(rows: Sequence[Row]) -> str:
    head: list[page.Cell] = [
        "place", ("length", "n"), ("rate", "n"), ("good signal", "n"), "verdict", "evidence",
        ("S2", "n"), ("systole", "n"), ("diastole", "n"),
    ]  # fmt: skip
    body: list[list[page.Cell]] = [
        [
            row.name,
            (clock(row.duration_s or 0), "n"),
            ("--" if row.rate is None else f"{row.rate:.0f}", "n"),
            ("--" if row.quality is None else f"{100 * row.quality:.0f} %", "n"),
            (row.verdict or "none"),
            row.evidence or "",
            *((("--" if db is None else f"{db:+.0f} dB"), "n")
              for db in (row.s2_db, row.systole_db, row.diastole_db)),
        ]
        for row in rows
    ]  # fmt: skip
    return page.table("Levels are against S1 of the same place.", head, body)


def _place(place: Place, moment: Excerpt | None, level: clip.Level | None, key: str) -> str:
    """Averaged beat, a stretch of sound with its spectrogram, and a player."""
    record, row, sound = place
    parts = []
    average = averaged.average(record, sound)
    heading = f"{row.name}: {(row.verdict or 'none').upper()}"
    if average is None:
        found = len(record.of(ev.Beat))
        parts.append(page.paragraph(f"{found} beats: too few for an average.", "note"))
    else:
        drawn = averaged.figure(average, f"{key}-average")
        words = f"Averaged beat of {average.used} cycles."
        if row.murmur is not None:
            words += f" If it is a murmur, it is loudest in {row.murmur}; a guess."
        parts.append(page.figure(drawn, words))
    if moment is None or level is None:
        parts.append(page.paragraph("No stretch of sound is whole enough to be shown.", "note"))
    else:
        part = sound[moment.start : moment.stop]
        drawn = clip.figure(record, moment, part, level, key)
        heard = data_uri("audio/wav", wav(sound[: PLAYED_S * RATE_HZ]))
        held = f"the first {PLAYED_S} s" if sound.size > PLAYED_S * RATE_HZ else "all of it"
        parts.append(page.figure(drawn, f"{moment.why}; the player holds {held}.", "", heard))
    return f"<div><h3>{escape(heading)}</h3>{''.join(parts)}</div>"
