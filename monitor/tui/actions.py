"""What the keys of the main screen do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.screen import Screen

from monitor.events import RATE_HZ
from monitor.link import messages as ms
from monitor.link import requests as rq
from monitor.playing import BANDS_HZ
from monitor.tui.alarmbook import needs_answer
from monitor.tui.live import Live, Program, home
from monitor.tui.waves import AFTER_ALARM
from monitor.tui.widgets import banner, theme, trend, wave
from monitor.tui.widgets.wave_panel import WavePanel

if TYPE_CHECKING:
    from monitor.tui.state import SessionState

PAUSE_S = 120.0
SPEEDS = (0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0)
"""Of a replay."""


class Actions(Live, Screen[None]):
    """Actions by the names that `monitor.tui.keys` gives them."""

    trend_span: int

    @property
    def _home(self) -> Program:
        return home(self)

    @property
    def _wave(self) -> WavePanel:
        return self.query_one(WavePanel)

    def _session(self) -> SessionState | None:
        session = self._home.state.shown()
        if session is None:
            self._home.say("there is no session yet")
        return session

    def action_acknowledge(self) -> None:
        """Acknowledge what the banner shows."""
        pairs = self._to_answer()
        if pairs:
            self._home.acknowledge(*pairs[0])

    def action_acknowledge_all(self) -> None:
        """Acknowledge all that are shown, of every session."""
        for session, line in self._to_answer():
            self._home.acknowledge(session, line)

    def _to_answer(self) -> list[tuple[SessionState, ms.AlarmLine]]:
        """Open alarms that were on the screen before the key was pressed, most urgent first."""
        open_now = [p for p in banner.everywhere(self._home.state) if needs_answer(p[1])]
        seen = [pair for pair in open_now if self._home.was_seen(*pair)]
        if not open_now:
            self._home.say("no alarm to acknowledge")
        elif not seen:
            self._home.say("a new alarm has just come: look, then press again", "medium")
        return seen

    def action_details(self) -> None:
        """Show evidence, or what to do."""
        self._home.details = not self._home.details
        self.advance()

    def action_pause_audio(self) -> None:
        """Silence the tones for two minutes, or sound them again."""
        session = self._session()
        if session is None or session.status is None:
            return
        left = session.status.audio_paused_s - session.age(self._home.now())
        seconds = 0.0 if left > 0 else PAUSE_S
        self._home.ask(rq.PauseAudio(session=session.id, seconds=seconds))

    def action_mark(self) -> None:
        """Ask for a note and mark the moment."""
        session = self._session()
        if session is not None and self._home.may_change():
            from monitor.tui.screens.note import NoteScreen

            self.app.push_screen(NoteScreen(self._home.now()), self._noted)

    def _noted(self, note: str | None) -> None:
        session = self._home.state.shown()
        if note is not None and session is not None:
            self._home.ask(rq.AddMark(session=session.id, note=note), done="marked")

    def action_keep(self) -> None:
        """Keep the sound that was just heard."""
        session = self._session()
        if session is not None:
            request = rq.AddMark(session=session.id, note="sound kept", keep=True)
            self._home.ask(request, done="the last 30 s are kept (apexbeat export, report)")

    def action_record(self) -> None:
        """Keep the raw sound, or stop."""
        session = self._session()
        if session is not None and session.status is not None:
            on = not session.status.recording
            self._home.ask(rq.SwitchRecording(session=session.id, on=on))

    def action_freeze(self) -> None:
        """Stop or free the picture."""
        session = self._session()
        if session is None or self._play(session, pause=True):
            return
        if self._wave.frozen is None:
            self._wave.freeze(session, self._home.now())
        else:
            self._wave.frozen = None
        self.advance()

    def action_back(self, seconds: int = 1) -> None:
        """Earlier, while frozen."""
        self._move(-seconds)

    def action_forward(self, seconds: int = 1) -> None:
        """Later, while frozen."""
        self._move(seconds)

    def _move(self, seconds: int) -> None:
        session = self._home.state.shown()
        if session is not None and self._play(session, cycles=seconds):
            return
        if session is None or self._wave.frozen is None:
            self._home.say("space freezes the picture, then ← and → move it")
            return
        moved = self._wave.frozen + seconds * RATE_HZ
        self._wave.frozen = max(0, min(moved, session.waves.end))
        self.advance()

    def _play(
        self,
        session: SessionState,
        *,
        pause: bool = False,
        faster: int = 0,
        seek: int | None = None,
        cycles: int | None = None,
        alarms: int | None = None,
        differences: int | None = None,
    ) -> bool:
        """Move the play-head of a replay; False where there is none.

        That changes nothing but the picture, so a read-only screen may do it too.
        """
        play = session.play
        if play is None:
            return False
        request = rq.MovePlayhead(
            session=session.id,
            on=play.paused if pause else None,
            speed=_speed(play.speed, faster) if faster else None,
            seek=seek,
            cycles=cycles,
            alarms=alarms,
            differences=differences,
        )
        if not self._home.send(request, lambda reply: None):
            self._home.say("play: not sent, the replay does not respond", "medium")
        return True

    def action_alarm(self, step: int) -> None:
        """Freeze the picture at the alarm before or after it."""
        session = self._session()
        if session is None or self._play(session, alarms=step):
            return
        live = session.waves.end + AFTER_ALARM  # also of an alarm that the picture has not reached
        here = (live if self._wave.frozen is None else self._wave.frozen) - AFTER_ALARM
        raised = sorted(a.raised for a in session.alarms.log() if a.earlier_session is None)
        found = [at for at in raised if (at > here if step > 0 else at < here)]
        if not found:
            self._home.say("no alarm " + ("after" if step > 0 else "before") + " this one")
            return
        self._jump((found[0] if step > 0 else found[-1]) + AFTER_ALARM)

    def action_difference(self, step: int) -> None:
        """Go to where the annotation differs, in a replay that has one."""
        session = self._session()
        if session is None:
            return
        if not session.annotated:
            self._home.say("no annotation here: apexbeat replay --screen FILE --annotation OTHER")
            return
        self._play(session, differences=step)

    def action_hear(self) -> None:
        """Play the sound of this session in the next band, then nothing."""
        session = self._session()
        if session is None:
            return
        if self._home.helpers.hear is None:
            self._home.say("this screen plays no sound: open it where the monitor runs")
            return
        heard = self._home.hearing.what
        bands = (None, *BANDS_HZ)
        band = heard[1] if heard is not None and heard[0] == session.id else None
        self._home.hear(session.id, bands[(bands.index(band) + 1) % len(bands)])

    def action_exam(self) -> None:
        """Examine a person with this device; the monitoring goes on."""
        session, examine = self._session(), self._home.helpers.examine
        status = session.status if session is not None else None
        if status is None or not self._home.may_change():
            return
        if status.source == "replay" or examine is None:
            self._home.say("an examination needs a device: apexbeat exam, in a terminal")
            return
        self._home.examine(examine(status.source, status.device, status.profile))

    def action_view(self) -> None:
        """Waveform or spectrogram."""
        self._wave.turn()
        self.advance()

    def action_gain(self, step: int) -> None:
        """One step larger or smaller; a replay goes faster or slower."""
        session = self._home.state.shown()
        if session is not None and self._play(session, faster=step):
            return
        panel = self._wave
        at = wave.GAINS.index(panel.gain) + step
        panel.gain = wave.GAINS[max(0, min(at, len(wave.GAINS) - 1))]
        panel.auto = False
        self.advance()

    def action_auto_gain(self) -> None:
        """Let the gain follow the sound."""
        self._wave.auto = True
        self.advance()

    def action_span(self, step: int) -> None:
        """More or fewer seconds in the waveform."""
        panel = self._wave
        panel.span = max(0, min(panel.span + step, len(wave.SPANS_S) - 1))
        self.advance()

    def action_trend(self) -> None:
        """The next span of the trend."""
        self.trend_span = (self.trend_span + 1) % len(trend.SPANS_MIN)
        self.advance()

    def action_theme(self) -> None:
        """Dark or light."""
        dark = self.app.theme == theme.DARK.name
        self.app.theme = theme.LIGHT.name if dark else theme.DARK.name

    def action_next_session(self) -> None:
        """The next device."""
        state = self._home.state
        state.next_session()
        session = state.shown()
        heard = self._home.hearing.what
        if heard is not None and session is not None:
            self._home.hear(session.id, heard[1])  # what is heard is what is seen
        self._wave.frozen = None
        self.advance()

    def action_alarm_log(self) -> None:
        """The whole log."""
        from monitor.tui.screens.log import LogScreen

        self.app.push_screen(LogScreen(), self._jump)

    def _jump(self, index: int | None) -> None:
        session = self._home.state.shown()
        if index is None or session is None or self._play(session, seek=index):
            return
        if not session.waves.holds(index - AFTER_ALARM):
            self._home.say("the sound of that moment is not on this screen (log, c: its clip)")
            return
        self._wave.freeze(session, self._home.now(), index)
        self.advance()

    def action_help(self) -> None:
        """All keys, and what the parts show."""
        from monitor.tui.screens.help import HelpScreen

        self.app.push_screen(HelpScreen())

    def action_device(self) -> None:
        """Facts about the device."""
        from monitor.tui.screens.device import DeviceScreen

        self.app.push_screen(DeviceScreen())

    def action_settings(self) -> None:
        from monitor.tui.screens.settings import SettingsScreen

        self.app.push_screen(SettingsScreen())

    def action_ask_quit(self) -> None:
        """Leave, after asking whether the monitoring goes on; a replay just ends."""
        session = self._home.state.shown()
        if session is not None and session.play is not None:
            self.app.exit(0)
            return
        from monitor.tui.screens.quit import QuitScreen

        self.app.push_screen(QuitScreen())


def _speed(now: float, step: int) -> float:
    """The next speed above or below, one of `SPEEDS`."""
    if step > 0:
        return next((speed for speed in SPEEDS if speed > now), SPEEDS[-1])
    return next((speed for speed in reversed(SPEEDS) if speed < now), SPEEDS[0])
