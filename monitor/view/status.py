"""The `Status` of a session, live or replayed: numbers only while the source is healthy."""

from __future__ import annotations

from typing import Protocol

from dsp.stage import RATE_HZ
from monitor.analysis.limits import reasons
from monitor.analysis.pipeline import Pipeline
from monitor.analysis.vitals import Vitals
from monitor.capture.health import Health, HealthState
from monitor.link.messages import AlarmLine, Status
from monitor.view.state import ScreenHistory

LIMITS = ("tachycardia", "tachycardia_extreme", "bradycardia", "bradycardia_extreme")


class Named(Protocol):
    """What people call a source."""

    @property
    def name(self) -> str: ...
    @property
    def kind(self) -> str: ...


class SourceStatus(Protocol):
    """What is told of a source: a ``Capture``, or a file."""

    @property
    def driver(self) -> Named: ...
    @property
    def health(self) -> Health: ...
    @property
    def rate_hz(self) -> int: ...
    @property
    def channels(self) -> int: ...
    @property
    def drift_ppm(self) -> float | None: ...
    @property
    def behind_s(self) -> float: ...


def status_of(
    session: str,
    capture: SourceStatus,
    pipeline: Pipeline,
    shown: ScreenHistory,
    alarms: list[AlarmLine],
    *,
    raised: int,
    clock_s: float,
    wall: float,
    recording: bool,
    can_record: bool,
    duration_s: float | None = None,
) -> Status:
    """Put the present state together.

    Parameters
    ----------
    alarms
        Lines of this session and open ones of earlier sessions.
    raised
        Alarms of this session so far.
    clock_s, wall
        Seconds since index 0, and wall time, both of this moment.
    duration_s
        Length of a file.
    """
    present, health = pipeline.present, capture.health
    alive = health.state is HealthState.HEALTHY
    vitals = present.vitals if alive else Vitals()
    judged = present.judgement
    judges = alive and judged.value != "none"
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
        p=judged.p if judges else None,
        windows=judged.windows,
        verdict_age_s=judged.age_s if judges else None,
        verdict_evidence=judged.evidence,
        level_db=shown.level_db if alive else None,
        clipped=shown.clipped,
        gaps=shown.before[0] + present.gaps,
        lost_s=(shown.before[1] + present.lost) / RATE_HZ,
        drift_ppm=capture.drift_ppm,
        delay_s=pipeline.latency / RATE_HZ,
        behind_s=capture.behind_s,
        recording=recording,
        audio_paused_s=present.board.pause_left / RATE_HZ,
        can_record=can_record,
        alarms=alarms,
        duration_s=duration_s,
        alarm_count=raised,
        heart=present.heart.value if alive else "no_sound",
        heart_reason=present.heart.reason if alive else health.reason,
        heart_known=present.heart.known,
        other_rate=vitals.other,
        few=present.few,
        windows_of=present.windows,
        profile=present.board.limits.profile,
        off=reasons(present.board.limits),
        limits={name: getattr(present.board.limits, name) for name in LIMITS},
    )


def _reason(capture: SourceStatus) -> str:
    health = capture.health
    if health.attempts and health.state is not HealthState.HEALTHY:
        return f"{health.reason} ({health.attempts} attempts)"
    return health.reason
