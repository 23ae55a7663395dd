"""One alarm: a pure state machine over what is known of its condition.

``advance(alarm, rule, ...)`` takes what is known now, and the time that passed, and returns the
alarm as it is after that, with its transitions. Condition, signal, acknowledgement and latch are
kept apart::

    inactive ─ present ─▶ pending ─ delay over ─▶ active ─ acknowledge ─▶ acknowledged
       ▲  ▲                │    ▲                 │    ▲                       │
       │  └─ gone ─────────┘    │ known again     │    │ present again         │
       │                  interrupted (gap)       │ latched (latching, gone)   │
       │                  suspended (unknown)     │    │ acknowledge           │
       └───────────────── gone for the release ───┴────┴───────────────────────┘

A gap or a poor signal never clears, acknowledges or forgets: pending ones are held and active
ones stay.
"""

from __future__ import annotations

from typing import Literal

import msgspec
from msgspec.structs import replace

from monitor.alarms.table import MERGE, RANK, SWITCHED_OFF, Rule
from monitor.config.load import Alarms
from monitor.events import RATE_HZ, AlarmState, Priority

Block = Literal["", "gap", "quality"]


class Reading(msgspec.Struct, frozen=True, gc=False):
    """What is known of a condition at a step.

    Attributes
    ----------
    present
        The condition holds, does not hold, or cannot be known (None).
    gone
        The clearing condition holds. Neither present nor gone is the band between the two.
    evidence
        Words.
    blocked
        Why it cannot be known: a gap, or poor quality.
    """

    present: bool | None
    gone: bool
    evidence: str
    blocked: Block = ""


class Alarm(msgspec.Struct, frozen=True):
    """The state of one kind.

    Attributes
    ----------
    condition
        Whether the condition is present, as last known.
    held, release, lasted
        Samples for which the condition, the clearing condition (None: it does not hold) and the
        signal have lasted.
    priority
        The row's, or higher by escalation.
    escalated
        Whether this signal has been escalated.
    occurrence
        Number of this occurrence in the session, 0 before the first.
    raised, acknowledged, cleared
        Indices at 2 kHz.
    count
        How many times the signal came within this occurrence.
    """

    kind: str
    priority: Priority
    state: AlarmState = "inactive"
    condition: bool = False
    held: int = 0
    release: int | None = None
    lasted: int = 0
    escalated: bool = False
    occurrence: int = 0
    raised: int | None = None
    acknowledged: int | None = None
    cleared: int | None = None
    count: int = 0
    evidence: str = ""


class Transition(msgspec.Struct, frozen=True):
    """One line of the alarm log: the alarm as it is after it, and the state before."""

    alarm: Alarm
    before: AlarmState
    index: int
    evidence: str


class AlarmTime(msgspec.Struct, frozen=True, gc=False):
    """Now: index, samples of sound that passed, the same with idleness, next occurrence."""

    index: int
    sound: int
    elapsed: int
    occurrence: int


Result = tuple[Alarm, tuple[Transition, ...]]


def advance(alarm: Alarm, rule: Rule, reading: Reading, now: AlarmTime, limits: Alarms) -> Result:
    """Let time pass over one alarm.

    Parameters
    ----------
    alarm, rule
        Its state and its row.
    reading
        What is known of its condition.
    now
        The end of the step and the time since the last one.
    limits
        Settings in force.

    Returns
    -------
    The alarm after it, and what changed, in order.
    """
    known = reading.present is not None and not reading.blocked
    if known and alarm.condition != reading.present:
        alarm = replace(alarm, condition=bool(reading.present))
    passed = now.sound if rule.alarm_class == "physiological" else now.elapsed
    if alarm.state == "inactive":
        return _inactive(alarm, rule, reading, now, limits) if known else (alarm, ())
    if alarm.state in ("pending", "interrupted", "suspended"):
        if not known:
            return _hold(alarm, reading, now)
        return _pending(alarm, rule, reading, now, limits, passed)
    if alarm.state == "latched":
        if known and reading.present:
            return _raise(alarm, rule, reading.evidence, now)
        return alarm, ()
    cleared, transitions = _signal(alarm, rule, reading, now, passed) if known else (alarm, ())
    if transitions:
        return cleared, transitions
    return _escalate(cleared, rule, now, limits)


def acknowledge(alarm: Alarm, rule: Rule, index: int) -> Result:
    """A person has seen this occurrence; what is not raised has nothing to acknowledge."""
    if alarm.state == "active":
        seen = replace(alarm, acknowledged=index)
        return _move(seen, "acknowledged", "acknowledged", index)
    if alarm.state == "latched":
        seen = replace(alarm, acknowledged=index)
        return _clear(seen, rule, "acknowledged after the condition was gone", index)
    return alarm, ()


def silenced(alarm: Alarm, rule: Rule, reason: str, index: int) -> Result:
    """An alarm that is switched off: nothing is raised, and what is raised ends."""
    if alarm.state == "inactive":
        return alarm, ()
    return _clear(replace(alarm, held=0), rule, SWITCHED_OFF + reason, index)


def _inactive(alarm: Alarm, rule: Rule, reading: Reading, now: AlarmTime, limits: Alarms) -> Result:
    if not reading.present:
        return alarm, ()
    if rule.delay(limits) == 0:
        return _raise(alarm, rule, reading.evidence, now)
    return _move(replace(alarm, held=0), "pending", reading.evidence, now.index)


def _hold(alarm: Alarm, reading: Reading, now: AlarmTime) -> Result:
    state: AlarmState = "interrupted" if reading.blocked == "gap" else "suspended"
    if alarm.state in (state, "interrupted"):
        return alarm, ()  # after a gap it stays interrupted until the condition is known again
    return _move(alarm, state, f"{alarm.evidence}; held, {reading.evidence}", now.index)


def _pending(
    alarm: Alarm, rule: Rule, reading: Reading, now: AlarmTime, limits: Alarms, passed: int
) -> Result:
    if not reading.present:
        delay_s = rule.delay(limits) / RATE_HZ
        words = f"{reading.evidence}; gone within the delay of {delay_s:g} s, not raised"
        return _move(replace(alarm, held=0), "inactive", words, now.index)
    if alarm.state != "pending":
        return _move(alarm, "pending", reading.evidence, now.index)
    alarm = replace(alarm, held=alarm.held + passed, evidence=reading.evidence)
    if alarm.held >= rule.delay(limits):
        return _raise(alarm, rule, reading.evidence, now)
    return alarm, ()


def _raise(alarm: Alarm, rule: Rule, evidence: str, now: AlarmTime) -> Result:
    merged = alarm.state == "latched" or (
        alarm.cleared is not None and now.index - alarm.cleared <= MERGE
    )
    count = alarm.count + 1 if merged else 1
    raised = replace(
        alarm,
        priority=rule.priority,
        held=0,
        release=None,
        lasted=0,
        escalated=False,
        occurrence=alarm.occurrence if merged else now.occurrence,
        raised=alarm.raised if merged else now.index,
        acknowledged=None,
        cleared=None,
        count=count,
    )
    words = evidence if count == 1 else f"{evidence}; came {count} times"
    return _move(raised, "active", words, now.index)


def _signal(alarm: Alarm, rule: Rule, reading: Reading, now: AlarmTime, passed: int) -> Result:
    """Clear an active or acknowledged alarm once its clearing condition has lasted."""
    if not reading.gone:
        evidence = reading.evidence if reading.present else alarm.evidence
        return replace(alarm, release=None, evidence=evidence), ()
    release = 0 if alarm.release is None else alarm.release + passed
    alarm = replace(alarm, release=release)
    if release < rule.release:
        return alarm, ()
    latches = rule.latching or (rule.latch_from > 0 and alarm.count >= rule.latch_from)
    if latches and alarm.state == "active":
        return _move(replace(alarm, release=None), "latched", reading.evidence, now.index)
    return _clear(alarm, rule, reading.evidence, now.index)


def _clear(alarm: Alarm, rule: Rule, evidence: str, index: int) -> Result:
    cleared = replace(alarm, priority=rule.priority, release=None, lasted=0, cleared=index)
    return _move(cleared, "inactive", evidence, index)


def _escalate(alarm: Alarm, rule: Rule, now: AlarmTime, limits: Alarms) -> Result:
    """Raise once more what lasts: to a higher priority, or a high one that nobody acknowledged."""
    alarm = replace(alarm, lasted=alarm.lasted + now.elapsed)
    if alarm.escalated or alarm.lasted < rule.escalation(limits):
        return alarm, ()
    after_s = float(getattr(limits, rule.escalate_key))
    if rule.escalates_to is not None and RANK[rule.escalates_to] > RANK[alarm.priority]:
        alarm = replace(alarm, escalated=True, priority=rule.escalates_to, acknowledged=None)
        words = f"{alarm.evidence}; lasts {after_s:g} s"
        return _move(alarm, "active", words, now.index)
    if alarm.priority == "high" and alarm.state == "active":
        alarm = replace(alarm, escalated=True)
        words = f"{alarm.evidence}; not acknowledged for {after_s:g} s"
        return _move(alarm, "active", words, now.index)
    return alarm, ()


def _move(alarm: Alarm, state: AlarmState, evidence: str, index: int) -> Result:
    after = replace(alarm, state=state, evidence=evidence)
    return after, (Transition(after, alarm.state, index, evidence),)
