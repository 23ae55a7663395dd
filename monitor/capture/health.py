"""How a source is: a small state machine, pure, that says when to reopen it.

    healthy ── no samples 1.5 s, stream ended, moved ──► alarmed ── back-off ──► recovering
       ▲                                                  ▲                       │
       └───────────── samples from the pinned device ─────┼───────────────────────┤
                                                          └──── failed to open ───┤
    failed ◄── hung again ── escalated ◄── four failures in a row, or a hung call ┘

Escalated goes on trying every ten seconds; failed asks for a new process.
"""

from __future__ import annotations

from enum import StrEnum

SILENT_S = 1.5
"""No samples for so long is a lost signal: with the way to the screen it is shown within 2 s."""

SILENT_AT_START_S = 2.5
"""The same after a stream was opened."""

BACK_OFF_S = (1.0, 2.0, 5.0, 10.0)
"""Waits before the first, second, third and every later attempt to reopen."""

STALLED_S = 4.0
"""A stream that is open and silent has this much longer to deliver its backlog, before it is
opened again (which throws that away)."""

HUNG_S = 8.0
"""A call into the audio library that is not back by then is abandoned."""

HUNG_LIMIT = 3
"""So many abandoned calls in a row, and only a new process can help."""


class HealthState(StrEnum):
    """What a screen shows of a source."""

    HEALTHY = "healthy"
    ALARMED = "alarmed"
    RECOVERING = "recovering"
    ESCALATED = "escalated"
    FAILED = "failed"
    ENDED = "ended"


class Action(StrEnum):
    """What the owner of the source should do now."""

    NONE = "none"
    REOPEN = "reopen"
    RESTART = "restart"


class Health:
    """State of one source.

    Attributes
    ----------
    state, reason
        For people.
    reconnects
        How often it came back after it was lost.
    """

    def __init__(self, now_s: float) -> None:
        self.state = HealthState.RECOVERING
        self.reason = "starting"
        self.reconnects = 0
        self._seen_s = now_s
        self._limit_s = SILENT_AT_START_S
        self._ever = False
        self._failures = 0
        self._hung = 0
        self._retry_s: float | None = None
        self._open = True

    @property
    def attempts(self) -> int:
        """Attempts to reopen that failed since samples last came."""
        return self._failures

    def samples(self, now_s: float) -> None:
        """Samples came from the pinned device."""
        self._seen_s, self._limit_s, self._open = now_s, SILENT_S, True
        if self.state in (HealthState.HEALTHY, HealthState.ENDED, HealthState.FAILED):
            return
        if self._ever:
            self.reconnects += 1
        self._ever = True
        self._failures = self._hung = 0
        self._retry_s = None
        self.state, self.reason = HealthState.HEALTHY, ""

    def lost(self, now_s: float, reason: str) -> None:
        """The stream ended, or the operating system moved it; it must be opened again."""
        if self.state in (HealthState.FAILED, HealthState.ENDED):
            return
        self._open = False
        self.reason = reason
        if self.state is not HealthState.ESCALATED:
            self.state = HealthState.ALARMED
        self._plan(now_s)

    def opened(self, now_s: float) -> None:
        """A stream was opened; its first samples are awaited."""
        self._open = True
        self._hung = 0
        if self.state is HealthState.HEALTHY:  # its samples were faster than this news
            return
        self._seen_s, self._limit_s = now_s, SILENT_AT_START_S

    def open_failed(self, now_s: float, reason: str) -> None:
        """An attempt to open failed."""
        if self.state in (HealthState.FAILED, HealthState.ENDED):
            return
        self._failures += 1
        self._open = False
        self.reason = reason
        escalate = self._failures >= len(BACK_OFF_S) or self.state is HealthState.ESCALATED
        self.state = HealthState.ESCALATED if escalate else HealthState.ALARMED
        self._plan(now_s)

    def hung(self, now_s: float, what: str) -> None:
        """A call into the audio library did not come back and was abandoned."""
        if self.state is HealthState.ENDED:
            return
        self._hung += 1
        self._open = False
        self.reason = f"{what} hangs"
        failed = self._hung >= HUNG_LIMIT
        self.state = HealthState.FAILED if failed else HealthState.ESCALATED
        self._plan(now_s)

    def tick(self, now_s: float) -> Action:
        """Time passed; what should be done?"""
        if self.state is HealthState.ENDED:
            return Action.NONE
        if self.state is HealthState.FAILED:
            return Action.RESTART
        if self._open and now_s - self._seen_s >= self._limit_s:
            self._silent(now_s)
        if self._retry_s is not None and now_s >= self._retry_s:
            self._retry_s = None
            self._open = False
            if self.state is not HealthState.ESCALATED:
                self.state = HealthState.RECOVERING
            return Action.REOPEN
        return Action.NONE

    def end(self) -> None:
        """The source is no longer wanted."""
        self.state, self.reason, self._retry_s = HealthState.ENDED, "", None

    def _silent(self, now_s: float) -> None:
        if self._retry_s is not None:
            return
        self.reason = f"no samples for {now_s - self._seen_s:.0f} s"
        if self.state is HealthState.RECOVERING:
            self._failures += 1
        if self._failures >= len(BACK_OFF_S):
            self.state = HealthState.ESCALATED
        elif self.state is not HealthState.ESCALATED:
            self.state = HealthState.ALARMED
        self._plan(now_s, least_s=STALLED_S)

    def _plan(self, now_s: float, least_s: float = 0.0) -> None:
        wait_s = BACK_OFF_S[min(self._failures, len(BACK_OFF_S) - 1)]
        self._retry_s = now_s + max(wait_s, least_s)
