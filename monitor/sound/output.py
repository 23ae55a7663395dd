"""Makes the alarms heard: bursts on a thread of its own, else the bell.

`set` says what should sound now; nothing waits for what plays them, which may hang. Where no
output can be opened, or a burst does not come to its end, the terminal's bell rings in its place.
`unheard` says why alarms cannot be heard, before one is due too; `changes` says what was really
heard of each.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from monitor.clock import Clock
from monitor.events import Priority
from monitor.sound.tones import PATTERNS, burst
from monitor.system.worker_thread import WorkerThread

BELL_S: dict[Priority, float] = {"high": 2.0, "medium": 5.0, "low": 20.0}
"""Seconds between two strokes of the bell."""

HANG_S = 4.0
"""A burst that is late by this much hangs."""

RETRY_S = 30.0
"""Seconds until an output that failed is tried again."""

CHECK_S = 5.0
"""Seconds between two looks at an output that nothing is played through."""

PIECE_S = 0.1
"""A burst is given to the library in pieces of this length, so that it can be cut short."""

CHANGES = 100
"""Changes of what was heard that are kept until somebody asks."""

Play = Callable[[Priority, threading.Event], None]
"""Plays one burst to its end, or until the event is set; raises OSError if it cannot."""

By = Literal["tone", "bell", "nothing"]


@dataclass(frozen=True, slots=True)
class Change:
    """From a moment on (wall time, s) this was heard of an alarm of ``priority``, and why."""

    wall: float
    priority: Priority | None
    by: By | None
    why: str = ""


class AlarmSound:
    """Repeats the pattern of one priority until told otherwise.

    Parameters
    ----------
    play
        Plays one burst (`portaudio`), None to use the bell only.
    bell
        Rings once; False if there is nothing to ring.
    check
        Looks whether a burst could be heard now; returns why not. None where nothing tells.
    """

    def __init__(
        self,
        play: Play | None,
        bell: Callable[[], bool | None],
        clock: Clock,
        check: Callable[[], str] | None = None,
    ) -> None:
        self._play, self._bell, self._clock, self._check = play, bell, clock, check
        self._wanted: Priority | None = None
        self._next_s = 0.0
        self._check_s = float("-inf")
        self._busy: WorkerThread | None = None
        self._looking: WorkerThread | None = None
        self._cut = threading.Event()
        self._busy_until = 0.0
        self._failed_s: float | None = None
        self._failure: str | None = None
        self._mute = ""
        self._rung: bool | None = None
        self._heard: tuple[Priority | None, By | None, str] = (None, None, "")
        self._changes: deque[Change] = deque(maxlen=CHANGES)

    @property
    def failure(self) -> str | None:
        """Why the bell rings in place of tones; None while tones can be played."""
        return self._failure

    @property
    def unheard(self) -> str:
        """Why alarms cannot be heard as tones now, and what is heard instead; empty if they can."""
        why = self._failure or self._mute
        if not why or self._play is None:
            return ""
        if self._rung is None:
            return why
        return f"{why}; {'the bell of the terminal rings instead' if self._rung else 'silent'}"

    @property
    def playing(self) -> bool:
        """Whether a burst is on its way through the output now."""
        return self._busy is not None and self._busy.is_alive() and self._failure is None

    def changes(self) -> list[Change]:
        """What was heard since the last call, oldest first."""
        found = []
        while self._changes:
            found.append(self._changes.popleft())
        return found

    def set(self, priority: Priority | None) -> None:
        """What should sound from now on; a higher one begins at once."""
        if priority != self._wanted:
            self._wanted = priority
            self._next_s = 0.0
            self._cut.set()
            if priority is None:
                self._was_heard(None, None)

    def close(self, limit_s: float = 1.0) -> bool:
        """Fall silent; False if the audio output hangs (then end by `os._exit`)."""
        self.set(None)
        busy = self._busy
        if busy is not None:
            busy.join(limit_s)
        return busy is None or not busy.is_alive()

    def tick(self) -> None:
        """Start what is due. Call it several times a second."""
        now_s = self._clock.monotonic()
        if self._busy is not None and not self._busy.is_alive():
            self._busy = None
        if self._busy is not None and now_s > self._busy_until and self._failure is None:
            self._fail("the audio output hangs", now_s)
        self._look(now_s)
        if self._wanted is None or now_s < self._next_s:
            return
        pattern = PATTERNS[self._wanted]
        usable = self._failed_s is None or now_s - self._failed_s > RETRY_S
        if self._play is not None and self._busy is None and usable:
            self._next_s = now_s + pattern.burst_s + pattern.between_bursts_s
            self._start(self._wanted, now_s)  # if that fails, the bell is due at once
        elif self._busy is None or self._failure is not None:
            self._ring(self._wanted)
            self._next_s = now_s + BELL_S[self._wanted]

    # ------------------------------------------------------------ inside

    def _ring(self, priority: Priority) -> None:
        try:
            self._rung = self._bell() is not False
        except OSError:
            self._rung = False
        why = self._failure or self._mute or "tones are switched off"
        self._was_heard(priority, "bell" if self._rung else "nothing", why)

    def _was_heard(self, priority: Priority | None, by: By | None, why: str = "") -> None:
        if (priority, by, why) != self._heard:
            self._heard = (priority, by, why)
            self._changes.append(Change(self._clock.wall(), priority, by, why))

    def _start(self, priority: Priority, now_s: float) -> None:
        play, cut = self._play, threading.Event()
        assert play is not None
        self._cut = cut

        def run() -> None:
            try:
                play(priority, cut)
            except BaseException as error:  # noqa: BLE001 - whatever it raises, nobody heard it
                self._fail(str(error) or type(error).__name__, self._clock.monotonic())
            else:
                self._failed_s = self._failure = None
                if self._mute:
                    self._ring(priority)
                else:
                    self._was_heard(priority, "tone")

        self._busy_until = now_s + PATTERNS[priority].burst_s + HANG_S
        self._busy = self._begin(run, now_s)

    def _look(self, now_s: float) -> None:
        """See now and then whether an alarm could be heard, also while none is due."""
        check = self._check
        if check is None or now_s - self._check_s < CHECK_S:
            return
        if self._looking is not None and self._looking.is_alive():
            return  # it hangs; so does a burst, which is told
        self._check_s = now_s

        def run() -> None:
            try:
                self._mute = check()
            except BaseException as error:  # noqa: BLE001 - as above
                self._mute = str(error) or type(error).__name__
            if not self._mute and self._wanted is None:
                self._failed_s = self._failure = None

        self._looking = self._begin(run, now_s)

    def _begin(self, run: Callable[[], None], now_s: float) -> WorkerThread | None:
        try:
            return WorkerThread(run)
        except (RuntimeError, MemoryError) as error:  # no thread: the bell needs none
            self._fail(f"no sound can be made: {error}", now_s)
            return None

    def _fail(self, words: str, now_s: float) -> None:
        self._failure, self._failed_s = words, now_s
        self._next_s = 0.0


def look(output: str) -> None:
    """Check that PortAudio has an output of this name.

    Raises
    ------
    OSError
        If it has none.
    """
    try:
        import sounddevice as sd
    except OSError as error:  # the shared library is missing
        raise OSError(f"no audio output: {error}") from None
    try:
        sd.query_devices(output or None, "output")
    except (sd.PortAudioError, ValueError) as error:
        sd._terminate()
        sd._initialize()  # the list of devices is frozen until then
        raise OSError(f"no audio output: {error}") from None


def portaudio(output: str, volume: float) -> Play:
    """Bursts through PortAudio's output ``output`` (part of a name; empty for the default).

    The library is loaded at the first burst, on the thread that plays.
    """

    def play(priority: Priority, cut: threading.Event) -> None:
        try:
            import sounddevice as sd
        except OSError as error:  # the shared library is missing
            raise OSError(f"no audio output: {error}") from None
        try:
            device = output or None
            rate_hz = round(float(sd.query_devices(device, "output")["default_samplerate"]))
            sound = burst(priority, rate_hz, volume)
            with sd.OutputStream(
                device=device, samplerate=rate_hz, channels=1, dtype="float32"
            ) as stream:
                step = round(PIECE_S * rate_hz)
                for start in range(0, len(sound), step):
                    if cut.is_set():
                        return
                    stream.write(sound[start : start + step, None])
        except (sd.PortAudioError, ValueError) as error:
            sd._terminate()
            sd._initialize()  # the list of devices is frozen until then
            raise OSError(f"no audio output: {error}") from None

    return play
