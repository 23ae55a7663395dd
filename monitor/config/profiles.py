"""Age profiles: limits of the rate alarms, plausible rates, and words.

The limits are starting points between the defaults of bedside monitors and the normal ranges of
Fleming et al., Lancet 377:1011 (2011); a ward sets its own. Whatever a settings file or an option
says of a limit goes before its profile.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

Profile = Literal["adult", "child", "infant", "neonate"]


@dataclass(frozen=True, slots=True)
class AgeGroup:
    """What holds for people of one age.

    Attributes
    ----------
    words
        For people.
    rates
        Lowest and highest plausible rate, 1/min.
    limits
        Settings of the alarms that differ from an adult's.
    """

    words: str
    rates: tuple[float, float]
    limits: dict[str, float] = field(default_factory=dict)


PROFILES: dict[Profile, AgeGroup] = {
    "adult": AgeGroup(
        "adult, from 12 years",
        (30, 220),
        {
            "tachycardia": 120,
            "tachycardia_extreme": 150,
            "bradycardia": 50,
            "bradycardia_extreme": 40,
            "irregular_spread": 0.15,
        },
    ),
    "child": AgeGroup(
        "child, 1 to 12 years",
        (40, 220),
        {
            "tachycardia": 150,
            "tachycardia_extreme": 180,
            "bradycardia": 60,
            "bradycardia_extreme": 50,
            "irregular_spread": 0.25,
        },
    ),
    "infant": AgeGroup(
        "infant, 1 to 12 months",
        (60, 220),
        {
            "tachycardia": 180,
            "tachycardia_extreme": 205,
            "bradycardia": 90,
            "bradycardia_extreme": 70,
            "irregular_spread": 0.2,
        },
    ),
    "neonate": AgeGroup(
        "neonate, to 4 weeks",
        (60, 220),
        {
            "tachycardia": 190,
            "tachycardia_extreme": 210,
            "bradycardia": 90,
            "bradycardia_extreme": 70,
            "irregular_spread": 0.2,
        },
    ),
}
