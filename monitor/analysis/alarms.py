"""The alarm engine: all alarms of one stream as a pure function of state and input.

``step(board, tick) -> (board, transitions)``: no clock, no file. A tick carries the time that
passed (sound and idleness apart), what is known of each condition, and what a person asked for.
The rows are in ``alarm_table``, one alarm's states in ``alarm_state``.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
from msgspec.structs import replace

from monitor.alarms.table import RANK, RULES, TABLE
from monitor.analysis.alarm_state import (
    Alarm,
    AlarmTime,
    Reading,
    Transition,
    acknowledge,
    advance,
    silenced,
)
from monitor.analysis.limits import reasons
from monitor.config.load import Alarms
from monitor.errors import UsageError
from monitor.events import RATE_HZ, Command

MAX_PAUSE_S = 120.0
"""Longest audio pause, in seconds."""


class Board(msgspec.Struct, frozen=True):
    """All alarms of one stream.

    Attributes
    ----------
    alarms
        By kind, each of the table's.
    limits
        In force now.
    occurrences
        Occurrences so far.
    pause_left
        Samples of AUDIO PAUSED left, 0 if none.
    pause_rank
        Priority at the start of the pause; a higher one ends it.
    """

    alarms: Mapping[str, Alarm]
    limits: Alarms
    occurrences: int = 0
    pause_left: int = 0
    pause_rank: int = 0

    @property
    def shown(self) -> list[Alarm]:
        """Those that are not inactive, highest priority first, then the order of the table."""
        alive = [a for a in self.alarms.values() if a.state != "inactive"]
        return sorted(alive, key=lambda a: -RANK[a.priority])

    @property
    def sounding(self) -> list[Alarm]:
        """Those whose signal is on: active ones, and latched ones not yet acknowledged."""
        return [a for a in self.shown if a.state in ("active", "latched")]

    def restored(self) -> Board:
        """Return the board as a restarted core takes it over: audio is never paused at start."""
        return replace(self, pause_left=0, pause_rank=0)


class Tick(msgspec.Struct, frozen=True):
    """One step of time.

    Attributes
    ----------
    index
        Absolute sample (2 kHz) at its end.
    sound, idle
        Samples of sound, and samples' worth of waiting without sound, that passed. Time lost in
        a gap is neither.
    readings
        What is known of each condition; a kind that is missing is unknown.
    commands
        ``acknowledge`` and ``pause_audio``, in order.
    """

    index: int
    sound: int = 0
    idle: int = 0
    readings: Mapping[str, Reading] = msgspec.field(default_factory=dict)
    commands: tuple[Command, ...] = ()


UNKNOWN = Reading(None, False, "not known")


def start(limits: Alarms) -> Board:
    """Return a board with every alarm inactive.

    Raises
    ------
    UsageError
        If an alarm is to be switched off that does not exist.
    """
    for kind in reasons(limits):
        if kind not in RULES:
            raise UsageError(f"setting alarms.off: no alarm is called {kind}")
    return Board({rule.kind: Alarm(rule.kind, rule.priority) for rule in TABLE}, limits)


def with_limits(board: Board, limits: Alarms) -> Board:
    """Return the board with other limits in force; what is raised stays raised."""
    return replace(board, limits=limits)


def step(board: Board, tick: Tick) -> tuple[Board, tuple[Transition, ...]]:
    """Let one tick pass: commands first, then every alarm in the order of the table.

    Returns
    -------
    The board after it, and the transitions in order.

    Examples
    --------
    A tachycardia is pending at first, and active when it has lasted for its delay of 10 s:

    >>> board, fast = start(Alarms()), Reading(True, False, "rate 136/min, above 120")
    >>> for second in range(1, 13):
    ...     tick = Tick(second * 2000, sound=2000, readings={"tachycardia": fast})
    ...     board, changes = step(board, tick)
    ...     for change in changes:
    ...         print(second, change.alarm.state)
    1 pending
    11 active
    """
    changes: list[Transition] = []
    for command in tick.commands:
        board, seen = _command(board, command, tick.index)
        changes += seen
    alarms = dict(board.alarms)
    occurrences = board.occurrences
    off = reasons(board.limits) if board.limits.off else {}
    for rule in TABLE:
        reading = tick.readings.get(rule.kind, UNKNOWN)
        if rule.kind in off:
            alarms[rule.kind], moved = silenced(alarms[rule.kind], rule, off[rule.kind], tick.index)
            changes += moved
            continue
        if alarms[rule.kind].state == "inactive" and not reading.present:
            continue  # the most common case by far, and nothing can come of it
        now = AlarmTime(tick.index, tick.sound, tick.sound + tick.idle, occurrences + 1)
        alarm, moved = advance(alarms[rule.kind], rule, reading, now, board.limits)
        alarms[rule.kind] = alarm
        occurrences = max(occurrences, alarm.occurrence)
        changes += moved
    left = max(0, board.pause_left - tick.sound - tick.idle)
    risen = [c.alarm.priority for c in changes if c.alarm.state == "active"]
    if any(RANK[priority] > board.pause_rank for priority in risen):
        left = 0
    board = replace(board, alarms=alarms, occurrences=occurrences, pause_left=left)
    return board, tuple(changes)


def _command(board: Board, command: Command, index: int) -> tuple[Board, list[Transition]]:
    if command.kind == "pause_audio":
        return _pause(board, MAX_PAUSE_S if command.seconds is None else command.seconds), []
    if command.kind != "acknowledge":
        return board, []
    changes: list[Transition] = []
    alarms = dict(board.alarms)
    kinds = list(RULES) if command.alarm is None else [command.alarm]
    for kind in kinds:
        if kind not in alarms:
            continue  # a screen newer than this core: there is nothing to acknowledge
        alarms[kind], moved = acknowledge(alarms[kind], RULES[kind], index)
        changes += moved
    return replace(board, alarms=alarms), changes


def _pause(board: Board, seconds: float) -> Board:
    if not seconds > 0:  # also what is not a number
        return replace(board, pause_left=0, pause_rank=0)
    rank = max((RANK[a.priority] for a in board.sounding), default=RANK["low"])
    left = round(min(seconds, MAX_PAUSE_S) * RATE_HZ)
    return replace(board, pause_left=left, pause_rank=rank)
