"""What a person asks of one session, as the analysis takes it."""

from __future__ import annotations

from monitor import events as ev
from monitor.link.requests import (
    Acknowledge,
    AddMark,
    AnyRequest,
    PauseAudio,
    SetLimits,
    SwitchAlarm,
)


def command_of(request: AnyRequest, index: int) -> ev.Command | None:
    """What a request is to the analysis, from ``index`` (2 kHz) on; None where it is nothing."""
    match request:
        case Acknowledge():
            return ev.Command("acknowledge", index, alarm=request.alarm)
        case PauseAudio():
            return ev.Command("pause_audio", index, seconds=request.seconds)
        case AddMark():
            return ev.Command("mark", index, note=request.note)
        case SetLimits():
            return ev.Command("limits", index, limits=request.limits, profile=request.profile)
        case SwitchAlarm():
            return ev.Command("switch", index, alarm=request.alarm, note=request.note)
        case _:
            return None
