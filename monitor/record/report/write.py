"""A report of one session, put together and written.

    write_report(record, path)   file, whole or not at all
    render(record)               the page as text

The page holds what the event file and the sound say, and no date of its own: the same session
gives the same page.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dsp.stage import RATE_HZ
from monitor import events as ev
from monitor.errors import UsageError
from monitor.record import session_sound as heard
from monitor.record.export.model import Record
from monitor.record.report import averaged, clip, page, parts
from monitor.record.report.cards import shipped_cards
from monitor.record.report.excerpts import Excerpt, choose, choose_clips
from monitor.record.report.facts import Facts, gather
from monitor.record.report.media import PLAYED_HZ, data_uri, wav
from monitor.record.report.pdf import to_pdf
from monitor.record.report.timeline import timeline
from monitor.system.atomic_write import refuse_existing, write_files
from monitor.text import safe_stem


def write_report(
    record: Record,
    path: Path | None = None,
    *,
    overwrite: bool = False,
) -> Path:
    """Write the report; return where.

    Parameters
    ----------
    path
        The file (``.html``, or ``.pdf`` with the extra); by default named after the session, here.
    overwrite
        Whether an existing file may be replaced.

    Raises
    ------
    UsageError
        If the name ends in neither, the file exists, or the extra is missing.
    InputError
        If the sound cannot be read, or is not that of the events.
    RecordError
        If the file cannot be written.
    """
    path = Path(f"{safe_stem(record.session.name)}.html") if path is None else path
    kind = path.suffix.lower()
    if kind not in (".html", ".htm", ".pdf"):
        raise UsageError(f"{path} ends in neither .html nor .pdf", "choose one of them")
    refuse_existing([path], overwrite)
    html = render(record)
    write_files(path.parent, {path.name: to_pdf(html) if kind == ".pdf" else html}, overwrite)
    return path


def render(record: Record) -> str:
    """Return the report as HTML."""
    cards = shipped_cards(record)
    facts = gather(record)
    sound = heard.load(record)
    sections = [page.section("timeline", "Timeline", _timeline(record, facts))]
    sections.append(page.section("moments", "Moments", _moments(record, facts, sound)))
    if sound is not None:
        sections.append(page.section("averaged", "Averaged beat", _averaged(record, sound)))
    beside = heard.reference(record)
    if beside is not None:
        sections.append(page.section("ecg", "Electrocardiogram", parts.reference(beside, facts)))
    sections.append(page.section("alarms", "Alarms", parts.alarms(record, facts)))
    sections.append(page.section("signal", "Signal", parts.signal(record, facts)))
    sections.append(page.section("numbers", "In numbers", parts.numbers(record, facts)))
    sections.append(page.section("model", "Model and settings", parts.model(record, cards)))
    name = record.session.name
    foot = (
        "Written by Apexbeat from the events of one session. Indices count samples at 2 kHz from "
        "its begin; times are seconds of it. The sound here is band-limited to 20–400 Hz. "
        "This page asks nothing of any network and runs no script."
    )
    return page.page(f"{name} - Apexbeat report", parts.head(record, facts), sections, foot)


def _timeline(record: Record, facts: Facts) -> str:
    keys = [
        ("dot", "window that counts"),
        ("ring", "window left out"),
        ("high", "high alarm"),
        ("medium", "medium"),
        ("low", "low"),
        ("lost", "no sound"),
    ]
    if record.answerable:
        keys.insert(-1, ("ack", "acknowledged"))
    caption = "Time in the session. Pointing at a bar shows its words."
    return page.figure(timeline(record, facts), caption) + page.legend(keys)


def _moments(record: Record, facts: Facts, sound: NDArray[np.float32] | None) -> str:
    kept = ""
    if sound is not None:
        moments = [(one, sound[one.start : one.stop]) for one in choose(record, facts, sound)]
        without = "No stretch of sound is whole enough to be shown."
    elif record.clips is not None:
        moments = choose_clips(facts, record.clips)
        without = "No clip of these alarms is left."
        kept = "The sound of the session was not recorded: these are clips kept around its alarms. "
    else:
        moments = []
        without = "No sound came with these events. Give it with --audio to see and hear moments."
    if not moments:
        return page.paragraph(without)
    level = clip.level([part for _, part in moments])
    drawn = [_moment(record, *one, level, f"clip{n}") for n, one in enumerate(moments)]
    intro = page.paragraph(
        f"{kept}Above: the sound from 20 to 400 Hz (full scale is 1) with the heart sounds that "
        "were found, those of low confidence in brackets. Below: its spectrogram, 55 dB from white "
        "to dark. "
        f"The player holds the same sound, made louder, at {PLAYED_HZ // 1000} kHz; small "
        "loudspeakers cannot give it, headphones can.",
        "note",
    )
    return intro + "".join(drawn)


def _moment(
    record: Record, one: Excerpt, part: NDArray[np.float32], level: clip.Level, key: str
) -> str:
    start, stop = clip.tenths(one.start / RATE_HZ), clip.tenths(one.stop / RATE_HZ)
    return page.figure(
        clip.figure(record, one, part, level, key),
        f"{one.why}.",
        heading=f"{start} to {stop}",
        sound=data_uri("audio/wav", wav(part)),
    )


def _averaged(record: Record, sound: NDArray[np.float32]) -> str:
    one = averaged.average(record, sound)
    if one is None:
        found = len(record.of(ev.Beat))
        return page.paragraph(f"Too few whole cycles for an average ({found} beats were found).")
    return page.figure(
        averaged.figure(one),
        f"Envelope of {one.used} cycles (of {one.found} whole ones; those within 10 % of the "
        f"median cycle of {one.marks[3] / RATE_HZ * 1000:.0f} ms), laid on their first heart "
        "sound: median and the range from the 10th to the 90th percentile.",
    )
