"""Which moments of a session are shown with their sound: before alarms, and a good one."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dsp.stage import RATE_HZ
from monitor import events as ev
from monitor.alarms.table import RANK
from monitor.errors import InputError
from monitor.record.clips import KEPT, kept_clips
from monitor.record.export.model import Record
from monitor.record.report.facts import Facts

SECONDS = 5
LONGER = {"heart_lost": 10}
"""Seconds of the clip of some alarms: here the last beats, and the silence after them."""

KEPT_S = 10
"""Seconds shown of what a person kept."""

KEPT_WORDS = "Kept by hand, the end of it"
NOT_OF_SOUND = frozenset(
    ["alarms_unheard", "behind", "cannot_record", "clock", "model_refused", "supervisor_lost"]
)
"""Alarms of which nothing can be heard."""

AFTER_S = 0.5
"""Of a clip, after its alarm became active: what raised it was heard before."""

MOST = 8
"""Clips in a report; each weighs about 200 KB."""


@dataclass(frozen=True, slots=True)
class Excerpt:
    """A stretch of sound: samples start..stop, and why it was chosen."""

    start: int
    stop: int
    why: str


def choose(record: Record, facts: Facts, sound: NDArray[np.float32]) -> list[Excerpt]:
    """Choose at most `MOST` moments, in order of time.

    Parameters
    ----------
    sound
        float32 [n] at 2 kHz, NaN where lost.
    """
    chosen = [] if record.clips is None else _kept_by_hand(record.clips, sound.size)
    good = first_good(record, facts, sound)
    if good is not None:
        chosen.append(good)
    order = sorted(facts.alarms, key=lambda one: (-RANK[one.priority], one.start))
    for one in order:
        if one.kind in NOT_OF_SOUND:
            continue
        if len(chosen) >= MOST:
            break
        words = f"{one.title}, {one.priority}: {one.evidence}"
        length = LONGER.get(one.kind, SECONDS) * RATE_HZ
        start = round(one.start + AFTER_S * RATE_HZ) - length
        moment = _fitted(start, length, sound.size, f"Before the alarm {words}")
        if not _mostly_heard(sound, moment):
            continue
        same = next((m for m in chosen if abs(m.start - moment.start) < RATE_HZ), None)
        if same is not None and same is not good:
            chosen[chosen.index(same)] = Excerpt(same.start, same.stop, f"{same.why}; also {words}")
        else:
            chosen.append(moment)
    return sorted(chosen, key=lambda moment: moment.start)


def _kept_by_hand(folder: Path, length: int) -> list[Excerpt]:
    """The ends of the newest clips that a person kept, in the sound of the whole session."""
    ends = [one.index for one in kept_clips(folder) if one.kind == KEPT and one.index <= length]
    starts = [(max(0, end - KEPT_S * RATE_HZ), end) for end in ends]
    return [Excerpt(*span, KEPT_WORDS) for span in starts[-MOST + 1 :] if span[1] > span[0]]


def choose_clips(facts: Facts, folder: Path) -> list[tuple[Excerpt, NDArray[np.float32]]]:
    """Choose at most `MOST` of the clips, each with its sound, in order of time.

    First the end of what a person kept, then around alarms the same stretches as `choose` takes, as
    far as the clip holds them.
    """
    clips = kept_clips(folder)
    kept = {(one.index, one.kind): one for one in clips if one.start is not None}
    chosen: list[tuple[Excerpt, NDArray[np.float32]]] = []
    for mine in [one for one in clips if one.kind == KEPT][-MOST:]:
        try:
            sound = mine.read()
        except InputError:
            continue  # deleted by its age meanwhile
        end = mine.index if mine.start is None else mine.start + sound.size
        part = sound[-KEPT_S * RATE_HZ :]
        if part.size:
            chosen.append((Excerpt(end - part.size, end, KEPT_WORDS), part))
    for one in sorted(facts.alarms, key=lambda one: (-RANK[one.priority], one.start)):
        clip = kept.get((one.start, one.kind))
        if clip is None or clip.start is None or len(chosen) >= MOST:
            continue
        try:
            sound = clip.read()
        except InputError:
            continue  # deleted by its age meanwhile
        last = min(round(one.start + AFTER_S * RATE_HZ) - clip.start, sound.size)
        first = max(0, last - LONGER.get(one.kind, SECONDS) * RATE_HZ)
        if last <= first:
            continue
        words = f"Before the alarm {one.title}, {one.priority}: {one.evidence}"
        moment = Excerpt(clip.start + first, clip.start + last, words)
        chosen.append((moment, sound[first:last]))
    return sorted(chosen, key=lambda pair: pair[0].start)


def first_good(record: Record, facts: Facts, sound: NDArray[np.float32]) -> Excerpt | None:
    """Find the first whole stretch of good quality with at least three beats, or the loudest."""
    length = SECONDS * RATE_HZ
    onsets = [one.s1 for one in record.of(ev.Beat) if one.s1 is not None and one.confidence >= 0.5]
    for start, stop, value in facts.quality:
        if value != "good":
            continue
        for onset in onsets:
            begin = max(onset - RATE_HZ // 4, 0)
            if begin < start or begin + length > min(stop, sound.size):
                continue
            inside = sum(begin <= other < begin + length for other in onsets)
            if inside >= 3 and np.isfinite(sound[begin : begin + length]).all():
                return Excerpt(begin, begin + length, "The first five seconds of good signal")
    if facts.alarms or not sound.size:
        return None
    why = f"The beginning; no {SECONDS} s of good signal were found"
    moment = _fitted(0, SECONDS * RATE_HZ, sound.size, why)
    return moment if _mostly_heard(sound, moment) else None


def _fitted(start: int, length: int, size: int, why: str) -> Excerpt:
    length = min(length, size)
    begin = min(max(start, 0), size - length)
    return Excerpt(begin, begin + length, why)


def _mostly_heard(sound: NDArray[np.float32], moment: Excerpt) -> bool:
    part = sound[moment.start : moment.stop]
    return part.size > 0 and bool(np.isfinite(part).mean() > 0.5)
