"""One moment: phonocardiogram with its heart sounds, and the spectrogram beneath."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dsp.stage import RATE_HZ
from monitor import events as ev
from monitor.record.export.model import Record
from monitor.record.report.excerpts import Excerpt
from monitor.record.report.media import TOP_HZ, data_uri, loudness, png, spectrogram
from monitor.record.report.svg import AMBER, BLUE, INK, Drawing, ticks
from monitor.text import clock

WIDTH, LEFT, RIGHT = 960, 64, 26
WAVE_TOP, WAVE_HEIGHT = 26, 150
PICTURE_HEIGHT, SPACE = 130, 14


QUIET = 3.0
"""A clip is enlarged at most so much more than the others: silence must look like silence."""


@dataclass(frozen=True, slots=True)
class Level:
    """How loud the clips of a report are: median of their peaks, and of their loudest points."""

    peak: float
    top_db: float


def level(parts: Sequence[NDArray[np.float32]]) -> Level:
    """Measure the clips of a report."""
    peaks = [float(np.nanmax(np.abs(part), initial=0.0)) for part in parts]
    tops = [float(loudness(part).max()) for part in parts]
    return Level(float(np.median(peaks)), float(np.median(tops)))


def figure(
    record: Record, moment: Excerpt, part: NDArray[np.float32], common: Level, key: str
) -> str:
    """Return the figure of one moment as SVG.

    Parameters
    ----------
    part
        Its sound, float32 [n] at 2 kHz, NaN where lost.
    common
        Loudness of all clips of the report.
    key
        Prefix of the figure's ids.
    """
    picture = WAVE_TOP + WAVE_HEIGHT + SPACE
    bottom = picture + PICTURE_HEIGHT
    drawing = Drawing(WIDTH, bottom + 30, key)
    across = (WIDTH - LEFT - RIGHT) / max(part.size, 1)
    beats = _sounds(record, moment)
    labelled = 0.0
    for start, stop, name, sure in beats:
        colour = BLUE if name == "S1" else AMBER
        x = LEFT + (start - moment.start) * across
        width = (stop - start) * across
        drawing.rect(x, WAVE_TOP, width, WAVE_HEIGHT, colour, opacity=0.14 if sure else 0.05)
        drawing.line((x, WAVE_TOP), (x, bottom), colour, width=0.8, dash="3 3")
        middle = x + width / 2
        if sure or middle - labelled > 34:  # words that would lie on each other say nothing
            words = name if sure else f"({name})"
            drawing.text(middle, WAVE_TOP - 8, words, fill=colour, anchor="middle", bold=sure)
            labelled = middle
    _wave(drawing, part, across, common.peak / QUIET)
    top_db = max(float(loudness(part).max()), common.top_db - 20 * np.log10(QUIET))
    uri = data_uri("image/png", png(spectrogram(part, top_db)))
    drawing.raw(
        f'<image x="{LEFT}" y="{picture}" width="{WIDTH - LEFT - RIGHT}" height="{PICTURE_HEIGHT}"'
        f' preserveAspectRatio="none" href="{uri}"/>'
    )
    for hz in (100, 200, 300, 400, 500):
        y = picture + PICTURE_HEIGHT * (1 - hz / TOP_HZ)
        drawing.line((LEFT - 4, y), (LEFT, y), INK)
        drawing.text(LEFT - 8, y + 4, str(hz), anchor="end")
    drawing.text(12, bottom - 4, "Hz")
    _axis(drawing, moment, across, bottom)
    for start, stop in _lost(part):
        drawing.hatch(
            LEFT + start * across, WAVE_TOP, (stop - start) * across, bottom - WAVE_TOP, "lost"
        )
    words = (
        f"{len([b for b in beats if b[2] == 'S1'])} first heart sounds are marked. {moment.why}."
    )
    return drawing.render(f"Phonocardiogram from {clock(moment.start / RATE_HZ)}", words)


def _sounds(record: Record, moment: Excerpt) -> list[tuple[int, int, str, bool]]:
    """Heart sounds that begin within the moment: (start, end, name, whether it counts)."""
    least = record.session.settings.get("analysis.min_confidence")
    least = least if isinstance(least, float) else 0.5
    found = []
    for beat in record.of(ev.Beat):
        for begin, over, name in ((beat.s1, beat.systole, "S1"), (beat.s2, beat.diastole, "S2")):
            if begin is not None and moment.start <= begin < moment.stop:
                stop = min(begin if over is None else over, moment.stop)
                found.append((begin, stop, name, beat.confidence >= least))
    return found


def _wave(drawing: Drawing, part: NDArray[np.float32], across: float, least: float) -> None:
    """Draw the waveform: lowest and highest sample of each column; ``least`` is its full height."""
    middle = WAVE_TOP + WAVE_HEIGHT / 2
    peak = max(float(np.nanmax(np.abs(part), initial=0.0)), least) or 1.0
    drawing.line((LEFT, middle), (WIDTH - RIGHT, middle))
    drawing.text(LEFT - 8, WAVE_TOP + 12, f"{peak:.2g}", anchor="end")
    drawing.text(LEFT - 8, middle + 4, "0", anchor="end")
    size = max(part.size // 1000, 1)
    scale = 0.96 * WAVE_HEIGHT / 2 / peak
    for start, stop in _heard(part):
        run = part[start:stop]
        points = []
        for first in range(0, run.size, size):
            piece = run[first : first + size]
            x = LEFT + (start + first + size / 2) * across
            lower, upper = middle - float(piece.min()) * scale, middle - float(piece.max()) * scale
            falling = bool(piece.argmin() > piece.argmax())
            points += [(x, upper), (x, lower)] if falling else [(x, lower), (x, upper)]
        drawing.path(points, INK, width=1)


def _axis(drawing: Drawing, moment: Excerpt, across: float, bottom: float) -> None:
    start_s, stop_s = moment.start / RATE_HZ, moment.stop / RATE_HZ
    for second in ticks(start_s, stop_s, 10):
        x = LEFT + (second * RATE_HZ - moment.start) * across
        drawing.line((x, bottom), (x, bottom + 4), INK)
        drawing.text(x, bottom + 18, tenths(second), anchor="middle")


def tenths(seconds: float) -> str:
    """Return a time as m:ss.t."""
    whole, tenth = divmod(round(seconds * 10), 10)
    return f"{clock(whole)}.{tenth}"


def _heard(part: NDArray[np.float32]) -> list[tuple[int, int]]:
    return _runs(np.isfinite(part))


def _lost(part: NDArray[np.float32]) -> list[tuple[int, int]]:
    return _runs(~np.isfinite(part))


def _runs(mask: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Stretches (start, stop) where the mask is true."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], mask.astype(np.int8), [0]])))
    return [(int(a), int(b)) for a, b in zip(edges[::2], edges[1::2], strict=True)]
