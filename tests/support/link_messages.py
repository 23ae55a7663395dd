"""Messages of the link, made for tests."""

from __future__ import annotations

from monitor.link.messages import (
    Status,
)


def make_status(index: int, session: str = "s") -> Status:
    return Status(
        session=session, index=index, clock_s=index / 2000, wall=0.0, device="d", source="live",
        rate_hz=4000, channels=1, health="healthy", health_reason="", reconnects=0, rate=None,
        spread=None, systole_ms=None, diastole_ms=None, rate_age_s=None, quality=None,
        quality_reason="", quality_s=0.0, verdict="none", p=None, windows=0, verdict_age_s=None,
        verdict_evidence="", level_db=None, clipped=0, gaps=0, lost_s=0.0, drift_ppm=None,
        delay_s=0.0, behind_s=0.0, recording=False, audio_paused_s=0.0, can_record=True,
        alarms=[], duration_s=None,
    )  # fmt: skip
