"""The `Status` of a live session: numbers are given only while the source is healthy."""

from __future__ import annotations

from dsp.stage import RATE_HZ
from monitor.analysis.pipeline import Pipeline
from monitor.analysis.vitals import Vitals
from monitor.capture.health import HealthState
from monitor.capture.stream import Capture
from monitor.link.messages import AlarmLine, Status
from monitor.live_state import Shown

LIMITS = ("tachycardia", "tachycardia_extreme", "bradycardia", "bradycardia_extreme")


def status_of(
    session: str,
    capture: Capture,
    pipeline: Pipeline,
    shown: Shown,
    alarms: list[AlarmLine],
    *,
    clock_s: float,
    wall: float,
    recording: bool,
    can_record: bool,
) -> Status:
    """Put the present state together.

    Parameters
    ----------
    alarms
        Lines of this session and open ones of earlier sessions.
    clock_s, wall
        Seconds since index 0, and wall time, both of this moment.
    """
    present, health = pipeline.present, capture.health
    alive = health.state is HealthState.HEALTHY
    vitals = present.vitals if alive else Vitals()
    judged = present.judgement
    return Status(
        session=session,
        index=present.index,
        clock_s=clock_s,
        wall=wall - (clock_s - present.index / RATE_HZ),
        device=capture.driver.name,
        source=capture.driver.kind,
        rate_hz=capture.rate_hz,
        channels=capture.channels,
        health=health.state.value,
        health_reason=_reason(capture),
        reconnects=health.reconnects,
        rate=vitals.rate,
        spread=vitals.spread,
        systole_ms=vitals.systole_ms,
        diastole_ms=vitals.diastole_ms,
        rate_age_s=None if vitals.age is None else vitals.age / RATE_HZ,
        quality=present.quality if alive else None,
        quality_reason=present.quality_reason,
        quality_s=max(0, present.index - present.quality_since) / RATE_HZ,
        verdict=judged.value if alive else "none",
        p=judged.p if alive else None,
        windows=judged.windows,
        verdict_age_s=judged.age_s,
        verdict_evidence=judged.evidence,
        level_db=shown.level_db if alive else None,
        clipped=shown.clipped,
        gaps=present.gaps,
        lost_s=present.lost / RATE_HZ,
        drift_ppm=capture.drift_ppm,
        delay_s=pipeline.latency / RATE_HZ,
        behind_s=capture.behind_s,
        recording=recording,
        audio_paused_s=present.board.pause_left / RATE_HZ,
        can_record=can_record,
        alarms=alarms,
        duration_s=None,
        limits={name: getattr(present.board.limits, name) for name in LIMITS},
    )


def _reason(capture: Capture) -> str:
    health = capture.health
    if health.attempts and health.state is not HealthState.HEALTHY:
        return f"{health.reason} ({health.attempts} attempts)"
    return health.reason
