"""The parts of a report that are words and tables."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime
from html import escape

from dsp.ecg import Reference
from dsp.stage import RATE_HZ
from monitor import events as ev
from monitor.alarms.episodes import Episode
from monitor.record.export.model import Record
from monitor.record.report import page
from monitor.record.report.facts import Facts
from monitor.text import clock

ROWS = 60
"""Rows of the table that stands for the timeline, at the most."""

SHOWN = 200
"""Alarms, gaps, faults or marks listed at the most; the exports have all."""

SHORT_S = 600
"""A rate of alarms from less sound than this is said to be of little meaning."""


def _seconds(samples: float) -> str:
    return f"{samples / RATE_HZ:.1f} s"


def head(record: Record, facts: Facts) -> str:
    """Title, large numbers, and what is wrong with the recording itself."""
    begin = record.moment(0)
    when = "" if begin is None else f"{begin:%Y-%m-%d %H:%M:%S} UTC · "
    session = record.session
    sub = (
        f"{when}{session.rate} Hz, {session.channels} channel{'s'[: session.channels > 1]} · "
        f"{session.software}"
    )
    warnings = []
    if record.end is None:
        warnings.append("The recording broke off: its last line is missing.")
    elif not record.end.complete:
        warnings.append("The source was not read to its end.")
    if facts.lost:
        gaps = len(record.of(ev.Gap))
        where = "one gap" if gaps == 1 else f"{gaps} gaps"
        warnings.append(f"{_seconds(facts.lost)} of sound were lost in {where}.")
    words = "".join(f'<div class="warn" role="note">{escape(w)}</div>' for w in warnings)
    return (
        f"<h1>{escape(session.name)}</h1>"
        f'<p class="sub">{escape(sub)}</p>{words}{page.facts_list(_cards(record, facts))}'
    )


def _cards(record: Record, facts: Facts) -> list[tuple[str, str, str]]:
    if facts.rate is None:
        rate = ("Heart rate", "--", "none was found")
    else:
        low, middle, high = facts.rate
        rate = ("Heart rate, median", f"{middle:.0f} /min", f"from {low:.0f} to {high:.0f}")
    intervals = ("S1–S2 · S2–S1", "--", "")
    if facts.systole_ms is not None and facts.diastole_ms is not None:
        value = f"{facts.systole_ms:.0f} · {facts.diastole_ms:.0f} ms"
        intervals = ("S1–S2 · S2–S1", value, "medians of systole and diastole")
    verdict = ("Heart sound", "none", "too few good windows for a verdict")
    if facts.last is not None:
        p = (
            ""
            if facts.last.p is None
            else f"p {facts.last.p:.2f} from {facts.last.windows} windows"
        )
        at = clock(facts.last.index / RATE_HZ)
        verdict = ("Heart sound, last verdict", facts.last.value, f"{p}, at {at}")
    whole = ("Heart sound, whole session", "--", "not told by this record")
    if facts.whole is not None:
        whole = ("Heart sound, whole session", facts.whole.value, facts.whole.reason)
    per_hour = facts.per_hour()
    rate_of = "" if per_hour is None else f"{per_hour:.1f} per hour of sound"
    if facts.heard < SHORT_S * RATE_HZ:
        rate_of = f"in {clock(facts.heard / RATE_HZ)} of sound"
    unanswered = sum(a.to_acknowledge for a in facts.alarms) if record.answerable else 0
    more = f"{rate_of}; {unanswered} to acknowledge" if unanswered else rate_of
    return [
        ("Duration", clock(facts.length / RATE_HZ), f"{_seconds(facts.heard)} of sound heard"),
        rate,
        intervals,
        ("Beats", str(facts.beats), "found, incomplete ones too"),
        verdict,
        whole,
        ("Good signal", f"{100 * facts.share['good']:.0f} %", "of the sound heard"),
        ("Alarms", str(len(facts.alarms)), more),
    ]


def alarms(record: Record, facts: Facts) -> str:
    """Table of all alarms, and how many there were per hour."""
    if not facts.alarms:
        return page.paragraph("No alarm was raised.")
    rows = [_alarm_row(record, one) for one in facts.alarms[:SHOWN]]
    caption = "Each occurrence, from when it was raised; a return within a minute is the same one"
    if len(facts.alarms) > SHOWN:
        caption += f"; the first {SHOWN} of {len(facts.alarms)}"
    answers: list[page.Cell] = ["acknowledged"] if record.answerable else []
    listed = page.table(
        caption,
        ["alarm", "priority", "from", "lasted", *answers, "reason", "ended with"],
        rows,
    )
    counted: list[list[page.Cell]] = []
    for priority in ("high", "medium", "low"):
        rate = facts.per_hour(priority)
        count = sum(one.priority == priority for one in facts.alarms)
        counted.append([priority, (str(count), "n"), (f"{rate or 0:.1f}", "n")])
    note = f"Over {facts.hours:.2f} h of sound that was heard"
    if facts.heard < SHORT_S * RATE_HZ:
        note += "; from less than ten minutes a rate per hour says little"
    return listed + page.table(note, ["priority", ("alarms", "n"), ("per hour", "n")], counted)


def _alarm_row(record: Record, one: Episode) -> list[page.Cell]:
    length = "until the end" if one.lasted_s is None else f"{one.lasted_s:.1f} s"
    if one.state == "latched":
        length += ", latched"
    if one.count > 1:
        length += f", came {one.count} times"
    answered: list[page.Cell] = []
    if record.answerable:
        answered = [(_answered(record, one), "t")]
    return [
        (one.title, "t"),
        one.priority,
        (page.shown_time(record, one.start), "t"),
        (length, "t"),
        *answered,
        one.evidence,
        one.ended,
    ]


def _answered(record: Record, one: Episode) -> str:
    if one.acknowledged is None:
        return "not yet" if one.to_acknowledge else "no, it ended by itself"
    if one.acknowledged_wall is None:
        return page.shown_time(record, one.acknowledged)
    moment = datetime.fromtimestamp(one.acknowledged_wall, UTC)
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC"


def signal(record: Record, facts: Facts) -> str:
    """Share of each quality, gaps, faults and marks."""
    shares: list[list[page.Cell]] = [
        [value.replace("_", " "), (f"{100 * share:.1f} %", "n")]
        for value, share in facts.share.items()
        if share > 0
    ]
    out = [page.table("Share of the sound heard", ["quality", ("share", "n")], shares)]
    gaps = record.of(ev.Gap)
    if gaps:
        rows: list[list[page.Cell]] = [
            [
                (page.shown_time(record, gap.start), "t"),
                (_seconds(gap.length), "n"),
                (f"± {gap.uncertainty / RATE_HZ:.2f} s", "n"),
                gap.reason,
            ]
            for gap in gaps[:SHOWN]
        ]
        heads: list[page.Cell] = ["from", ("lost", "n"), ("known to", "n"), "reason"]
        out.append(page.table(f"Gaps: {len(gaps)}", heads, rows))
    else:
        out.append(page.paragraph("No sound was lost."))
    faults = record.of(ev.Fault)
    if faults:
        found: list[list[page.Cell]] = [
            [(page.shown_time(record, one.index), "t"), one.what] for one in faults[:SHOWN]
        ]
        out.append(page.table(f"Faults: {len(faults)}", ["at", "what"], found))
    marks = record.of(ev.Mark)
    if marks:
        noted: list[list[page.Cell]] = [
            [(page.shown_time(record, one.index), "t"), one.note] for one in marks[:SHOWN]
        ]
        out.append(page.table(f"Marks: {len(marks)}", ["at", "note"], noted))
    return "".join(out)


def reference(one: Reference, facts: Facts) -> str:
    """An electrocardiogram beside the sound: its rate and the time to the first heart sound."""
    heard = "--" if facts.rate is None else f"{facts.rate[1]:.0f}"
    rows: list[list[page.Cell]] = [
        ["rate of the electrocardiogram", ("--" if one.rate is None else f"{one.rate:.0f}", "n")],
        ["rate of the heart sounds", (heard, "n")],
        ["R to S1, ms", ("--" if one.r_s1_ms is None else f"{one.r_s1_ms:.0f}", "n")],
        ["R waves", (str(one.waves), "n")],
    ]
    if one.matched is not None:
        rows.append(["R waves with a first heart sound", (f"{100 * one.matched:.0f} %", "n")])
    return page.table("Beside an electrocardiogram", ["", ("value", "n")], rows)


def numbers(record: Record, facts: Facts) -> str:
    """The timeline as a table, for those who do not see it and for copying."""
    step = next(
        s
        for s in (10, 30, 60, 300, 600, 1800, 3600, 7200, 10**9)
        if facts.length / RATE_HZ / s <= ROWS
    )
    bins: dict[int, list[ev.Event]] = {}
    for event in record.events:
        bins.setdefault(max(event.index - 1, 0) // (step * RATE_HZ), []).append(event)
    rows: list[list[page.Cell]] = []
    for number in range(-(-facts.length // (step * RATE_HZ))):
        inside = bins.get(number, [])
        rates = [e.rate for e in inside if isinstance(e, ev.Vitals) and e.rate is not None]
        ps = [e.p for e in inside if isinstance(e, ev.Window) and e.used and e.p is not None]
        start = number * step * RATE_HZ
        rows.append(
            [
                (clock(number * step), "t"),
                (f"{statistics.median(rates):.0f}" if rates else "--", "n"),
                (f"{statistics.fmean(ps):.2f}" if ps else "--", "n"),
                (str(sum(isinstance(e, ev.Beat) for e in inside)), "n"),
                _mostly(facts.quality, start, start + step * RATE_HZ),
                _mostly(facts.verdicts, start, start + step * RATE_HZ),
            ]
        )
    heads: list[page.Cell] = ["from", ("rate /min", "n"), ("mean p", "n"), ("beats", "n")]
    body = page.table(
        f"Each {clock(step)} min", [*heads, "signal, mostly", "verdict, mostly"], rows
    )
    return f"<details><summary>The timeline as a table</summary>{body}</details>"


def _mostly(spans: tuple[tuple[int, int, str], ...], start: int, stop: int) -> str:
    """The value that most of a stretch had."""
    held: Counter[str] = Counter()
    for begin, over, value in spans:
        inside = min(over, stop) - max(begin, start)
        if inside > 0:
            held[value] += inside
    return held.most_common(1)[0][0].replace("_", " ") if held else "--"


def model(record: Record, cards: Mapping[str, Mapping[str, object]]) -> str:
    """Model hashes and cards, and the settings in force."""
    hashes: list[list[page.Cell]] = [[name, sha] for name, sha in record.session.models.items()]
    out = [page.table("Models (sha256)", ["name", "sha256"], hashes)]
    out += [page.pairs(f"Card of the model {name}", card) for name, card in cards.items()]
    settings = page.pairs("What decides about events", record.session.settings)
    return "".join(out) + f"<details><summary>Settings</summary>{settings}</details>"
