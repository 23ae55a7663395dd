"""The waveform's widget: gain, span, freezing, and what stands in its frame."""

from __future__ import annotations

from monitor.events import RATE_HZ
from monitor.link.messages import Compared
from monitor.tui import words
from monitor.tui.state import ScreenState, SessionState
from monitor.tui.waves import HOLD_BACK
from monitor.tui.widgets import spectrogram, wave
from monitor.tui.widgets.glyphs import Glyphs
from monitor.tui.widgets.panel import Line, Panel

SPECTRUM_S = 0.5
"""A spectrogram moves with each step of sound, not with each frame."""


class WavePanel(Panel):
    """Live or frozen picture of one session."""

    def __init__(self, glyphs: Glyphs, *, id: str | None = None) -> None:
        super().__init__(glyphs, id=id)
        self.gain = 4.0
        self.auto = True
        self.span = 1
        self.spectrum = False
        self._spectrum_at = 0.0
        self.frozen: int | None = None
        """Index of the right edge while frozen."""
        self._frozen_at = 0.0

    def turn(self) -> None:
        """From the waveform to the spectrogram, or back."""
        self.spectrum = not self.spectrum
        self._spectrum_at = 0.0

    def freeze(self, session: SessionState, now: float, index: int | None = None) -> None:
        """Stop the picture, at ``index`` or where it is."""
        self.frozen = session.head.at(now, session.waves.end) if index is None else index
        self._frozen_at = now

    def advance(self, state: ScreenState, now: float) -> None:
        """Draw what may be shown now."""
        width, height = self.size.width, self.size.height
        if width < 4 or height < 3:
            return
        session = state.shown()
        if self.frozen is None and (trouble := _trouble(state, session, now)):
            self.show(wave.nothing(trouble, width, height, self.glyphs), "PHONOCARDIOGRAM", "")
            return
        if session is None or not session.waves.end:
            self.show(_guide(height), "FIRST STEPS", "")
            return
        samples = wave.grid(wave.SPANS_S[self.span], width)
        live = session.head.at(now, session.waves.end)
        head = live if self.frozen is None else self.frozen
        if self.auto and self.frozen is None:
            start = wave.first_column(head, samples, width)
            low, high = session.waves.columns(start, 2 * width, samples)
            gain = wave.auto_gain(wave.peak(low, high), self.gain)
            status = session.status
            lost = status is not None and status.heart_known and status.heart != "heard"
            # Silence is not blown up: once a heart is not heard any more the gain only falls.
            self.gain = min(gain, self.gain) if lost else gain
        if self.spectrum:
            if self.frozen is not None or now >= self._spectrum_at:
                self._spectrum_at = now + SPECTRUM_S
                lines = spectrogram.lines(session, head, samples, width, height, self.glyphs)
                heading, _ = self._frame(session, head, samples * 2 * width / RATE_HZ, now)
                self.show(
                    lines, heading.replace("PHONOCARDIOGRAM", "SPECTROGRAM, Hz"), "v waveform"
                )
            return
        lines = wave.lines(session, head, samples, self.gain, width, height, self.glyphs)
        self.show(lines, *self._frame(session, head, samples * 2 * width / RATE_HZ, now))

    def _frame(
        self, session: SessionState, head: int, span_s: float, now: float
    ) -> tuple[str, str]:
        compared = None if session.play is None else session.play.compared
        gain = f"gain ×{self.gain:.0f}{' auto' if self.auto else ''}"
        heading = f"PHONOCARDIOGRAM · {span_s:.1f} s"
        if self.frozen is not None:
            since = words.age(now - self._frozen_at)
            heading += f" · FROZEN {since} at {session.time(head)} · monitoring goes on"
            if session.lost():
                heading += " · NO SIGNAL"
        elif session.play is None:
            heading += f" · drawn {HOLD_BACK / RATE_HZ:.0f} s late"
        return heading, gain if compared is None else f"{_score(compared)} · {gain}"


def _score(told: Compared) -> str:
    """How well the cycles fit the annotation, up to the play-head."""
    both = 2 * told.same + told.missed + told.extra
    f1 = f"{2 * told.same / both:.3f}" if both else words.UNKNOWN
    return f"{told.name}: F1 {f1} at 100 ms, {told.missed} missed, {told.extra} extra"


def _guide(height: int) -> list[Line]:
    """What to do while there is no sound yet."""
    out: list[Line] = [
        [("  1  Wait: the core opens the device and loads the model.", "plain")],
        [("  2  Place the stethoscope left of the breastbone, between the ribs;", "plain")],
        [("     press lightly, and hold still for ten seconds.", "plain")],
        [("  3  Tap it: the level meter in the title must move.", "plain")],
        [("  4  Each heart sound stands up in this picture, S1 and S2 named.", "plain")],
        [("  d shows the device, ? all keys.", "dim")],
    ]
    return [*[[] for _ in range((height - len(out)) // 2)], *out][:height]


def _trouble(state: ScreenState, session: SessionState | None, now: float) -> str:
    if state.silent(now):
        return "CORE NOT RESPONDING" if state.core is not None else ""
    if session is None or session.status is None:
        return ""
    if session.lost():
        return f"NO SIGNAL since {session.time(session.status.index)}"
    if session.ended():
        return f"ENDED at {session.time(session.status.index)}"
    if session.age(now) > 2.0:
        return f"NO STATUS for {words.age(session.age(now))}"
    return ""
