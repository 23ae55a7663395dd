"""All settings: one TOML file, typed and checked, each overridable by an option.

``load`` reads the file (if there is one), lays ``--set section.key=value`` over it, checks types,
names and limits, and remembers where each value came from. A wrong one is a single line that
names the key. The docstring under a field is what ``apexbeat config`` and the manual print.
"""

from __future__ import annotations

import ast
import inspect
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import msgspec

from monitor.errors import UsageError

Scalar = str | int | float | bool | None


class Section(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One table of the file."""


class Analysis(Section, frozen=True, kw_only=True):
    """What is done with the sound."""

    channel: int = 0
    """Channel to analyse, counted from 1; 0 mixes all of them."""

    model: str = ""
    """Path of a student file; empty takes the shipped one."""

    model_sha256: str = ""
    """Trusted sha256 of `model`; needed for a model of your own."""

    min_confidence: float = 0.5
    """Confidence (0..1) from which a cycle counts for rate, intervals and heart_lost."""


class Verdict(Section, frozen=True, kw_only=True):
    """How windows become a verdict."""

    windows: int = 15
    """Good windows that a verdict looks back on."""

    span_s: float = 30.0
    """Seconds within which all of them must begin."""

    least: int = 3
    """Fewer good windows than this give the verdict none."""

    few: int = 5
    """Fewer good windows than this are called few in the evidence."""

    stale_s: float = 15.0
    """Seconds after the end of the last good window at which a verdict vanishes."""


class Alarms(Section, frozen=True, kw_only=True):
    """Limits and delays of the alarms."""

    tachycardia: float = 120.0
    """Rate (1/min) above which tachycardia is raised."""

    tachycardia_extreme: float = 150.0
    """Rate (1/min) above which extreme tachycardia is raised."""

    bradycardia: float = 50.0
    """Rate (1/min) below which bradycardia is raised."""

    bradycardia_extreme: float = 40.0
    """Rate (1/min) below which extreme bradycardia is raised."""

    tachycardia_band: float = 5.0
    """1/min that the rate must fall below the limit before a tachycardia clears."""

    bradycardia_band: float = 3.0
    """1/min that the rate must rise above the limit before a bradycardia clears."""

    rate_delay_s: float = 10.0
    """Seconds of sound for which a tachycardia or bradycardia must last."""

    extreme_delay_s: float = 5.0
    """Seconds of sound for which an extreme one must last."""

    irregular_spread: float = 0.15
    """Robust spread of the cycle length about its neighbours (share, over 30 s) that is irregular."""

    irregular_delay_s: float = 30.0
    """Seconds of sound for which the rhythm must be irregular."""

    abnormal_windows: int = 11
    """Windows of the verdict's that must reach the model's upper threshold."""

    heart_lost_s: float = 6.0
    """Seconds without a beat, under good contact, after which the heart is lost."""

    poor_signal_delay_s: float = 10.0
    """Seconds of poor signal before it is raised."""

    escalate_s: float = 60.0
    """Seconds after which an unacknowledged high alarm, or lasting poor signal, escalates."""

    learn_s: float = 0.0
    """Seconds of good rate from which personal rate limits are learnt; 0 keeps those above."""


class Capture(Section, frozen=True, kw_only=True):
    """The microphone."""

    device: str = ""
    """Name or stable id of the input device; empty asks, or takes the only one."""

    rate_hz: int = 0
    """Rate to open it with; 0 takes its own."""

    channels: int = 0
    """Channels to open; 0 takes its own."""

    listen: bool = False
    """Play the sound of the heart on the output."""


class Record(Section, frozen=True, kw_only=True):
    """What is kept."""

    folder: str = ""
    """Folder of the store; empty takes the platform's data folder."""

    sound: bool = False
    """Keep the raw sound of a session (it stays on this machine)."""

    clips: bool = True
    """Keep a band-limited clip around each alarm."""

    sound_days: int = 7
    """Days after which kept sound is deleted."""

    event_days: int = 90
    """Days after which events are deleted."""


class Sound(Section, frozen=True, kw_only=True):
    """What is heard."""

    alarms: bool = True
    """Sound the alarms."""

    output: str = ""
    """Name of the output device; empty takes the system's."""

    volume: float = 0.7
    """Loudness of the alarm tones, 0.1 to 1."""


class Screen(Section, frozen=True, kw_only=True):
    """The terminal."""

    theme: Literal["dark", "light", "contrast"] = "dark"
    """Colours: dark, light or contrast."""

    seconds: float = 5.0
    """Seconds of waveform shown."""


class Outward(Section, frozen=True, kw_only=True):
    """What leaves this machine: nothing, until you name a place for it."""

    bed: str = ""
    """Name of this bed on the network; empty takes the machine's. Never a name of a patient."""

    least: Literal["low", "medium", "high"] = "low"
    """Lowest priority of an alarm that is handed to `command` and `webhook`."""

    mqtt_host: str = ""
    """Broker to report to; empty for none."""

    mqtt_port: int = 0
    """Port of the broker; 0 takes 1883, or 8883 with TLS."""

    mqtt_tls: bool = False
    """Encrypt the way to the broker, and check its certificate."""

    mqtt_ca: str = ""
    """File of the authority that signed the broker's certificate; empty takes the system's."""

    mqtt_cert: str = ""
    """File of a client certificate; empty for none."""

    mqtt_key: str = ""
    """File of the key of `mqtt_cert`."""

    mqtt_user: str = ""
    """User name at the broker."""

    mqtt_password_file: str = ""
    """File that holds the password, 0600; empty takes APEXBEAT_MQTT_PASSWORD."""

    mqtt_prefix: str = "apexbeat"
    """First part of every topic."""

    mqtt_discovery: str = "homeassistant"
    """Topic under which Home Assistant looks for devices; empty announces none."""

    mqtt_trend_s: float = 10.0
    """Seconds between two vitals sent as a trend."""

    mqtt_queue: int = 50_000
    """Messages kept on disk while the broker is away; trends are dropped first."""

    command: tuple[str, ...] = ()
    """Program and arguments called for each alarm, without a shell; JSON on its input."""

    command_limit_s: float = 10.0
    """Seconds after which that program is killed."""

    webhook: str = ""
    """http or https address that each alarm is posted to as JSON."""

    webhook_header_file: str = ""
    """File with one header line for it, such as `Authorization: Bearer ...`, 0600."""

    webhook_limit_s: float = 10.0
    """Seconds that one post may take."""

    metrics_port: int = 0
    """Port on 127.0.0.1 for Prometheus metrics; 0 for none."""


class Settings(Section, frozen=True, kw_only=True):
    """All tables."""

    analysis: Analysis = Analysis()
    verdict: Verdict = Verdict()
    alarms: Alarms = Alarms()
    capture: Capture = Capture()
    record: Record = Record()
    sound: Sound = Sound()
    screen: Screen = Screen()
    outward: Outward = Outward()

    def for_event_file(self) -> dict[str, Scalar]:
        """Return what decides about events, flat; no path and no wall time."""
        kept: dict[str, Scalar] = {}
        for name in ("analysis", "verdict", "alarms"):
            section: dict[str, Scalar] = msgspec.structs.asdict(getattr(self, name))
            kept.update({f"{name}.{key}": value for key, value in section.items()})
        del kept["analysis.model"]
        return kept


class Loaded(msgspec.Struct, frozen=True):
    """Settings in force, and the origin (default, file, option) of each key."""

    settings: Settings
    origin: dict[str, str]
    path: Path


def default_path() -> Path:
    """Return where the platform keeps the file; it is not created."""
    import platformdirs

    return Path(platformdirs.user_config_path("apexbeat", appauthor=False)) / "apexbeat.toml"


def load(path: Path | None = None, options: Sequence[str] = ()) -> Loaded:
    """Read the file, lay ``options`` (``section.key=value``) over it, check all.

    Raises
    ------
    UsageError
        Names the key that is unknown, of a wrong type or out of its limits, or the file that
        cannot be read. A ``path`` that was asked for must exist; the default one need not.
    """
    where = path if path is not None else default_path()
    values: dict[str, Any] = {}
    if path is not None or where.is_file():
        values = _read(where)
    origin = dict.fromkeys(names(), "default")
    _note(origin, values, f"file {where}")
    given: dict[str, Any] = {}
    for option in options:
        key, value = _parse_option(option)
        section, _, name = key.partition(".")
        given.setdefault(section, {})[name] = value
    for section, table in given.items():
        if not isinstance(values.setdefault(section, {}), dict):
            raise UsageError(f"setting {section}: must be a table")
        values[section].update(table)
    _note(origin, given, "option")
    return Loaded(build(values), origin, where)


def build(values: Mapping[str, Any]) -> Settings:
    """Check nested ``values`` and make settings of them.

    Raises
    ------
    UsageError
        Names the first key that is wrong.
    """
    try:
        settings = msgspec.convert(values, Settings, strict=True)
    except msgspec.ValidationError as error:
        raise UsageError(_one_line(str(error))) from None
    _check(settings)
    return settings


def names() -> list[str]:
    """Return every key as ``section.name``, in the order of the file."""
    return [
        f"{section.name}.{field.name}"
        for section in msgspec.structs.fields(Settings)
        for field in msgspec.structs.fields(section.type)
    ]


def describe() -> dict[str, str]:
    """Return the docstring under each field, by key."""
    words: dict[str, str] = {}
    for section in msgspec.structs.fields(Settings):
        tree = ast.parse(inspect.getsource(section.type)).body[0]
        assert isinstance(tree, ast.ClassDef)
        for field, text in zip(tree.body, tree.body[1:], strict=False):
            if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name):
                assert isinstance(text, ast.Expr)
                assert isinstance(text.value, ast.Constant)
                words[f"{section.name}.{field.target.id}"] = str(text.value.value)
    return words


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "not UTF-8 text"
        raise UsageError(f"settings {path}: {reason}") from None
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"settings {path}: not TOML, {error}") from None


def _parse_option(option: str) -> tuple[str, Any]:
    key, equals, text = option.partition("=")
    key = key.strip()
    if not equals or "." not in key:
        raise UsageError(f"--set {option}: write it as section.key=value")
    if key not in names():
        raise UsageError(f"setting {key}: unknown", "see 'apexbeat config' for all")
    try:
        return key, tomllib.loads(f"v = {text}")["v"]
    except tomllib.TOMLDecodeError:
        return key, text.strip()


def _note(origin: dict[str, str], values: Mapping[str, Any], where: str) -> None:
    for section, table in values.items():
        if isinstance(table, Mapping):
            origin.update({f"{section}.{name}": where for name in table})


def _one_line(message: str) -> str:
    """Turn msgspec's sentence into one that begins with the key."""
    what, _, place = message.partition(" - at `$")
    key = place.rstrip("`").lstrip(".")
    if what.startswith("Object contains unknown field"):
        name = what.split("`")[1]
        return f"setting {key + '.' if key else ''}{name}: unknown"
    return f"setting {key}: {what[0].lower()}{what[1:]}"


_BOUNDS: dict[str, tuple[float, float]] = {
    "analysis.channel": (0, 1024),
    "analysis.min_confidence": (0, 1),
    "verdict.windows": (1, 1000),
    "verdict.span_s": (2.5, 600),
    "verdict.least": (1, 1000),
    "verdict.few": (1, 1000),
    "verdict.stale_s": (1, 600),
    "alarms.tachycardia": (30, 300),
    "alarms.tachycardia_extreme": (30, 300),
    "alarms.bradycardia": (10, 300),
    "alarms.bradycardia_extreme": (10, 300),
    "alarms.tachycardia_band": (0, 50),
    "alarms.bradycardia_band": (0, 50),
    "alarms.rate_delay_s": (0, 60),
    "alarms.extreme_delay_s": (0, 60),
    "alarms.irregular_spread": (0.01, 1),
    "alarms.irregular_delay_s": (0, 300),
    "alarms.abnormal_windows": (1, 1000),
    "alarms.heart_lost_s": (4, 60),
    "alarms.poor_signal_delay_s": (0, 120),
    "alarms.escalate_s": (10, 600),
    "alarms.learn_s": (0, 3600),
    "capture.rate_hz": (0, 192_000),
    "capture.channels": (0, 1024),
    "record.sound_days": (0, 36_500),
    "record.event_days": (0, 36_500),
    "sound.volume": (0.1, 1),
    "screen.seconds": (1, 60),
    "outward.mqtt_port": (0, 65_535),
    "outward.mqtt_trend_s": (1, 3600),
    "outward.mqtt_queue": (100, 1_000_000),
    "outward.command_limit_s": (0.1, 300),
    "outward.webhook_limit_s": (0.1, 300),
    "outward.metrics_port": (0, 65_535),
}

_RISING = (
    ("alarms.bradycardia_extreme", "alarms.bradycardia"),
    ("alarms.bradycardia", "alarms.tachycardia"),
    ("alarms.tachycardia", "alarms.tachycardia_extreme"),
    ("verdict.least", "verdict.few"),
    ("verdict.few", "verdict.windows"),
    ("alarms.abnormal_windows", "verdict.windows"),
)
_MAY_BE_EQUAL = {"verdict.least", "verdict.few", "alarms.abnormal_windows"}


def _value(settings: Settings, key: str) -> Any:
    section, _, name = key.partition(".")
    return getattr(getattr(settings, section), name)


def _check(settings: Settings) -> None:
    for key, (least, most) in _BOUNDS.items():
        value = _value(settings, key)
        if not least <= value <= most:
            raise UsageError(f"setting {key}: {value:g} is not within {least:g} and {most:g}")
    for low, high in _RISING:
        a, b = _value(settings, low), _value(settings, high)
        if a > b or (a == b and low not in _MAY_BE_EQUAL):
            raise UsageError(f"setting {low}: {a:g} must be below {high} ({b:g})")
    limits = settings.alarms
    if limits.bradycardia + limits.bradycardia_band > limits.tachycardia - limits.tachycardia_band:
        raise UsageError("setting alarms.bradycardia_band: the bands of rate limits overlap")
