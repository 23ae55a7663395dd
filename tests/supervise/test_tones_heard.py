"""The alarm is heard: the pattern is found in what the audio output really played.

A user-space PulseAudio with a microphone and a speaker; everything else is the product. Takes
about a minute of real time; skipped, visibly, where there is no PulseAudio.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pexpect
import pytest
import soundfile as sf
from pulses import bursts, find
from virtual_microphone import VirtualMicrophone, missing

from dsp.phantom import PRESETS, render
from monitor import events as ev
from monitor.config.load import build
from monitor.link.client import Client, Gone
from monitor.link.messages import EventLine, Hello, Reply, Status
from monitor.supervise.job import Job
from monitor.supervise.launch import spawn

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


@contextmanager
def speaker(microphone: VirtualMicrophone, file: Path) -> Iterator[Speaker]:
    heard = Speaker(microphone, file)
    try:
        yield heard
    finally:
        heard.close()


class Watch:
    """A client that collects windows and the state of alarms."""

    def __init__(self, address: Path) -> None:
        self.client = Client.connect(address, "test", waves=False)
        self.windows: list[ev.Window] = []
        self.status: Status | None = None
        self.pid = 0

    def until(self, holds: Callable[[], bool]) -> None:
        """Read until something holds."""
        end = time.monotonic() + PATIENCE_S
        while time.monotonic() < end and not holds():
            message = self.client.receive(0.5)
            if isinstance(message, Hello):
                self.pid = message.pid
            elif isinstance(message, Status):
                self.status = message
            elif isinstance(message, EventLine) and isinstance(message.event, ev.Window):
                self.windows.append(message.event)
        assert holds(), self.status

    def active(self, kind: str) -> bool:
        """Whether an alarm is active."""
        alarms = self.status.alarms if self.status is not None else []
        return any(line.kind == kind and line.state == "active" for line in alarms)

    def ask(self, what: str, **fields: object) -> Reply | None:
        """Ask the core."""
        assert self.status is not None
        return self.client.answer(self.client.request(self.status.session, what, **fields), 10)


def test_every_pattern_is_heard_while_a_screen_is_frozen_the_microphone_lost_and_the_core_dead(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    heart = replace(PRESETS["murmur_tachycardia"], profile=(), rate_per_min=136.0, duration_s=120)
    file = tmp_path / "heart.wav"
    sf.write(file, render(heart, 4000).sound.astype(np.float32), 4000, subtype="PCM_16")
    with (
        VirtualMicrophone(tmp_path / "vm") as microphone,
        speaker(microphone, tmp_path / "heard.raw") as heard,
    ):
        for name, value in microphone.env.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
        microphone.play(file)
        store = tmp_path / "store"
        settings = build({"capture": {"rate_hz": RATE}, "alarms": {"rate_delay_s": 3.0}})
        begun = spawn(Job(store=str(store), sources=["device:vmic"], settings=settings))
        watch = Watch(Path(begun.address))
        screen = pexpect.spawn(
            sys.executable, ["-m", "monitor.cli.main", "attach", "--store", str(store)],
            env={**os.environ, "TERM": "xterm-256color"}, dimensions=(40, 120),
        )  # fmt: skip
        try:
            screen.expect("HEART RATE", timeout=60)
            screen.kill(signal.SIGSTOP)  # frozen from here on

            watch.until(lambda: watch.active("tachycardia"))
            heard.hears("medium", 0)

            now = len(heard.sound)
            microphone.unload()  # from here the core tries to open it again and again
            watch.until(lambda: watch.active("signal_lost") or watch.active("wrong_input"))
            heard.hears("high", now)

            reply = watch.ask("pause_audio", seconds=120.0)
            assert reply is not None
            assert reply.ok
            now = len(heard.sound) + 3 * RATE  # what is under way is played to its end
            os.kill(watch.pid, signal.SIGKILL)
            heard.hears("high", now)  # the supervisor by itself, audio paused or not
        finally:
            screen.kill(signal.SIGKILL)
            screen.close(force=True)
            watch.client.close()
            _end(Path(begun.address))


def _end(address: Path) -> None:
    """Stop the monitoring, once the core that was started again answers."""
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end:
        try:
            with Client.connect(address, "test", waves=False) as client:
                hello = client.receive(5.0)
                if isinstance(hello, Hello):
                    client.request(hello.sessions[0], "stop")
                    while client.receive(10.0) is not None:
                        continue
        except Gone:
            return
        except Exception:  # noqa: BLE001 - no core yet: look again
            time.sleep(0.3)
    raise AssertionError("the monitoring did not end")
