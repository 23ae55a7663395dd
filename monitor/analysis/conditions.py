"""From what a step found to what is known of each alarm's condition, with evidence in words.

One function per family of the table's rows; the limits are those in force, the words are what a
person reads on the alarm line.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import isfinite

import msgspec

from dsp.stage import RATE_HZ
from monitor.alarms.table import RULES
from monitor.analysis.alarm_state import Block, Reading
from monitor.analysis.hearing import BLIND, LOOK_BACK, STEADY
from monitor.analysis.heart import Heart
from monitor.analysis.verdict import Judgement
from monitor.analysis.vitals import Vitals
from monitor.config.load import Alarms
from monitor.events import QualityValue

NO_SAMPLES = 2 * RATE_HZ
"""Samples' worth of waiting after which the signal is lost."""

MINUTE = 60 * RATE_HZ
GAP_SHARE = 0.01
"""Share of a minute that may be lost."""

PAUSE_SHOWN = 10 * RATE_HZ
"""Samples after a pause for which its condition lasts."""

CALM = 0.8
"""Share of the irregular limit below which a rhythm is regular again."""


NEVER_REPORTED = {kind: Reading(False, True, "never reported") for kind in RULES}


class Findings(msgspec.Struct, frozen=True):
    """What is known at a step, up to the sample ``index``.

    Attributes
    ----------
    quality, quality_reason
        Of the last stretch judged, None before the first.
    windows
        Windows that a full verdict has.
    idle
        Samples' worth of waiting since the last sample.
    lost
        Samples lost in the last minute.
    gap
        Whether this tick is a gap.
    fault
        What went wrong in this step, empty if nothing.
    reported
        Kinds that others watch over: present or not, and evidence.
    """

    index: int
    vitals: Vitals
    heart: Heart
    quality: QualityValue | None
    quality_reason: str
    judgement: Judgement
    windows: int
    idle: int = 0
    lost: int = 0
    gap: bool = False
    fault: str = ""
    reported: Mapping[str, tuple[bool, str]] = msgspec.field(default_factory=dict)

    @property
    def interrupted(self) -> bool:
        """Whether there is no sound to judge by."""
        return self.gap or self.idle >= NO_SAMPLES


def read(found: Findings, limits: Alarms) -> dict[str, Reading]:
    """Return what is known of every row of the table."""
    readings = {
        "abnormal_sound": _abnormal(found, limits),
        "irregular": _irregular(found, limits),
        "heart_lost": _heart(found, limits),
        "pause": _pause(found, limits),
        "poor_signal": _poor(found, limits),
        "signal_lost": _signal(found),
        "gaps": _gaps(found),
        "analysis_fault": _fault(found),
    }
    for kind in ("tachycardia", "tachycardia_extreme"):
        readings[kind] = _rate(found, kind, limits, -limits.tachycardia_band)
    for kind in ("bradycardia", "bradycardia_extreme"):
        readings[kind] = _rate(found, kind, limits, limits.bradycardia_band)
    for kind, (present, words) in found.reported.items():
        if kind in RULES and kind not in readings:
            readings[kind] = Reading(present, not present, words)
    return NEVER_REPORTED | readings


def _blocked(found: Findings) -> Block:
    if found.interrupted:
        return "gap"
    return "" if found.quality == "good" and found.heart.value == "heard" else "quality"


def _unknown(found: Findings, why: str) -> Reading:
    blocked = _blocked(found)
    if blocked == "gap":
        why = "sound interrupted"
    elif blocked:
        good = found.quality == "good"
        said = f"signal {found.quality or 'not judged yet'}"
        why = f"no heart heard, {found.heart.reason}" if good else said
    return Reading(None, False, why, blocked)


def _heard(found: Findings) -> str:
    rate = found.vitals.rate
    return f"quality {found.quality}" + ("" if rate is None else f", {rate:.0f}/min")


def _rate(found: Findings, kind: str, limits: Alarms, band: float) -> Reading:
    rate, limit = found.vitals.rate, float(getattr(limits, kind))
    # Noise blocks none where a heart is heard: the rate in it is that of sure cycles alone.
    noisy = found.quality == "noisy" and found.heart.value == "heard" and not found.interrupted
    if rate is None or not isfinite(rate) or (_blocked(found) and not noisy):
        return _unknown(found, "rate not known")
    high = band < 0
    present = rate > limit if high else rate < limit
    gone = rate < limit + band if high else rate > limit + band
    if found.vitals.other is not None:
        both = " or ".join(f"{r:.0f}" for r in sorted((rate, found.vitals.other)))
        if kind.endswith("extreme") and present:
            return Reading(None, False, f"rate {both}/min, not told apart")
        return Reading(present, gone, f"rate {both}/min, limit {limit:g}, quality {found.quality}")
    side = f"{'' if present else 'not '}{'above' if high else 'below'}"
    return Reading(present, gone, f"rate {rate:.0f}/min, {side} {limit:g}, quality {found.quality}")


def _abnormal(found: Findings, limits: Alarms) -> Reading:
    judged = found.judgement
    if judged.windows < found.windows or _blocked(found):
        return _unknown(found, f"{judged.windows} of {found.windows} windows")
    limit, p = max(limits.abnormal_p, judged.threshold), judged.p or 0.0
    over = judged.over(limit)
    present = judged.value == "abnormal" and p >= limit and over >= limits.abnormal_windows
    words = f"{over} of {judged.windows} windows ≥ {limit:.2f}, mean p {p:.2f}"
    return Reading(present, not present, f"{words}, {_heard(found)}")


def _irregular(found: Findings, limits: Alarms) -> Reading:
    spread = found.vitals.spread
    if spread is None or not isfinite(spread) or _blocked(found):
        return _unknown(found, "too few cycles")
    limit = limits.irregular_spread
    words = f"spread of the cycle {spread * 100:.0f} % over 30 s, limit {limit * 100:.0f} %"
    return Reading(spread > limit, spread < CALM * limit, f"{words}, {_heard(found)}")


def _heart(found: Findings, limits: Alarms) -> Reading:
    """Clear sound without a beat, added up: noise and knocks stop the count, a beat voids it."""
    heart = found.heart
    if found.interrupted:
        return Reading(None, False, "sound interrupted", "gap")
    if heart.silence is None:
        return Reading(None, False, "no beat yet")
    silence_s = heart.silence / RATE_HZ
    if silence_s < limits.heart_lost_s:
        return Reading(False, True, f"{silence_s:.1f} s without a beat")
    if not heart.lost:
        return Reading(None, False, "no heart was heard before")
    words = f"no beat in {silence_s:.1f} s of clear sound, quality "
    return Reading(True, False, words + (found.quality or "not judged"))


def _pause(found: Findings, limits: Alarms) -> Reading:
    pause = found.heart.pause
    if pause is None or pause.length < limits.pause_s * RATE_HZ:
        return Reading(False, True, "no pause")
    if pause.clear >= limits.heart_lost_s * RATE_HZ:
        return Reading(False, True, "no pause but a lost heart")
    ago = found.index - pause.start - pause.length
    words = f"no beat for {pause.length / RATE_HZ:.1f} s, {ago / RATE_HZ:.0f} s ago"
    return Reading(ago <= PAUSE_SHOWN, ago > PAUSE_SHOWN, words)


def _poor(found: Findings, limits: Alarms) -> Reading:
    """No heart is heard, for whatever reason; a flicker of being heard does not end it."""
    heart = found.heart
    if found.interrupted or found.quality is None:
        return Reading(None, False, "no sound to judge", "gap")
    if not heart.unheard:
        if found.vitals.rate is None and found.quality in BLIND:
            return Reading(True, False, f"heart heard, its rate is not: {found.quality_reason}")
        return Reading(False, True, "heart heard")
    if heart.restarted and heart.unheard <= LOOK_BACK + STEADY:
        return Reading(None, False, "listening")
    if _heart(found, limits).present:
        # A heart that stops under good contact is heart_lost, not a doubt.
        return Reading(False, False, "no beat in clear sound, which is heart_lost")
    if heart.value == "heard":
        return Reading(True, False, "heart heard for a moment only")
    words = f"no heart heard: {heart.reason}" if heart.known else f"no heart yet: {heart.reason}"
    return Reading(True, False, words)


def _signal(found: Findings) -> Reading:
    present, words = found.reported.get("signal_lost", (False, ""))
    if found.idle >= NO_SAMPLES or present:
        return Reading(True, False, words or f"no samples for {found.idle / RATE_HZ:.1f} s")
    return Reading(False, found.idle == 0, "samples come")


def _gaps(found: Findings) -> Reading:
    present, words = found.reported.get("gaps", (False, ""))
    share = found.lost / MINUTE
    present = present or share > GAP_SHARE
    return Reading(present, not present, words or f"{share * 100:.1f} % of the last minute lost")


def _fault(found: Findings) -> Reading:
    present, words = found.reported.get("analysis_fault", (False, ""))
    if found.fault or present:
        return Reading(True, False, found.fault or words)
    return Reading(False, True, "no fault")
