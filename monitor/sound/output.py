"""Makes the alarms heard: bursts through PortAudio on a thread of its own, else the bell.

`set` says what should sound now; nothing waits for the audio library, which may hang. Where no
output can be opened, or a burst does not come to its end, the terminal's bell rings in its place.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

from monitor.clock import Clock
from monitor.events import Priority
from monitor.sound.tones import PATTERNS, burst

BELL_S: dict[Priority, float] = {"high": 2.0, "medium": 5.0, "low": 20.0}
"""Seconds between two strokes of the bell."""

HANG_S = 4.0
"""A burst that is late by this much hangs."""

RETRY_S = 30.0
"""Seconds until an output that failed is tried again."""

PIECE_S = 0.1
"""A burst is given to the library in pieces of this length, so that it can be cut short."""

Play = Callable[[Priority, threading.Event], None]
"""Plays one burst to its end, or until the event is set; raises OSError if it cannot."""


class AlarmSound:
    """Repeats the pattern of one priority until told otherwise.

    Parameters
    ----------
    play
        Plays one burst (`portaudio`), None to use the bell only.
    bell
        Rings once.
    """

    def __init__(self, play: Play | None, bell: Callable[[], None], clock: Clock) -> None:
        self._play, self._bell, self._clock = play, bell, clock
        self._wanted: Priority | None = None
        self._next_s = 0.0
        self._busy: threading.Thread | None = None
        self._cut = threading.Event()
        self._busy_until = 0.0
        self._failed_s: float | None = None
        self._failure: str | None = None
        self.bursts = 0

    @property
    def failure(self) -> str | None:
        """Why the bell rings in place of tones; None while tones can be played."""
        return self._failure

    @property
    def playing(self) -> bool:
        """Whether a burst is on its way through the output now."""
        return self._busy is not None and self._busy.is_alive() and self._failure is None

    def set(self, priority: Priority | None) -> None:
        """What should sound from now on; a higher one begins at once."""
        if priority != self._wanted:
            self._wanted = priority
            self._next_s = 0.0
            self._cut.set()

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
        if self._wanted is None or now_s < self._next_s:
            return
        pattern = PATTERNS[self._wanted]
        usable = self._failed_s is None or now_s - self._failed_s > RETRY_S
        if self._play is not None and self._busy is None and usable:
            self._next_s = now_s + pattern.burst_s + pattern.between_bursts_s
            self._start(self._wanted, now_s)  # if that fails, the bell is due at once
        elif self._busy is None or self._failure is not None:
            self._bell()
            self.bursts += 1
            self._next_s = now_s + BELL_S[self._wanted]

    # ------------------------------------------------------------ inside

    def _start(self, priority: Priority, now_s: float) -> None:
        play, cut = self._play, threading.Event()
        assert play is not None
        self._cut = cut

        def run() -> None:
            try:
                play(priority, cut)
            except OSError as error:
                self._fail(str(error), self._clock.monotonic())
            else:
                self._failed_s = self._failure = None
                self.bursts += 1

        self._busy_until = now_s + PATTERNS[priority].burst_s + HANG_S
        self._busy = threading.Thread(target=run, name="alarm-sound", daemon=True)
        self._busy.start()

    def _fail(self, words: str, now_s: float) -> None:
        self._failure, self._failed_s = words, now_s
        self._next_s = 0.0


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
