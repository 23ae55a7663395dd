"""The alarm table: the single source of what is raised, when, how loudly, and what to do.

After the vocabulary of IEC 60601-1-8. Delays and releases that are settings are named by their
key; the manual prints this table, and every title and remedy that a person reads is from here.
Nothing here decides: ``alarm_state`` runs one alarm by its row, ``conditions`` says from the
findings of a step whether a row's condition is present.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import msgspec

from monitor.events import RATE_HZ, Priority

if TYPE_CHECKING:
    from monitor.config.load import Alarms

AlarmClass = Literal["physiological", "technical"]

RANK: dict[Priority, int] = {"low": 1, "medium": 2, "high": 3}
"""Order of priorities."""

MERGE = 60 * RATE_HZ
"""Samples within which a return is the same occurrence, counted (flapping)."""


SWITCHED_OFF = "switched off: "
"""What the words of a transition begin with that ends an alarm because it was switched off."""


class Rule(msgspec.Struct, frozen=True):
    """One row.

    Attributes
    ----------
    kind, title
        Name in the event file, and words for people.
    alarm_class
        Physiological alarms count time in samples only; technical ones in samples and idleness.
    delay_s, delay_key
        Seconds the condition must last before the signal, or the setting that holds them.
    release_s
        Seconds that the clearing condition must last.
    latching
        Stays until acknowledged, though the condition is gone.
    latch_from
        Latches from this many returns on (0 never, unless ``latching``).
    escalates_to
        Priority of an alarm that lasts, None if it keeps its own.
    escalate_key
        The setting that holds the seconds, from the begin of the condition.
    condition, clears, remedy
        Words for the manual and the screen.
    """

    kind: str
    title: str
    alarm_class: AlarmClass
    priority: Priority
    condition: str
    clears: str
    remedy: str
    delay_s: float = 0.0
    delay_key: str = ""
    release_s: float = 0.0
    latching: bool = False
    latch_from: int = 0
    escalates_to: Priority | None = None
    escalate_key: str = "escalate_s"

    def escalation(self, limits: Alarms) -> int:
        """Samples at 2 kHz of the signal after which it escalates."""
        after = round(float(getattr(limits, self.escalate_key)) * RATE_HZ)
        return after if self.escalates_to is None else max(0, after - self.delay(limits))

    def delay(self, limits: Alarms) -> int:
        """Samples at 2 kHz for which the condition must last."""
        seconds = float(getattr(limits, self.delay_key)) if self.delay_key else self.delay_s
        return round(seconds * RATE_HZ)

    @property
    def release(self) -> int:
        """Samples at 2 kHz for which the clearing condition must last."""
        return round(self.release_s * RATE_HZ)


TABLE: tuple[Rule, ...] = (
    Rule(
        kind="abnormal_sound",
        title="abnormal heart sound",
        alarm_class="physiological",
        priority="medium",
        condition="mean p of exactly 15 windows, and p of 14 of them, at or above 0.6",
        clears="condition gone 30 s; latches",
        remedy="listen, compare with another place of auscultation, call a physician",
        delay_key="abnormal_delay_s",
        release_s=30,
        latching=True,
    ),
    Rule(
        kind="tachycardia",
        title="fast heart rate",
        alarm_class="physiological",
        priority="medium",
        condition="rate above 120/min",
        clears="rate below 115/min for 10 s",
        remedy="look at the patient",
        delay_key="rate_delay_s",
        release_s=10,
    ),
    Rule(
        kind="tachycardia_extreme",
        title="very fast heart rate",
        alarm_class="physiological",
        priority="high",
        condition="rate above 150/min",
        clears="rate below 145/min for 10 s; latches",
        remedy="look at the patient now",
        delay_key="extreme_delay_s",
        release_s=10,
        latching=True,
    ),
    Rule(
        kind="bradycardia",
        title="slow heart rate",
        alarm_class="physiological",
        priority="medium",
        condition="rate below 50/min",
        clears="rate above 53/min for 10 s",
        remedy="look at the patient",
        delay_key="rate_delay_s",
        release_s=10,
    ),
    Rule(
        kind="bradycardia_extreme",
        title="very slow heart rate",
        alarm_class="physiological",
        priority="high",
        condition="rate below 40/min",
        clears="rate above 43/min for 10 s; latches",
        remedy="look at the patient now",
        delay_key="extreme_delay_s",
        release_s=10,
        latching=True,
    ),
    Rule(
        kind="irregular",
        title="irregular rhythm",
        alarm_class="physiological",
        priority="low",
        condition="robust spread of the cycle length over 30 s above 15 %",
        clears="regular for 60 s",
        remedy="take an electrocardiogram",
        delay_key="irregular_delay_s",
        release_s=60,
    ),
    Rule(
        kind="heart_lost",
        title="heart sounds stopped",
        alarm_class="physiological",
        priority="high",
        condition="a heart was heard, and no beat in 6 s of clear sound since its last beat, "
        "added up: noise and knocks stop the count and do not void it",
        clears="beats found; latches",
        remedy="look at the patient now, then at the stethoscope",
        latching=True,
    ),
    Rule(
        kind="pause",
        title="pause between beats",
        alarm_class="physiological",
        priority="medium",
        condition="no beat for 3 s between heard beats",
        clears="10 s after it; latches",
        remedy="look at the patient, take an electrocardiogram",
        latching=True,
    ),
    Rule(
        kind="signal_lost",
        title="no signal",
        alarm_class="technical",
        priority="high",
        condition="no samples for 2 s",
        clears="samples come again",
        remedy="check the cable and the device",
    ),
    Rule(
        kind="wrong_input",
        title="wrong input",
        alarm_class="technical",
        priority="high",
        condition="the system moved the stream to another device",
        clears="samples from the chosen device",
        remedy="choose the device again",
    ),
    Rule(
        kind="poor_signal",
        title="heart not heard",
        alarm_class="technical",
        priority="low",
        condition="no heart is heard, for whatever reason: noise, hum, speech, lost contact; or "
        "its rate cannot be told: sound beyond full scale",
        clears="heard again for 8 s",
        remedy="look at the patient, place the stethoscope anew",
        delay_key="poor_signal_delay_s",
        release_s=5,
        escalates_to="medium",
        escalate_key="poor_signal_medium_s",
    ),
    Rule(
        kind="gaps",
        title="gaps in the sound",
        alarm_class="technical",
        priority="low",
        condition="more than 1 % of a minute lost",
        clears="gone 30 s",
        remedy="close other programs, check the cable",
        release_s=30,
    ),
    Rule(
        kind="clock",
        title="device clock off",
        alarm_class="technical",
        priority="medium",
        condition="device rate off by more than 1 %",
        clears="gone 30 s",
        remedy="choose another rate or device",
        release_s=30,
    ),
    Rule(
        kind="behind",
        title="analysis late",
        alarm_class="technical",
        priority="medium",
        condition="analysis more than 5 s late",
        clears="gone 30 s",
        remedy="close other programs",
        release_s=30,
    ),
    Rule(
        kind="cannot_record",
        title="cannot record",
        alarm_class="technical",
        priority="medium",
        condition="a write or sync failed, or was not confirmed for 3 s",
        clears="a write succeeded",
        remedy="make room on the disk, check its rights",
    ),
    Rule(
        kind="supervisor_lost",
        title="no supervisor",
        alarm_class="technical",
        priority="high",
        condition="the process that sounds alarms and restarts the core says nothing for 2 s",
        clears="one answers",
        remedy="run 'apexbeat attach' on this store: a new one takes over",
    ),
    Rule(
        kind="alarms_unheard",
        title="alarms cannot be heard here",
        alarm_class="technical",
        priority="medium",
        condition="no output plays the tones, or it is muted or turned down",
        clears="an output plays again",
        remedy="connect or unmute an output; stay in sight of the screen",
    ),
    Rule(
        kind="model_refused",
        title="model refused",
        alarm_class="technical",
        priority="high",
        condition="the model's file broke its contract",
        clears="restarted; five in a row latch",
        remedy="install the shipped model again",
        latch_from=5,
    ),
    Rule(
        kind="analysis_fault",
        title="analysis fault",
        alarm_class="technical",
        priority="high",
        condition="a stage failed, or samples were not numbers",
        clears="5 s without one; five in a row latch",
        remedy="check the device; report the fault line",
        release_s=5,
        latch_from=5,
    ),
)

RULES: dict[str, Rule] = {rule.kind: rule for rule in TABLE}
"""Rows by kind."""


def title(kind: str) -> str:
    """Title of an alarm kind; one that is not in the table is returned as it is, in words."""
    rule = RULES.get(kind)
    return kind.replace("_", " ") if rule is None else rule.title


def remedy(kind: str) -> str:
    """What to do first, empty for a kind that is not in the table."""
    rule = RULES.get(kind)
    return "" if rule is None else rule.remedy


def rows(limits: Alarms) -> list[tuple[str, ...]]:
    """Return the alarm table as text, heading first, as the manual and the screen print it.

    The delay of the condition stands in the condition's own words; ``delay`` is that of the
    signal, with the settings in force.
    """
    table: list[tuple[str, ...]] = [
        ("kind", "class, priority", "condition", "delay", "clears", "what to do")
    ]
    for rule in TABLE:
        seconds = rule.delay(limits) / RATE_HZ
        words: str = rule.priority
        if rule.escalates_to is not None:
            words += f", {rule.escalates_to} after {getattr(limits, rule.escalate_key):g} s"
        delay = f"{seconds:g} s" if seconds else "none"
        table.append(
            (
                rule.kind,
                f"{rule.alarm_class}, {words}",
                rule.condition,
                delay,
                rule.clears,
                rule.remedy,
            )
        )
    return table
