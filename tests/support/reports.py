"""What tests hand to the door: a message, an alarm, the state of a bed."""

from __future__ import annotations

from monitor import events as ev
from monitor.integrations.messages import AlarmMessage, BedState, OpenAlarm


def message(kind: str = "heart_lost", priority: ev.Priority = "high") -> AlarmMessage:
    return AlarmMessage(
        bed="b", session="s", index=1, wall=2.0, kind=kind, priority=priority, state="active",
        evidence="$(touch x); \"quoted\"",
    )  # fmt: skip


def raised(priority: ev.Priority = "high", state: ev.AlarmState = "active") -> ev.Alarm:
    return ev.Alarm(index=1000, kind="heart_lost", priority=priority, state=state, evidence="e")


def state(**more: object) -> BedState:
    known: dict[str, object] = {
        "session": "canary-session", "index": 4000, "wall": 1.0, "source": "live",
        "health": "healthy", "rate": 71.5, "quality": "good", "verdict": "normal", "p": 0.1,
        "windows": 15, "gaps": 2, "lost_s": 0.5, "behind_s": 0.25, "can_record": True,
        "alarms": [OpenAlarm(kind="k", priority="high", state="active", evidence="", raised=1)],
    }  # fmt: skip
    return BedState(**(known | more))  # type: ignore[arg-type]
