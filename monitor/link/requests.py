"""What a person asks of a core through a screen: one kind of message for each."""

from __future__ import annotations

from typing import get_args

import msgspec


class Request(msgspec.Struct, frozen=True, tag_field="type", kw_only=True):
    """Something a person asks for, a class for each kind; a `Reply` with its ``id`` answers."""

    id: int = 0
    """Given by whoever sends it."""
    session: str = ""
    """May be empty where no session is meant: `Stop`, `AddDevice`, `WatchLevels`, `Remember`."""

    @property
    def what(self) -> str:
        """Its name on the wire and in the store."""
        return str(self.__struct_config__.tag)


class Acknowledge(Request, tag="acknowledge", frozen=True, kw_only=True):
    """Acknowledge an alarm."""

    alarm: str | None = None
    """Kind, None for all."""
    occurrence: int | None = None
    """With ``count``: the signal that was meant; one that came since is not answered with it."""
    count: int | None = None


class PauseAudio(Request, tag="pause_audio", frozen=True, kw_only=True):
    """No tones for a while."""

    seconds: float | None = None
    """0 ends a pause; None: as long as can be."""


class AddMark(Request, tag="mark", frozen=True, kw_only=True):
    """A note at this moment."""

    note: str | None = None
    keep: bool = False
    """Keep the last 30 s of sound too."""


class SwitchRecording(Request, tag="record", frozen=True, kw_only=True):
    """Keep the sound, or stop."""

    on: bool = True


class SetLimits(Request, tag="limits", frozen=True, kw_only=True):
    """Change limits in force, or follow a profile."""

    limits: dict[str, float] = {}
    profile: str = ""


class SwitchAlarm(Request, tag="switch", frozen=True, kw_only=True):
    """Switch an alarm off, with the reason as ``note``, or on, without."""

    alarm: str
    note: str | None = None


class Stop(Request, tag="stop", frozen=True, kw_only=True):
    """End the monitoring."""


class AddDevice(Request, tag="add", frozen=True, kw_only=True):
    """Monitor a further device, as a new session."""

    device: str


class WatchLevels(Request, tag="levels", frozen=True, kw_only=True):
    """`Levels` of all devices to this client until taken back, or until `AddDevice`."""

    on: bool = True


class Remember(Request, tag="remember", frozen=True, kw_only=True):
    """Keys for the settings file; they take effect at the next start."""

    settings: dict[str, str | int | float | bool] = {}


class MovePlayhead(Request, tag="play", frozen=True, kw_only=True):
    """In a replay: go on or pause, another speed, another place."""

    on: bool | None = None
    speed: float | None = None
    seek: int | None = None
    """An index."""
    cycles: int | None = None
    """So many on from here, negative: back; likewise the next two."""
    alarms: int | None = None
    differences: int | None = None
    """From the annotation."""


AnyRequest = (
    Acknowledge
    | PauseAudio
    | AddMark
    | SwitchRecording
    | SetLimits
    | SwitchAlarm
    | Stop
    | AddDevice
    | WatchLevels
    | Remember
    | MovePlayhead
)
_BY_NAME: dict[str, type[AnyRequest]] = {
    str(kind.__struct_config__.tag): kind for kind in get_args(AnyRequest)
}


def request(what: str, **fields: object) -> AnyRequest:
    """Make a request by its name on the wire.

    Raises
    ------
    KeyError
        If there is none of that name.
    TypeError
        If it has no such field.
    """
    return _BY_NAME[what](**fields)  # type: ignore[arg-type]
