"""What is known of each condition, and the words for it."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from monitor.alarms.table import RULES
from monitor.analysis.conditions import Findings, read
from monitor.analysis.heart import Heart, Pause
from monitor.analysis.verdict import Judgement
from monitor.analysis.vitals import Vitals
from monitor.config.load import Alarms

LIMITS = Alarms()
PS = (0.1, *[0.9] * 14)
ABNORMAL = Judgement("abnormal", 0.9, PS, 0.7, 0.5, "14 of 15 windows ≥ 0.70, mean p 0.90")
FINE = Findings(
    index=100_000,
    vitals=Vitals(rate=78.0, spread=0.03, systole_ms=300, diastole_ms=480, age=100),
    heart=Heart("heard", "", silence=1500, lost=True, known=True, restarted=False),
    quality="good",
    quality_reason="",
    judgement=replace(ABNORMAL, value="normal", ps=(0.1,) * 15),
    windows=15,
)


def known(kind, **changes):
    return read(replace(FINE, **changes), LIMITS)[kind]


def rate(value, **changes):
    return {"vitals": replace(FINE.vitals, rate=value), **changes}


def test_every_row_is_read_and_a_fine_stream_raises_nothing():
    readings = read(FINE, LIMITS)
    assert readings.keys() == RULES.keys()
    assert not any(r.present for r in readings.values())
    assert all(r.gone for r in readings.values())
    assert all(r.evidence for r in readings.values())


@pytest.mark.parametrize(
    ("kind", "value", "present", "gone"),
    [
        ("tachycardia", 120.1, True, False), ("tachycardia", 120, False, False),
        ("tachycardia", 115, False, False), ("tachycardia", 114.9, False, True),
        ("tachycardia_extreme", 150.1, True, False), ("tachycardia_extreme", 145, False, False),
        ("tachycardia_extreme", 144.9, False, True),
        ("bradycardia", 49.9, True, False), ("bradycardia", 50, False, False),
        ("bradycardia", 53, False, False), ("bradycardia", 53.1, False, True),
        ("bradycardia_extreme", 39.9, True, False), ("bradycardia_extreme", 43, False, False),
        ("bradycardia_extreme", 43.1, False, True),
    ],
)  # fmt: skip
def test_rate_limits_have_a_band(kind, value, present, gone):
    reading = known(kind, **rate(value))
    assert (reading.present, reading.gone, reading.blocked) == (present, gone, "")


def test_rate_evidence_is_in_words():
    assert known("tachycardia", **rate(131.2)).evidence == "rate 131/min, above 120, quality good"
    assert known("tachycardia", **rate(80)).evidence == "rate 80/min, not above 120, quality good"
    assert known("bradycardia", **rate(44)).evidence == "rate 44/min, below 50, quality good"
    assert known("bradycardia", **rate(70)).evidence == "rate 70/min, not below 50, quality good"


RATES = [k for k in RULES if "cardia" in k]


@pytest.mark.parametrize("kind", [*RATES, "abnormal_sound", "irregular"])
@pytest.mark.parametrize("quality", ["flat", "clipped", "no_heart", None])
def test_poor_quality_blocks_what_needs_a_good_one(kind, quality):
    reading = known(kind, **rate(200), quality=quality, judgement=ABNORMAL)
    assert (reading.present, reading.gone, reading.blocked) == (None, False, "quality")
    assert (quality or "not judged yet") in reading.evidence


@pytest.mark.parametrize("kind", ["abnormal_sound", "irregular"])
def test_noise_blocks_what_is_judged_by_the_sound(kind):
    reading = known(kind, **rate(200), quality="noisy", judgement=ABNORMAL)
    assert (reading.present, reading.gone, reading.blocked) == (None, False, "quality")
    assert "noisy" in reading.evidence


def test_a_rate_that_is_heard_in_noise_is_judged():
    assert known("tachycardia", **rate(131), quality="noisy").present is True
    unheard = heart(value="uncertain", reason="noise", unheard=1)
    assert known("tachycardia", **rate(131), **unheard, quality="noisy").present is None


def test_a_heart_whose_rate_cannot_be_told_is_a_poor_signal():
    reading = known("poor_signal", vitals=Vitals(), quality="clipped", quality_reason="too loud")
    assert (reading.present, reading.gone) == (True, False)
    assert reading.evidence == "heart heard, its rate is not: too loud"
    assert known("poor_signal", vitals=Vitals()).present is False


@pytest.mark.parametrize("kind", [*RATES, "abnormal_sound", "irregular", "heart_lost",
                                  "poor_signal"])  # fmt: skip
@pytest.mark.parametrize("cut", [{"gap": True}, {"idle": 4000}])
def test_an_interruption_blocks_what_needs_sound(kind, cut):
    reading = known(kind, **rate(200), **cut)
    assert (reading.present, reading.gone, reading.blocked) == (None, False, "gap")


@pytest.mark.parametrize("kind", [*RATES, "irregular"])
def test_an_unknown_rate_is_unknown_not_fine(kind):
    reading = known(kind, vitals=Vitals())
    assert (reading.present, reading.gone) == (None, False)


@pytest.mark.parametrize("kind", [*RATES, "irregular"])
@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_rate_that_is_no_number_is_unknown_and_silences_nothing(kind, value):
    reading = known(kind, vitals=replace(FINE.vitals, rate=value, spread=value))
    assert (reading.present, reading.gone) == (None, False)


def test_abnormal_sound_needs_fourteen_of_exactly_fifteen():
    reading = known("abnormal_sound", judgement=ABNORMAL)
    assert reading.present
    assert reading.evidence == "14 of 15 windows ≥ 0.70, mean p 0.90, quality good, 78/min"
    fewer = replace(ABNORMAL, ps=(0.1, 0.1, *[0.9] * 13))
    assert not known("abnormal_sound", judgement=fewer).present
    assert known("abnormal_sound", judgement=fewer).gone
    assert known("abnormal_sound", judgement=replace(ABNORMAL, value="unsure")).gone
    few = known("abnormal_sound", judgement=replace(ABNORMAL, ps=PS[1:]))
    assert (few.present, few.gone, few.evidence) == (None, False, "14 of 15 windows")


def test_abnormal_sound_needs_the_higher_of_its_own_p_and_the_model_s_threshold():
    between = replace(ABNORMAL, p=0.62, ps=(0.62,) * 15)
    assert not known("abnormal_sound", judgement=between).present  # the model's 0.7 is higher
    lenient = replace(between, threshold=0.55)
    assert known("abnormal_sound", judgement=lenient).present  # the setting's 0.6 is higher
    assert not known("abnormal_sound", judgement=replace(lenient, ps=(0.58,) * 15)).present
    assert not known("abnormal_sound", judgement=replace(lenient, p=0.58)).present
    at_the_limit = replace(lenient, p=0.6, ps=(0.6,) * 15)
    assert known("abnormal_sound", judgement=at_the_limit).present
    assert not known("abnormal_sound", judgement=replace(lenient, p=None)).present
    told = known("abnormal_sound", judgement=lenient).evidence
    assert told.startswith("15 of 15 windows ≥ 0.60, mean p 0.62")


def test_irregular_has_a_band_below_its_limit():
    for spread, present, gone in ((0.16, True, False), (0.15, False, False), (0.121, False, False),
                                  (0.119, False, True)):  # fmt: skip
        reading = known("irregular", vitals=replace(FINE.vitals, spread=spread))
        assert (reading.present, reading.gone) == (present, gone)


def heart(**changes):
    return {"heart": replace(FINE.heart, **changes)}


@pytest.mark.parametrize("kind", [*RATES, "abnormal_sound", "irregular"])
def test_what_needs_a_heart_is_unknown_while_none_is_heard(kind):
    reading = known(
        kind, **rate(200), judgement=ABNORMAL, **heart(value="uncertain", reason="beats not clear")
    )
    assert (reading.present, reading.gone, reading.blocked) == (None, False, "quality")
    assert reading.evidence == "no heart heard, beats not clear"


def test_a_heart_that_stops_under_good_contact_is_lost():
    for quality in ("good", "no_heart", "noisy", None):
        reading = known("heart_lost", **heart(silence=12_000), quality=quality)
        assert (reading.present, reading.gone) == (True, False)
    assert known("heart_lost", **heart(silence=12_000)).evidence == (
        "no beat in 6.0 s of clear sound, quality good"
    )
    assert known("heart_lost", **heart(silence=11_999)).gone


def test_a_heart_is_not_lost_that_was_not_heard():
    for change in ({"lost": False}, {"silence": None}):
        reading = known("heart_lost", **heart(**{"silence": 12_000, **change}))
        assert (reading.present, reading.gone) == (None, False)


def test_a_pause_is_told_for_ten_seconds_unless_it_was_a_lost_heart():
    before = {"pause": Pause(80_000, 8000, 7000)}
    reading = known("pause", **heart(**before), index=90_000)
    assert (reading.present, reading.gone) == (True, False)
    assert reading.evidence == "no beat for 4.0 s, 1 s ago"
    assert known("pause", **heart(**before), index=108_001).gone
    assert known("pause", **heart(pause=Pause(80_000, 5999, 5000)), index=90_000).gone
    assert known("pause", **heart(pause=Pause(80_000, 14_000, 12_000)), index=95_000).gone


@pytest.mark.parametrize("value", ["uncertain", "absent", "no_sound"])
def test_that_no_heart_is_heard_is_told_in_words(value):
    state = heart(value=value, reason="rubbing", unheard=2000)
    reading = known("poor_signal", quality="noisy", **state)
    assert (reading.present, reading.evidence) == (True, "no heart heard: rubbing")
    never = known("poor_signal", **heart(value=value, reason="rubbing", unheard=1, known=False))
    assert never.evidence == "no heart yet: rubbing"
    assert not known("poor_signal", **heart(value=value, silence=12_000, unheard=1)).present


def test_a_flicker_of_being_heard_does_not_end_it_and_a_start_does_not_begin_it():
    assert known("poor_signal", **heart(unheard=9000)).present
    assert known("poor_signal", **heart(unheard=0)).gone
    start = known("poor_signal", **heart(value="uncertain", unheard=9000, restarted=True))
    assert (start.present, start.evidence) == (None, "listening")
    assert known("poor_signal", **heart(value="uncertain", unheard=30_000, restarted=True)).present


def test_a_rate_that_may_be_halved_or_doubled_raises_nothing_extreme():
    both = {"vitals": replace(FINE.vitals, rate=158.0, other=79.0)}
    extreme, fast = known("tachycardia_extreme", **both), known("tachycardia", **both)
    assert (extreme.present, extreme.evidence) == (None, "rate 79 or 158/min, not told apart")
    assert (fast.present, fast.evidence) == (
        True, "rate 79 or 158/min, limit 120, quality good",
    )  # fmt: skip
    slow = {"vitals": replace(FINE.vitals, rate=35.0, other=70.0)}
    assert known("bradycardia_extreme", **slow).present is None
    assert known("bradycardia", **slow).present


def test_the_signal_is_lost_after_two_seconds_without_samples():
    assert known("signal_lost", idle=4000).present
    waiting = known("signal_lost", idle=3999)
    assert (waiting.present, waiting.gone) == (False, False)
    assert known("signal_lost", idle=0).gone
    told = known("signal_lost", reported={"signal_lost": (True, "device unplugged")})
    assert (told.present, told.evidence) == (True, "device unplugged")


def test_more_than_one_percent_of_a_minute_lost_is_told():
    assert known("gaps", lost=1201).present
    assert not known("gaps", lost=1200).present
    assert known("gaps", lost=2400).evidence == "2.0 % of the last minute lost"
    assert known("gaps", reported={"gaps": (True, "many")}).present


def test_a_fault_of_this_step_is_a_condition():
    reading = known("analysis_fault", fault="3 samples are not numbers")
    assert (reading.present, reading.evidence) == (True, "3 samples are not numbers")
    assert known("analysis_fault", reported={"analysis_fault": (True, "core restarted")}).present


@pytest.mark.parametrize("kind", ["wrong_input", "clock", "behind", "cannot_record",
                                  "model_refused"])  # fmt: skip
def test_what_others_report_is_taken_over(kind):
    reading = known(kind, reported={kind: (True, "words")})
    assert (reading.present, reading.gone, reading.evidence) == (True, False, "words")
    reading = known(kind, reported={kind: (False, "over")})
    assert (reading.present, reading.gone) == (False, True)
