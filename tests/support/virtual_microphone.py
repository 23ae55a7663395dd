"""A microphone that tests can play into: a user-space PulseAudio with null sinks.

Needs pulseaudio, pactl, paplay, the ALSA plugin for PulseAudio and PortAudio; `missing()` names
what is not there. No kernel module, no root, nothing outside a folder of its own.
"""

from __future__ import annotations

import ctypes.util
import os
import shutil
import signal
import subprocess
import time
from functools import cache
from pathlib import Path

from monitor.system.closing import Closing

PA = """\
load-module module-native-protocol-unix auth-anonymous=1 socket={run}/native
load-module module-null-sink sink_name=vmic rate=48000 channels=1 format=s16le
load-module module-null-sink sink_name=laptop rate=48000 channels=1 format=s16le
load-module module-null-sink sink_name=speaker rate=48000 channels=1 format=s16le
set-default-sink speaker
set-default-source laptop.monitor
"""

ALSA = """\
pcm.!default {{ type pulse }}
ctl.!default {{ type pulse }}
pcm.vmic {{ type pulse device "vmic.monitor" hint {{ show on description "vmic" }} }}
pcm.speaker {{ type pulse device "speaker" hint {{ show on description "speaker" }} }}
"""

LIBRARIES = ("lib", "lib/*", "lib64")
"""Folders of libraries below /usr: one of this machine's architecture among them."""


@cache
def missing() -> str:
    """What is not installed; empty if all is."""
    absent = [name for name in ("pulseaudio", "pactl", "paplay") if shutil.which(name) is None]
    if ctypes.util.find_library("portaudio") is None:
        absent.append("libportaudio2")
    plugin = "alsa-lib/libasound_module_pcm_pulse.so"
    if not any(next(Path("/usr").glob(f"{place}/{plugin}"), None) for place in LIBRARIES):
        absent.append("libasound2-plugins")
    return ", ".join(absent)


class VirtualMicrophone(Closing):
    """The daemon and its sources; ``env`` is what processes need to hear it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        run = folder / "run"
        run.mkdir(mode=0o700, parents=True)
        (folder / "home").mkdir()
        self.env = {
            **os.environ,
            "PULSE_RUNTIME_PATH": str(run),
            "PULSE_STATE_PATH": str(folder / "home"),
            "PULSE_COOKIE": str(folder / "home" / "cookie"),
            "PULSE_SERVER": f"unix:{run}/native",
            "ALSA_CONFIG_PATH": str(folder / "alsa.conf"),
        }
        (folder / "daemon.pa").write_text(PA.format(run=run))
        (folder / "alsa.conf").write_text(ALSA.format())
        self._players: list[subprocess.Popen[bytes]] = []
        self.start()

    def start(self) -> None:
        """Start the daemon (again)."""
        (self.folder / "run" / "native").unlink(missing_ok=True)
        with (self.folder / "pa.out").open("ab") as out:
            self.daemon = subprocess.Popen(
                [
                    "pulseaudio", "-n", "-F", str(self.folder / "daemon.pa"), "--daemonize=no",
                    "--exit-idle-time=-1", "--disable-shm=1", "--use-pid-file=no",
                    f"--log-target=file:{self.folder}/pa.log",
                ],
                env=self.env, stdin=subprocess.DEVNULL, stdout=out, stderr=out,
                start_new_session=True,
            )  # fmt: skip
        for _ in range(200):
            if self._ask("info").returncode == 0:
                return
            time.sleep(0.05)
        raise RuntimeError("the PulseAudio of the test did not start")

    def play(self, file: Path, latency_ms: int = 20) -> subprocess.Popen[bytes]:
        """Play a file into the microphone."""
        player = subprocess.Popen(
            ["paplay", "--device=vmic", f"--latency-msec={latency_ms}", str(file)],
            env=self.env, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        self._players.append(player)
        return player

    def unload(self) -> None:
        """Take the microphone away; others stay."""
        for line in self._ask("list", "short", "modules").stdout.splitlines():
            number, name, *rest = line.split("\t")
            if name == "module-null-sink" and "sink_name=vmic" in " ".join(rest):
                self._ask("unload-module", number)

    def load(self) -> None:
        """Give it back."""
        self._ask(
            "load-module", "module-null-sink", "sink_name=vmic", "rate=48000", "channels=1",
            "format=s16le",
        )  # fmt: skip

    def suspend(self, yes: bool) -> None:
        """Let the microphone deliver nothing."""
        self._ask("suspend-source", "vmic.monitor", "1" if yes else "0")
        self._ask("suspend-sink", "vmic", "1" if yes else "0")

    def freeze(self, yes: bool) -> None:
        """Stop the daemon in its tracks, or let it go on."""
        self.daemon.send_signal(signal.SIGSTOP if yes else signal.SIGCONT)

    def kill(self) -> None:
        """Kill the daemon."""
        self.daemon.kill()
        self.daemon.wait()

    def _ask(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["pactl", *words], env=self.env, capture_output=True, text=True, timeout=5
        )

    def close(self) -> None:
        """End all of it."""
        for player in self._players:
            player.kill()
            player.wait()
        self.freeze(False)
        self.kill()
