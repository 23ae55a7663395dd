"""The tables of the settings file, and every field with its default and its docstring.

``monitor.config.load`` reads, checks and describes them; the docstring under a field is what
``apexbeat config`` and the manual print.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from monitor.config.profiles import Profile
from monitor.playing import Band


class Section(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One table of the file."""


class Analysis(Section, frozen=True, kw_only=True):
    """What is done with the sound."""

    channel: Annotated[int, Meta(ge=0, le=1024)] = 0
    """Channel to analyse, counted from 1; 0 mixes all (a file's are looked at first)."""

    model: str = ""
    """Path of a student file, or `light`, the smaller shipped one; empty takes the shipped one."""

    model_sha256: str = ""
    """Trusted sha256 of `model`; needed for a model of your own."""

    min_confidence: Annotated[float, Meta(ge=0, le=1)] = 0.5
    """Confidence (0..1) from which a cycle counts for rate, intervals and heart_lost."""


class Verdict(Section, frozen=True, kw_only=True):
    """How windows become a verdict."""

    windows: Annotated[int, Meta(ge=1, le=1000)] = 15
    """Good windows that a verdict looks back on."""

    span_s: Annotated[float, Meta(ge=2.5, le=600)] = 30.0
    """Seconds within which all of them must begin."""

    least: Annotated[int, Meta(ge=1, le=1000)] = 3
    """Fewer good windows than this give the verdict none."""

    few: Annotated[int, Meta(ge=1, le=1000)] = 5
    """Fewer good windows than this are called few in the evidence."""

    stale_s: Annotated[float, Meta(ge=1, le=600)] = 15.0
    """Seconds after the end of the last good window at which a verdict vanishes."""


class Alarms(Section, frozen=True, kw_only=True):
    """Limits and delays of the alarms; the limits of rate and rhythm follow the profile."""

    profile: Profile = "adult"
    """Age of the person: adult, child, infant or neonate."""

    off: tuple[str, ...] = ()
    """Alarms switched off, each with its reason: `irregular: known atrial fibrillation`."""

    tachycardia: Annotated[float, Meta(ge=30, le=300)] = 120.0
    """Rate (1/min) above which tachycardia is raised."""

    tachycardia_extreme: Annotated[float, Meta(ge=30, le=300)] = 150.0
    """Rate (1/min) above which extreme tachycardia is raised."""

    bradycardia: Annotated[float, Meta(ge=10, le=300)] = 50.0
    """Rate (1/min) below which bradycardia is raised."""

    bradycardia_extreme: Annotated[float, Meta(ge=10, le=300)] = 40.0
    """Rate (1/min) below which extreme bradycardia is raised."""

    tachycardia_band: Annotated[float, Meta(ge=0, le=50)] = 5.0
    """1/min that the rate must fall below the limit before a tachycardia clears."""

    bradycardia_band: Annotated[float, Meta(ge=0, le=50)] = 3.0
    """1/min that the rate must rise above the limit before a bradycardia clears."""

    rate_delay_s: Annotated[float, Meta(ge=0, le=60)] = 10.0
    """Seconds of sound for which a tachycardia or bradycardia must last."""

    extreme_delay_s: Annotated[float, Meta(ge=0, le=60)] = 5.0
    """Seconds of sound for which an extreme one must last."""

    irregular_spread: Annotated[float, Meta(ge=0.01, le=1)] = 0.15
    """Robust spread of the cycle length (share, over 30 s) from which a rhythm is irregular."""

    irregular_delay_s: Annotated[float, Meta(ge=0, le=300)] = 30.0
    """Seconds of sound for which the rhythm must be irregular."""

    # These three were chosen by `apexbeat-train alarms`: at most a tenth of normal subjects alarm.
    abnormal_p: Annotated[float, Meta(ge=0, le=1)] = 0.6
    """p that so many windows and their mean must reach; the model's upper threshold if higher."""

    abnormal_windows: Annotated[int, Meta(ge=1, le=1000)] = 14
    """Windows of the verdict's that must reach the model's upper threshold (of 15)."""

    abnormal_delay_s: Annotated[float, Meta(ge=0, le=60)] = 10.0
    """Seconds of sound for which an abnormal sound must last."""

    heart_lost_s: Annotated[float, Meta(ge=4, le=60)] = 6.0
    """Seconds of clear sound without a beat, added up, after which the heart is lost."""

    pause_s: Annotated[float, Meta(ge=3, le=60)] = 3.0
    """Seconds without a beat, between heard beats, that are a pause."""

    poor_signal_delay_s: Annotated[float, Meta(ge=0, le=120)] = 10.0
    """Seconds without a heart being heard, for whatever reason, before that is raised."""

    poor_signal_medium_s: Annotated[float, Meta(ge=0, le=600)] = 30.0
    """Seconds of the same after which the alarm is of medium priority."""

    escalate_s: Annotated[float, Meta(ge=10, le=600)] = 60.0
    """Seconds after which a high alarm that nobody acknowledged is raised once more."""

    learn_s: Annotated[float, Meta(ge=0, le=3600)] = 0.0
    """Seconds of good rate from which personal rate limits are learnt; 0 keeps those above."""


class Capture(Section, frozen=True, kw_only=True):
    """The microphone."""

    device: str = ""
    """Name or stable id of the input device; empty asks, or takes the only one."""

    rate_hz: Annotated[int, Meta(ge=0, le=192_000)] = 0
    """Rate to open it with; 0 takes its own."""

    channels: Annotated[int, Meta(ge=0, le=1024)] = 0
    """Channels to open; 0 takes its own."""


class Record(Section, frozen=True, kw_only=True):
    """What is kept."""

    folder: str = ""
    """Folder of the store; empty takes the platform's data folder."""

    sound: bool = False
    """Keep the raw sound of a session (it stays on this machine)."""

    clips: bool = True
    """Keep a band-limited clip around each alarm."""

    sound_days: Annotated[int, Meta(ge=0, le=36_500)] = 7
    """Days after which kept sound is deleted."""

    event_days: Annotated[int, Meta(ge=0, le=36_500)] = 90
    """Days after which events are deleted."""


class Sound(Section, frozen=True, kw_only=True):
    """What is heard."""

    alarms: bool = True
    """Sound the alarms."""

    output: str = ""
    """Name of the output device; empty takes the system's."""

    volume: Annotated[float, Meta(ge=0.1, le=1)] = 0.7
    """Loudness of the alarm tones, 0.1 to 1."""

    listen: Literal["off"] | Band = "off"
    """Play the heart too: 20-150, 100-400 or 20-400 Hz."""

    listen_gain_db: Annotated[float, Meta(ge=-20, le=40)] = 12.0
    """Gain of that; it is fixed, never changed by itself."""


class Screen(Section, frozen=True, kw_only=True):
    """The terminal."""

    theme: Literal["dark", "light", "contrast"] = "dark"
    """Colours: dark, light or contrast."""

    seconds: Annotated[float, Meta(ge=1, le=60)] = 5.0
    """Seconds of waveform shown."""


class Outward(Section, frozen=True, kw_only=True):
    """What leaves this machine: nothing, until you name a place for it."""

    bed: str = ""
    """Name of this bed on the network; empty takes the machine's. Never a name of a patient."""

    least: Literal["low", "medium", "high"] = "low"
    """Lowest priority of an alarm that is handed to `command` and `webhook`."""

    mqtt_host: str = ""
    """Broker to report to; empty for none."""

    mqtt_port: Annotated[int, Meta(ge=0, le=65_535)] = 0
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

    mqtt_trend_s: Annotated[float, Meta(ge=1, le=3600)] = 10.0
    """Seconds between two vitals sent as a trend."""

    mqtt_queue: Annotated[int, Meta(ge=100, le=1_000_000)] = 50_000
    """Messages kept on disk while the broker is away; trends are dropped first."""

    command: tuple[str, ...] = ()
    """Program and arguments called for each alarm, without a shell; JSON on its input."""

    command_limit_s: Annotated[float, Meta(ge=0.1, le=300)] = 10.0
    """Seconds after which that program is killed."""

    webhook: str = ""
    """http or https address that each alarm is posted to as JSON."""

    webhook_header_file: str = ""
    """File with one header line for it, such as `Authorization: Bearer ...`, 0600."""

    webhook_limit_s: Annotated[float, Meta(ge=0.1, le=300)] = 10.0
    """Seconds that one post may take."""

    metrics_port: Annotated[int, Meta(ge=0, le=65_535)] = 0
    """Port on 127.0.0.1 for Prometheus metrics; 0 for none."""
