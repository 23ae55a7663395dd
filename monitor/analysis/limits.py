"""Personal limits: changed by a person, or learnt from the first minutes if they ask for it."""

from __future__ import annotations

from collections.abc import Mapping
from statistics import median

import msgspec

from dsp.stage import RATE_HZ
from monitor.alarms.table import RULES
from monitor.config.load import Alarms, Settings, build
from monitor.config.profiles import PROFILES
from monitor.errors import UsageError

FASTER = 1.35
SLOWER = 0.65
"""Shares of a person's own median rate at which it is too fast and too slow."""

STEP_BPM = 5

MAX_REASON = 200
"""Letters of a reason that are kept."""


def changed(limits: Alarms, wanted: Mapping[str, float], profile: str = "") -> Alarms:
    """Return ``limits`` with those of a profile, then those of ``wanted``, in their place.

    Raises
    ------
    UsageError
        If a name is unknown, or limits contradict each other or their bounds.
    """
    values = msgspec.structs.asdict(limits)
    kinds = {name: type(value) for name, value in values.items()}
    if profile in PROFILES:
        values |= PROFILES[profile].limits
    if profile:
        values["profile"] = profile
    for name, value in wanted.items():
        values[name] = kinds[name](value) if name in kinds else value
    # The verdict's own number of windows is not known here: it bounds only what is not a limit.
    verdict = msgspec.to_builtins(Settings().verdict)
    verdict["windows"] = max(verdict["windows"], int(values["abnormal_windows"]))
    return build({"alarms": values, "verdict": verdict}).alarms


def words_of(limits: Mapping[str, float], profile: str = "") -> str:
    """Return limits in words."""
    words = [f"profile {profile}"] if profile else []
    return ", ".join([*words, *(f"{name} {value:g}" for name, value in limits.items())])


def reasons(limits: Alarms) -> dict[str, str]:
    """Kinds of alarms that are switched off, and why."""
    pairs = (entry.partition(":") for entry in limits.off)
    return {kind.strip(): reason.strip() for kind, _, reason in pairs}


def switched(limits: Alarms, kind: str, reason: str) -> Alarms:
    """Return ``limits`` with an alarm switched off for ``reason``, or on again without one.

    Raises
    ------
    UsageError
        If there is no such alarm.
    """
    if kind not in RULES:
        raise UsageError(f"no alarm is called {kind}")
    off = {**reasons(limits), kind: " ".join(reason.split())[:MAX_REASON]}
    entries = tuple(f"{name}: {why}" for name, why in off.items() if why)
    return msgspec.structs.replace(limits, off=entries)


def learn(rates: list[float], limits: Alarms) -> dict[str, float]:
    """Return rate limits that fit a person whose rates these were.

    A third above and below the median rate, in steps of 5/min; between 100 and 150 for
    tachycardia and 35 and 60 for bradycardia, so that nothing learnt is dangerous by itself.
    """
    middle = median(rates)
    fast = min(150.0, max(100.0, STEP_BPM * round(FASTER * middle / STEP_BPM)))
    slow = min(60.0, max(35.0, STEP_BPM * round(SLOWER * middle / STEP_BPM)))
    return {
        "tachycardia": fast,
        "tachycardia_extreme": max(limits.tachycardia_extreme, fast + 20),
        "bradycardia": slow,
        "bradycardia_extreme": min(limits.bradycardia_extreme, slow - 5),
    }


class Learner:
    """Collects rates for ``seconds`` of sound in which a rate is known; then learns, once."""

    def __init__(self, seconds: float) -> None:
        self._left = round(seconds * RATE_HZ)
        self._rates: list[float] = []

    def tick(self, rate: float | None, sound: int, limits: Alarms) -> dict[str, float]:
        """Take a step; return the limits in the one step in which they are learnt."""
        if self._left <= 0 or rate is None:
            return {}
        self._rates.append(rate)
        self._left -= sound
        return learn(self._rates, limits) if self._left <= 0 else {}
