"""All settings: one TOML file, typed and checked, each overridable by an option.

``load`` reads the file (if there is one), lays ``--set section.key=value`` over it, checks types,
names and limits, and remembers where each value came from. A wrong one is a single line that
names the key. The tables and their fields are in ``monitor.config.schema``.
"""

from __future__ import annotations

import ast
import inspect
import os
import re
import tomllib
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import Any

import msgspec

from monitor.config.profiles import PROFILES
from monitor.config.schema import (
    Alarms,
    Analysis,
    Capture,
    Outward,
    Record,
    Screen,
    Section,
    Sound,
    Verdict,
)
from monitor.errors import UsageError
from monitor.regular_file import read_regular
from monitor.text import decoded

__all__ = [
    "Alarms",
    "Analysis",
    "Capture",
    "Loaded",
    "Outward",
    "Record",
    "Screen",
    "Settings",
    "Sound",
    "Verdict",
    "build",
    "default_path",
    "describe",
    "load",
    "names",
    "parse_options",
]

_COMMA = re.compile(r"(?m)^(\s*[\w.\"-]+\s*=\s*[-+]?\d+),(\d+\s*;?\s*(?:#.*)?)$")
_SEMICOLON = re.compile(r"(?m)^(\s*[\w.\"-]+\s*=[^#;\"']*);\s*$")

NO_FILE = Path(os.devnull)
"""Given in place of a file: nothing but the defaults."""

Scalar = str | int | float | bool | None


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
            section = msgspec.structs.asdict(getattr(self, name))
            kept.update({f"{name}.{key}": scalar(value) for key, value in section.items()})
        del kept["analysis.model"]
        return kept


class Loaded(msgspec.Struct, frozen=True):
    """Settings in force, and the origin (default, profile, file, option) of each key."""

    settings: Settings
    origin: dict[str, str]
    path: Path


def default_path() -> Path:
    """Return where the platform keeps the file; it is not created."""
    import platformdirs

    return Path(platformdirs.user_config_path("apexbeat", appauthor=False)) / "apexbeat.toml"


def load(path: Path | None = None, options: Sequence[str] = ()) -> Loaded:
    """Read the settings file, apply ``options`` (``section.key=value``) on top, and validate.

    Raises
    ------
    UsageError
        If a key is unknown, has the wrong type or is out of bounds, or the file cannot be read;
        the message names it. A ``path`` that is given must exist, the default one need not.
    """
    where = path if path is not None else default_path()
    values: dict[str, Any] = {}
    if path is not None or where.exists():
        values = _read(where)
    origin = dict.fromkeys(names(), "default")
    _note(origin, values, f"file {where}")
    given: dict[str, Any] = {}
    for key, value in parse_options(options).items():
        section, _, name = key.partition(".")
        given.setdefault(section, {})[name] = value
    for section, table in given.items():
        if not isinstance(values.setdefault(section, {}), dict):
            raise UsageError(f"setting {section}: must be a table")
        values[section].update(table)
    _note(origin, given, "option")
    settings = build(values)
    profile = settings.alarms.profile
    if profile != Alarms().profile:
        for key in (f"alarms.{name}" for name in PROFILES[profile].limits):
            origin[key] = f"profile {profile}" if origin[key] == "default" else origin[key]
    return Loaded(settings, origin, where)


def with_profile(values: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return ``values`` with the limits of the age profile where they name none."""
    alarms = values.get("alarms")
    profile = alarms.get("profile") if isinstance(alarms, Mapping) else None
    if profile not in PROFILES:
        return values
    return {**values, "alarms": {**PROFILES[profile].limits, **values["alarms"]}}


def parse_options(options: Sequence[str]) -> dict[str, Any]:
    """Return values by key of ``section.key=value``, unchecked.

    Raises
    ------
    UsageError
        If one is not written so, or names no setting.
    """
    return dict(_parse_option(option) for option in options)


def build(values: Mapping[str, Any]) -> Settings:
    """Check nested ``values`` and make settings of them.

    Raises
    ------
    UsageError
        Names the first key that is wrong.
    """
    try:
        settings = msgspec.convert(with_profile(values), Settings, strict=True)
    except msgspec.ValidationError as error:
        raise UsageError(_one_line(str(error), values)) from None
    check(settings)
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
        return parse("" if path == NO_FILE else decoded(read_regular(path)))
    except OSError as error:
        raise UsageError(f"settings {path}: {error.strerror or error}") from None
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"settings {path}: not TOML, {error}") from None
    except ValueError:
        raise UsageError(f"settings {path}: not UTF-8 text") from None


def parse(text: str) -> dict[str, Any]:
    """Read TOML; a number with a decimal comma, or a semicolon after a value, is taken as meant.

    Raises
    ------
    tomllib.TOMLDecodeError
        If it is none.
    """
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        meant = as_meant(text)
        if meant == text:
            raise
        return tomllib.loads(meant)


def as_meant(text: str) -> str:
    """Write decimal commas as points, and leave out semicolons at the end of a value."""
    return _SEMICOLON.sub(r"\1", _COMMA.sub(r"\1.\2", text))


def _parse_option(option: str) -> tuple[str, Any]:
    key, equals, text = option.partition("=")
    key = key.strip()
    if not equals or "." not in key:
        raise UsageError(f"--set {option}: write it as section.key=value")
    if key not in names():
        near = get_close_matches(key, names(), 1)
        remedy = f"is it '{near[0]}'?" if near else "see 'apexbeat config' for all"
        raise UsageError(f"setting {key}: unknown", remedy)
    try:
        return key, parse(f"v = {text}")["v"]
    except tomllib.TOMLDecodeError:
        return key, text.strip()


def _note(origin: dict[str, str], values: Mapping[str, Any], where: str) -> None:
    for section, table in values.items():
        if isinstance(table, Mapping):
            origin.update({f"{section}.{name}": where for name in table})


@cache
def bounds() -> dict[str, tuple[float, float]]:
    """Return least and most value of each setting that has them, by key."""
    found = {}
    for section in msgspec.structs.fields(Settings):
        for field in msgspec.structs.fields(section.type):
            for meta in getattr(field.type, "__metadata__", ()):
                found[f"{section.name}.{field.name}"] = (meta.ge, meta.le)
    return found


def _one_line(message: str, values: Mapping[str, Any]) -> str:
    """Turn msgspec's sentence into one that begins with the key."""
    what, _, place = message.partition(" - at `$")
    key = place.rstrip("`").lstrip(".")
    if key in bounds():
        section, _, name = key.partition(".")
        value, (least, most) = values[section][name], bounds()[key]
        if type(value) in (int, float) and not least <= value <= most:
            return _between(key, value)
    if what.startswith("Object contains unknown field"):
        name = what.split("`")[1]
        return f"setting {key + '.' if key else ''}{name}: unknown"
    return f"setting {key}: {what[0].lower()}{what[1:]}"


_RISING = (
    ("alarms.bradycardia_extreme", "alarms.bradycardia"),
    ("alarms.bradycardia", "alarms.tachycardia"),
    ("alarms.tachycardia", "alarms.tachycardia_extreme"),
    ("verdict.least", "verdict.few"),
    ("verdict.few", "verdict.windows"),
    ("alarms.abnormal_windows", "verdict.windows"),
)
_MAY_BE_EQUAL = {"verdict.least", "verdict.few", "alarms.abnormal_windows"}


def scalar(value: Any) -> Scalar:
    """A setting as the event file has it: a list becomes words."""
    if isinstance(value, tuple | list):
        return "; ".join(map(str, value))
    kept: Scalar = value
    return kept


def _value(settings: Settings, key: str) -> Any:
    section, _, name = key.partition(".")
    return getattr(getattr(settings, section), name)


def _between(key: str, value: float) -> str:
    least, most = bounds()[key]
    return f"setting {key}: {value:g} must be between {least:g} and {most:g}"


def check(settings: Settings) -> None:
    """See that settings are within their bounds and do not contradict each other.

    Raises
    ------
    UsageError
        Names the first key that is wrong.
    """
    for key, (least, most) in bounds().items():
        if not least <= _value(settings, key) <= most:  # not a number is neither
            raise UsageError(_between(key, _value(settings, key)))
    for low, high in _RISING:
        a, b = _value(settings, low), _value(settings, high)
        if a > b or (a == b and low not in _MAY_BE_EQUAL):
            raise UsageError(f"setting {low}: {a:g} must be below {high} ({b:g})")
    limits = settings.alarms
    for entry in limits.off:
        kind, colon, reason = entry.partition(":")
        if not (colon and kind.strip() and reason.strip()):
            raise UsageError(f"setting alarms.off: {entry!r} must be 'KIND: REASON'")
    if limits.bradycardia + limits.bradycardia_band > limits.tachycardia - limits.tachycardia_band:
        raise UsageError("setting alarms.bradycardia_band: the bands of rate limits overlap")
