"""Whether a heart is being heard: states, silence that is added up, pauses, honest confidence."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dsp.cycles.beat import Beat
from dsp.quality import Span
from monitor.analysis.hearing import HeartTracker
from monitor.analysis.heart import Pause

STEP, SECOND, CYCLE = 1000, 2000, 1600


def beat(at, confidence=0.99):
    return Beat(at, at + 200, at + 600, at + 750, at + CYCLE, confidence)


class Stream:
    """A tracker that is fed step by step, beats three seconds late."""

    def __init__(self, beats=(), lag=6):
        self.tracker, self.index, self.lag = HeartTracker(0.5), 0, lag * STEP
        self.beats = sorted(beats, key=lambda b: b.s1)
        self.states, self.pauses = [], []

    def run(self, steps, value="good", **span):
        for _ in range(steps):
            self.index += STEP
            made = Span(self.index - STEP, self.index, value, "rubbing", **span)
            self.tracker.quality(made)
            decided = max(0, self.index - self.lag)
            while self.beats and self.beats[0].s1 < decided:
                self.tracker.beat(self.beats.pop(0))
            self.tracker.decided(decided, ())
            self.pauses += self.tracker.pauses
            self.tracker.pauses = []
            self.states.append(self.tracker.step(STEP))
        return self

    @property
    def now(self):
        return self.states[-1]

    @property
    def values(self):
        return [state.value for state in self.states]


def beats(first, last, confidence=0.99):
    return [beat(at, confidence) for at in range(first, last, CYCLE)]


def test_a_heart_is_heard_once_four_sure_beats_are_known():
    stream = Stream(beats(0, 40_000)).run(30)
    first = stream.values.index("heard")
    assert stream.states[first].known
    assert stream.states[first - 1].reason == "listening"
    assert set(stream.values[first:]) == {"heard"}
    assert stream.now.unheard == 0


@pytest.mark.parametrize(("confidence", "value"), [(0.9, "heard"), (0.89, "uncertain")])
def test_beats_that_the_decoder_is_not_sure_of_are_no_heart(confidence, value):
    stream = Stream(beats(0, 60_000, confidence)).run(40)
    assert stream.now.value == value
    if value == "uncertain":
        assert stream.now.reason == "beats not clear"


def test_a_heart_that_was_heard_is_not_lost_by_a_little_doubt():
    stream = Stream([*beats(0, 30_000), *beats(30_400, 60_000, 0.81)]).run(55)
    assert stream.now.value == "heard"


@pytest.mark.parametrize(
    ("systoles", "value"),
    [
        ([600], "heard"),
        ([470, 710], "heard"),  # beats in pairs
        ([*range(700, 400, -16)], "heard"),  # a heart that becomes faster
        ([737, 627, 463, 534, 841, 409], "uncertain"),  # taps on a table
    ],
)
def test_the_systoles_of_a_heart_are_alike(systoles, value):
    made = [
        replace(one, s2=one.s1 + systoles[k % len(systoles)])
        for k, one in enumerate(beats(0, 30_000))
    ]
    stream = Stream(made).run(36)
    assert stream.now.value == value
    if value == "uncertain":
        assert stream.now.reason == "not a heart's sounds"


def test_sounds_that_are_not_like_a_heart_are_none():
    stream = Stream(beats(0, 60_000)).run(40, like_heart=False)
    assert "heard" not in stream.values
    assert stream.now.reason == "not a heart's sounds"


def test_noise_without_beats_is_uncertain_clear_sound_absent_and_silence_no_sound():
    assert Stream().run(30, "noisy").now.value == "uncertain"
    assert Stream().run(30, "noisy").now.reason == "rubbing"
    assert Stream().run(30, "no_heart").now.value == "absent"
    assert Stream().run(30, "flat").now.value == "no_sound"
    assert Stream().tracker.step(0, idle=4000, interrupted=True).value == "no_sound"


def test_silence_is_added_up_over_noise_and_a_knock_does_not_void_it():
    stream = Stream(beats(0, 40_000)).run(48)
    end = 38_400 + 600  # of the last beat
    stream.run(12, "no_heart")
    assert stream.now.silence == 60_000 - 6000 - end
    stream.run(4, "noisy")  # hides what it hides
    stream.run(12, "noisy", under_db=20.0)  # noisy by what is around it, but quiet in itself
    assert stream.now.value == "absent"
    assert stream.now.silence == 76_000 - 6000 - 4000 - end
    assert stream.now.lost


def test_a_heart_that_has_become_softer_is_still_there():
    for confidence, silent in ((0.95, False), (0.6, False), (0.3, True)):
        stream = Stream([*beats(0, 40_000), *beats(40_000, 90_000, confidence)]).run(46)
        stream.run(34, "no_heart", under_db=20.0)
        assert (stream.now.silence > 12_000) == silent


def test_one_beat_after_a_silence_may_be_a_knock_a_second_one_is_a_heart():
    knock = 48_000
    alone = Stream([*beats(0, 40_000), beat(knock)]).run(70)
    assert alone.now.silence > 12_000
    assert alone.pauses == []
    back = Stream([*beats(0, 40_000), *beats(knock, 70_000)]).run(70)
    assert back.now.silence < 4000
    assert [(p.start, p.length) for p in back.pauses] == [(38_400, knock - 38_400)]
    assert isinstance(back.now.pause, Pause)


def test_a_faint_beat_one_cycle_after_the_last_begins_the_pause():
    stream = Stream([*beats(0, 39_000), beat(40_000, 0.4), *beats(48_000, 70_000)]).run(70)
    assert [(p.start, p.length) for p in stream.pauses] == [(40_000, 8000)]


def test_a_knock_that_gives_two_beats_at_once_is_one_sound():
    stream = Stream([*beats(0, 40_000), beat(48_000), beat(48_400)]).run(70)
    assert stream.now.silence > 12_000


def test_a_pause_in_which_noise_may_hide_a_beat_is_none():
    stream = Stream([*beats(0, 40_000), *beats(52_000, 80_000)])
    stream.run(40).run(8, "noisy").run(30)
    assert stream.pauses == []


def test_beats_of_low_confidence_under_a_good_signal_are_no_silence():
    stream = Stream([*beats(0, 40_000), *beats(40_000, 90_000, 0.3)]).run(90)
    assert stream.now.silence < 12_000
    assert stream.now.value == "uncertain"


def test_a_silence_is_a_lost_heart_only_if_one_was_heard():
    assert not Stream(beats(0, 40_000, 0.6)).run(60).now.lost
    assert Stream(beats(0, 40_000)).run(60).now.lost
    assert Stream().run(40, "no_heart").now.silence is None


def test_an_onset_of_which_nothing_is_told_holds_the_count_only_for_a_while():
    stream = Stream(beats(0, 40_000)).run(46)
    stream.tracker.decided(46_000 - 6000, [39_900])
    stream.run(4, "no_heart")
    held = stream.now.silence
    stream.run(8, "no_heart")
    assert held < 1500
    assert stream.now.silence == 58_000 - 6000 - 39_000


def test_a_short_gap_stops_the_count_and_a_long_one_forgets_the_heart():
    for length, silence in ((3000, 9000), (21_000, None)):
        stream = Stream(beats(0, 40_000)).run(54)
        assert stream.now.silence == 9000
        stream.index += length
        stream.tracker.gap(stream.index, length)
        assert stream.tracker.step(0, lost=length).silence == silence


def test_a_flicker_of_being_heard_does_not_end_the_time_without_a_heart():
    stream = Stream([*beats(0, 40_000), *beats(80_000, 120_000)])
    stream.run(80)
    assert stream.now.unheard > 10 * SECOND
    back = stream.run(40).values[80:].index("heard")
    assert stream.states[80 + back].unheard > 10 * SECOND
    assert stream.states[80 + back + 5].unheard == 0


def test_the_confidence_of_a_beat_is_honest_where_no_heart_is_heard():
    stream = Stream(beats(0, 40_000)).run(46)
    assert stream.tracker.honest(beat(32_000)) == 0.99
    stream.run(12, "no_heart")
    assert stream.tracker.honest(beat(50_000)) == 0.49
    stream.run(12, "noisy", under_db=20.0)
    assert stream.tracker.honest(beat(64_000, 0.8)) == 0.1
    doubtful = Stream(beats(0, 40_000, 0.7)).run(46)
    assert doubtful.tracker.honest(beat(30_000, 0.9)) == 0.49


def test_a_window_counts_in_noise_only_if_its_own_beats_are_sure():
    stream = Stream([*beats(0, 30_000), *beats(30_400, 36_000, 0.85), *beats(36_800, 60_000)])
    tracker = stream.run(44).tracker
    assert tracker.heard_over(30_000, 35_000, noisy=False)
    assert not tracker.heard_over(30_400, 35_000, noisy=True)
    stream.run(22)
    assert tracker.heard_over(50_000, 55_000, noisy=True)
    assert not tracker.heard_over(62_000, 67_000, noisy=False)  # no beat in it
