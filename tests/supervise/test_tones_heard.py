"""The alarm is heard: the pattern is found in what the audio output really played.

A user-space PulseAudio with a microphone and a speaker; everything else is the product. Takes
about a minute of real time; skipped, visibly, where there is no PulseAudio.
"""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pexpect
import pytest
import soundfile as sf
from pulses import bursts, find
from virtual_microphone import VirtualMicrophone, missing
from whole_monitor import monitor

from dsp.phantom import PRESETS, render
from monitor import events as ev

RATE = 48000
PATIENCE_S = 90.0

pytestmark = [
    pytest.mark.audio,
    pytest.mark.skipif(bool(missing()), reason=f"not installed: {missing()}"),
    pytest.mark.timeout(600),
]


class Speaker:
    """Everything that the output plays, from the beginning."""

    def __init__(self, microphone: VirtualMicrophone, file: Path) -> None:
        self._file = file
        with file.open("wb") as out:
            self._process = subprocess.Popen(
                ["parec", "--device=speaker.monitor", "--format=s16le", f"--rate={RATE}",
                 "--channels=1", "--latency-msec=50"],
                env=microphone.env, stdout=out,
            )  # fmt: skip

    @property
    def sound(self) -> np.ndarray:
        """All of it so far."""
        data = self._file.read_bytes()
        return np.frombuffer(data[: len(data) // 2 * 2], "<i2") / 32768

    def hears(self, priority: ev.Priority, since: int) -> None:
        """Wait for a whole burst of a priority that began after sample ``since``."""
        end = time.monotonic() + PATIENCE_S
        while time.monotonic() < end:
            found = find(self.sound[since:], RATE)
            if bursts(found, priority):
                return
            time.sleep(0.5)
        raise AssertionError(f"no {priority} burst in {find(self.sound[since:], RATE)}")

    def close(self) -> None:
        self._process.kill()
        self._process.wait()


def test_every_pattern_is_heard_while_a_screen_is_frozen_the_microphone_lost_and_the_core_dead(
    tmp_path: Path,
) -> None:
    heart = replace(PRESETS["murmur_tachycardia"], profile=(), rate_per_min=136.0, duration_s=120)
    file = tmp_path / "heart.wav"
    sf.write(file, render(heart, 4000).sound.astype(np.float32), 4000, subtype="PCM_16")
    options = ("--device", "vmic", "--set", f"capture.rate_hz={RATE}",
               "--set", "alarms.rate_delay_s=3")  # fmt: skip
    with (
        VirtualMicrophone(tmp_path / "vm") as microphone,
        closing(Speaker(microphone, tmp_path / "heard.raw")) as heard,
    ):
        microphone.play(file)
        with monitor(tmp_path, *options, environment=microphone.env) as run:
            screen = pexpect.spawn(
                sys.executable, ["-m", "monitor.cli.main", "attach", "--store", str(run.store)],
                env={**run.env, "TERM": "xterm-256color"}, dimensions=(40, 120),
            )  # fmt: skip
            try:
                screen.expect("HEART RATE", timeout=60)
                screen.kill(signal.SIGSTOP)  # frozen from here on

                run.until(lambda m: m.has_alarm("tachycardia"))
                heard.hears("medium", 0)

                now = len(heard.sound)
                microphone.unload()  # from here the core tries to open it again and again
                run.until(lambda m: m.has_alarm("signal_lost") or m.has_alarm("wrong_input"))
                heard.hears("high", now)

                assert run.answer(run.ask("pause_audio", seconds=120.0)).ok
                now = len(heard.sound) + 3 * RATE  # what is under way is played to its end
                run.kill_core()
                heard.hears("high", now)  # the supervisor by itself, audio paused or not
            finally:
                screen.kill(signal.SIGKILL)
                screen.close(force=True)
