"""Windows in which our own alarm tone sounded are marked, counted all the same, and replayed."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from dsp.phantom import PRESETS, render
from monitor import events as ev
from monitor.analysis.own_tones import LATE, OWN_TONE, OwnTones
from monitor.analysis.pipeline import Pipeline
from monitor.assembly import Models, open_models
from monitor.config.load import Settings

RATE_HZ = 2000
SOUND = render(PRESETS["normal"], RATE_HZ).sound[: 30 * RATE_HZ].astype(np.float32)[:, None]


@pytest.fixture(scope="module")
def models() -> Models:
    return open_models(Settings())


def lines(models: Models, block: int, tone_s: tuple[float, float] | None) -> list[ev.Event]:
    """Events of the sound, with a tone told at two moments."""
    pipe = Pipeline(Settings(), models.engine, models.cycles, "phantom", RATE_HZ, 1)
    told = {round(at * RATE_HZ): n == 0 for n, at in enumerate(tone_s or ())}
    cuts = sorted({*range(0, len(SOUND), block), *told, len(SOUND)})
    out: list[ev.Event] = []
    for start, stop in pairwise(cuts):
        if start in told:
            out += pipe.push(ev.Condition(OWN_TONE, told[start], "")).events
        out += pipe.push(ev.Block(SOUND[start:stop], RATE_HZ, start)).events
    return [*out, *pipe.finish().events]


def test_windows_of_a_tone_are_marked_and_nothing_else_changes(models: Models) -> None:
    plain = lines(models, 200, None)
    marked = lines(models, 200, (12.0, 14.0))
    assert len(plain) == len(marked)
    different = [(a, b) for a, b in zip(plain, marked, strict=True) if a != b]
    assert different
    for before, after in different:
        assert isinstance(before, ev.Window)
        assert isinstance(after, ev.Window)
        assert (after.used, after.reason) == (True, OWN_TONE)
        assert (before.start, before.p, before.used) == (after.start, after.p, True)
        assert 9 * RATE_HZ < after.start < 16 * RATE_HZ
    over = [w for w in marked if isinstance(w, ev.Window) and w.used
            and w.start < 13 * RATE_HZ and w.start + 5000 > 12 * RATE_HZ]  # fmt: skip
    assert over
    assert all(window.reason == OWN_TONE for window in over)


def test_the_marks_do_not_depend_on_how_the_sound_is_cut(models: Models) -> None:
    assert lines(models, 200, (12.0, 14.0)) == lines(models, 5003, (12.0, 14.0))


def test_a_tone_may_be_heard_from_its_word_to_a_little_after_its_end() -> None:
    tones = OwnTones()
    assert not tones.over(0, 10**9)
    tones.tell(False, 5)
    tones.tell(True, 1000)
    tones.tell(True, 2000)
    assert tones.over(500, 1001)
    assert not tones.over(0, 1000)
    tones.tell(False, 3000)
    assert tones.over(3000 + LATE - 1, 10**6)
    assert not tones.over(3000 + LATE, 10**6)
    for number in range(1000):  # and it does not grow
        tones.tell(True, number * 10_000)
        tones.tell(False, number * 10_000 + 2000)
    assert len(tones._past) < 20
