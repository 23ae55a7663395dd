"""Personal limits: changed by a person, or learnt from the first minutes if they ask for it."""

from __future__ import annotations

from collections.abc import Mapping
from statistics import median

import msgspec

from dsp.stage import RATE_HZ
from monitor.config.load import Alarms, Settings, build

FASTER = 1.35
SLOWER = 0.65
"""Shares of a person's own median rate at which it is too fast and too slow."""

STEP_BPM = 5


def changed(limits: Alarms, wanted: Mapping[str, float]) -> Alarms:
    """Return ``limits`` with those of ``wanted`` in their place.

    Raises
    ------
    UsageError
        If a name is unknown, or limits contradict each other or their bounds.
    """
    values = msgspec.structs.asdict(limits)
    kinds = {name: type(value) for name, value in values.items()}
    for name, value in wanted.items():
        values[name] = kinds[name](value) if name in kinds else value
    # The verdict's own number of windows is not known here: it bounds only what is not a limit.
    verdict = msgspec.to_builtins(Settings().verdict)
    verdict["windows"] = max(verdict["windows"], int(values["abnormal_windows"]))
    return build({"alarms": values, "verdict": verdict}).alarms


def words_of(limits: Mapping[str, float]) -> str:
    """Return limits in words."""
    return ", ".join(f"{name} {value:g}" for name, value in limits.items())


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
