"""What core, supervisor and screens say to each other over the local socket.

Each frame is a 4-byte big-endian length and one msgpack object with a ``type``. Every message
that concerns a stream carries the session's id. `Status`, `Wave` and `Levels` may be replaced in a
queue by a newer one (of the same session); everything else may not.
"""

from __future__ import annotations

import msgspec

from monitor import events as ev
from monitor.link.requests import AnyRequest

LINK_VERSION = 2


class _Message(msgspec.Struct, frozen=True, tag_field="type", kw_only=True):
    """A message; its tag names it on the wire."""


# ------------------------------------------------------------ core → screen


class Hello(_Message, tag="hello", frozen=True, kw_only=True):
    """First message of a core: who it is and which sessions it holds."""

    link: int
    software: str
    pid: int
    sessions: list[str]
    supervised: bool = True
    """Whether a supervisor is there, that sounds alarms and restarts a dead core."""


class AlarmLine(msgspec.Struct, frozen=True, kw_only=True):
    """One occurrence of one alarm as a log shows it."""

    occurrence: int
    kind: str
    priority: ev.Priority
    state: ev.AlarmState
    condition: bool
    """Whether the condition is present now."""
    raised: int
    """Index at which it became active."""
    evidence: str
    """The reason at the raising."""
    acknowledged: int | None
    """Index of the acknowledgement, None before it."""
    acknowledge_pending: bool
    """Asked for, not yet committed to the store."""
    cleared: int | None
    count: int
    """How many times it came back (flapping merged)."""
    earlier_session: str | None
    """Id of the session it belongs to if not this one."""
    raised_wall: float | None = None
    """Wall time of the raising (s since 1970), None where no clock was kept; others likewise."""
    acknowledged_wall: float | None = None
    gone: int | None = None
    """Index at which the condition was gone, None while it lasts."""
    gone_wall: float | None = None
    ended: str = ""
    """The reason given when the condition was gone."""
    since: int = -1
    """Index at which its last signal came, -1 if it came once only; and the wall time."""
    since_wall: float | None = None
    now: str = ""
    """What holds now, of one whose condition lasts."""
    answerable: bool = True
    """Whether somebody could acknowledge it: in a replay nobody can."""


class Compared(msgspec.Struct, frozen=True, kw_only=True):
    """What was found up to the play-head, against an annotation file."""

    name: str
    """Base name of the file."""
    same: int
    missed: int
    extra: int


class Play(msgspec.Struct, frozen=True, kw_only=True):
    """Where a replay stands, and what lies ahead of it."""

    paused: bool
    speed: float
    at: int
    """Index of the play-head; the status is of the last step before it."""
    analysed: int
    """Analysed so far: the play-head does not go beyond."""
    raised: list[tuple[int, ev.Priority]]
    """Where alarms were raised, over all that is analysed."""
    compared: Compared | None = None
    """Against an annotation, None where none was given."""


class Status(_Message, tag="status", frozen=True, kw_only=True):
    """The whole present state of one session; a newer one replaces it."""

    session: str
    index: int
    """Absolute index analysed so far, 2 kHz."""
    clock_s: float
    """Seconds since the session began, lost sound included."""
    wall: float
    """Wall time of ``index`` (seconds since 1970), for people only."""
    device: str
    source: str
    """``live``, ``phantom`` or ``replay``."""
    rate_hz: int
    channels: int
    health: str
    """healthy, alarmed, recovering, escalated, failed, or ended."""
    health_reason: str
    reconnects: int
    rate: float | None
    """Shown only while a heart is heard."""
    spread: float | None
    systole_ms: float | None
    diastole_ms: float | None
    rate_age_s: float | None
    quality: ev.QualityValue | None
    quality_reason: str
    quality_s: float
    """Seconds since the quality changed."""
    verdict: ev.VerdictValue
    p: float | None
    windows: int
    verdict_age_s: float | None
    verdict_evidence: str
    level_db: float | None
    clipped: int
    gaps: int
    lost_s: float
    drift_ppm: float | None
    delay_s: float
    behind_s: float
    recording: bool
    audio_paused_s: float
    """Seconds of AUDIO PAUSED left, 0 if none."""
    can_record: bool
    alarms: list[AlarmLine]
    """All that are not inactive, highest priority first."""
    duration_s: float | None
    """Length of a replayed file, None live."""
    heart: ev.HeartValue = "uncertain"
    """Whether a heart is being heard; while it is not, the verdict is the last one, not this."""
    heart_reason: str = ""
    heart_known: bool = False
    """Whether a heart was heard before."""
    other_rate: float | None = None
    """Half or double of the rate, where it is not known which is right."""
    few: bool = False
    """So few windows that it is listening: the verdict is not to be shown yet."""
    windows_of: int = 15
    """Windows that a full verdict has."""
    profile: str = "adult"
    """Age profile of the limits."""
    off: dict[str, str] = {}
    """Alarms that are switched off, and why."""
    limits: dict[str, float] = {}
    """Limits of the rate alarms in force (name as in the settings), empty if not told."""
    play: Play | None = None
    """The play-head of a replay, None live."""
    alarm_count: int = 0
    """Alarms raised in this session so far."""


class Wave(_Message, tag="wave", frozen=True, kw_only=True):
    """Filtered sound of one step for the waveform: int16 at 500 Hz, min/max pairs of 8 samples."""

    session: str
    start: int
    """Absolute index (2 kHz) of the first sample."""
    pairs: bytes
    """little-endian int16 [n, 2]: minimum and maximum of each 8 samples, full scale 32767."""
    samples: bytes = b""
    """The same sound, little-endian int16 at 2 kHz, for a spectrogram; may be left out."""


class DeviceLevel(msgspec.Struct, frozen=True, kw_only=True):
    """One input device of the core's machine, and how loud it is."""

    identity: str
    """Names it for a `Request` ``add``; survives unplugging."""
    name: str
    rate_hz: int
    channels: int
    default: bool
    peak_db: float | None
    """dB full scale over the last quarter of a second, None where nothing came."""
    rms_db: float | None
    clipped: int
    trouble: str
    """Why there is no level (in use, monitored already); empty if there is one."""


class Levels(_Message, tag="levels", frozen=True, kw_only=True):
    """All input devices, four times a second, to a client that asked; a newer one replaces it."""

    devices: list[DeviceLevel]
    trouble: str = ""
    """One line if the sound system fails; it is tried again."""


class EventLine(_Message, tag="event", frozen=True, kw_only=True):
    """One event, never dropped. ``seq`` counts from 0 within a session."""

    session: str
    seq: int
    event: ev.Event


class Heartbeat(_Message, tag="heartbeat", frozen=True, kw_only=True):
    """At least twice a second; ``beat`` counts."""

    beat: int
    ending: bool = False
    """Somebody asked for the end: what comes now is no death."""


class Snapshot(_Message, tag="snapshot", frozen=True, kw_only=True):
    """Full state of one session for a screen that has just attached, or after a seek."""

    status: Status
    alarms: list[AlarmLine]
    """Every alarm occurrence of the session, and unacknowledged ones of older sessions."""
    waves: list[Wave]
    """The last seconds of waveform."""
    beats: list[ev.Beat]
    """The last beats."""
    trend: list[tuple[int, float | None, float | None]]
    """(index, rate, p) once a second, thinned with age."""
    settings: dict[str, str | int | float | bool | None] = {}
    """Of the analysis, as in the event file's first line; empty if not told."""
    annotated: list[tuple[int, int]] = []
    """Replay: annotated onsets, as (index, 1 or 2 for S1 or S2)."""
    gaps: list[ev.Gap] = []
    """The last gaps."""
    marks: list[ev.Mark] = []
    """The last marks."""


class Reply(_Message, tag="reply", frozen=True, kw_only=True):
    """Answer to a `Request`: committed, or one line that says why not."""

    id: int
    ok: bool
    error: str


class Bye(_Message, tag="bye", frozen=True, kw_only=True):
    """The core ends in order."""

    reason: str
    asked: bool = True
    """Somebody asked for it; else it wants to be started again."""


# ------------------------------------------------------------ screen → core


class Attach(_Message, tag="attach", frozen=True, kw_only=True):
    """First message of a screen or of the supervisor."""

    link: int
    client: str
    waves: bool


FromCore = Hello | Snapshot | Status | Wave | Levels | EventLine | Heartbeat | Reply | Bye


class Sounded(msgspec.Struct, frozen=True, kw_only=True):
    """What was heard of an alarm, from a moment on."""

    wall: float
    """Seconds since 1970."""
    priority: str
    """Of the alarm that is due; empty for silence."""
    by: str
    """``tone``, ``bell`` (of the terminal), ``nothing``; empty for silence."""
    why: str = ""
    """Why it is no tone."""


class Beat(_Message, tag="beat", frozen=True, kw_only=True):
    """Heartbeat of the supervisor, twice a second; it is not answered."""

    unheard: str = ""
    """Why alarms cannot be heard, empty if they can."""
    sounded: list[Sounded] = []
    """Changes since the last message."""


FromScreen = Attach | AnyRequest | Beat
