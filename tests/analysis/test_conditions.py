"""What is known of each condition, and the words for it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from monitor.analysis.alarm_table import RULES
from monitor.analysis.conditions import Findings, read
from monitor.analysis.verdict import Judgement
from monitor.analysis.vitals import Life, Vitals
from monitor.config.load import Alarms

LIMITS = Alarms()
PS = (0.1, *[0.9] * 14)
ABNORMAL = Judgement("abnormal", 0.9, PS, 0.7, 0.5, "14 of 15 windows ≥ 0.70, mean p 0.90")
FINE = Findings(
    vitals=Vitals(rate=78.0, spread=0.03, systole_ms=300, diastole_ms=480, age=100),
    life=Life(beats=40, before=35, since=1500, clear=True),
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
@pytest.mark.parametrize("quality", ["flat", "clipped", "noisy", "no_heart", None])
def test_poor_quality_blocks_what_needs_a_good_one(kind, quality):
    reading = known(kind, **rate(200), quality=quality, judgement=ABNORMAL)
    assert (reading.present, reading.gone, reading.blocked) == (None, False, "quality")
    assert (quality or "not judged yet") in reading.evidence


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


def life(**changes):
    return {"life": replace(FINE.life, **changes)}


def test_a_heart_that_stops_under_good_contact_is_lost():
    for quality in ("good", "no_heart", None):
        reading = known("heart_lost", **life(since=12_000), quality=quality)
        assert (reading.present, reading.gone) == (True, False)
    assert known("heart_lost", **life(since=12_000)).evidence == (
        "no beat for 6.0 s, 35 in the 30 s before, quality good"
    )
    assert known("heart_lost", **life(since=11_999)).gone


def test_a_heart_is_not_lost_that_was_hardly_there_or_could_not_be_heard():
    assert known("heart_lost", **life(since=12_000, before=5)).present
    for change in ({"before": 4}, {"clear": False}, {"since": None}):
        reading = known("heart_lost", **life(**{"since": 12_000, **change}))
        assert (reading.present, reading.gone) == (None, False)


def test_no_heart_is_poor_signal_unless_it_is_a_lost_heart():
    for quality in ("flat", "clipped", "noisy"):
        reading = known("poor_signal", quality=quality, quality_reason="rubbing")
        assert (reading.present, reading.evidence) == (True, f"{quality}: rubbing")
    lost = known("poor_signal", quality="no_heart", **life(since=12_000))
    assert (lost.present, lost.gone, lost.evidence) == (
        False, False, "no_heart, which is heart_lost",
    )  # fmt: skip
    for change in ({"before": 4}, {"clear": False}, {"since": 11_999}):
        reading = known("poor_signal", quality="no_heart", **life(**{"since": 12_000, **change}))
        assert (reading.present, reading.gone, reading.evidence) == (True, False, "no_heart")
    first = known("poor_signal", quality="no_heart", life=Life())
    assert (first.present, first.evidence) == (True, "no heart found yet")


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
