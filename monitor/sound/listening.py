"""Listening: a process that follows a core over the link and plays what it hears.

It is a client like any screen, so it cannot delay the capture: the link drops waves that it does
not take. A core that is gone is waited for; an output that is gone is tried again.

    python -m monitor.sound.listening HEARING   plays until standard input closes: beside a
                                                supervisor (`Helper`), or beside a screen (key h)
    cli/listen.py                               the same in the foreground
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from monitor.errors import InputError
from monitor.link.client import Client, Gone
from monitor.link.messages import Bye, Hello, Snapshot, Wave
from monitor.playing import HEARD, Band

if TYPE_CHECKING:  # the supervisor stays small: scipy is for the process that plays
    from monitor.sound.listen import Listen
    from monitor.sound.player import Player

RETRY_S = 2.0
"""Wait before a core, an output or this process is tried again."""

AGAIN_S = 10.0
"""Wait before a helper that ended is started again."""


class Hearing(msgspec.Struct, frozen=True, kw_only=True):
    """What to listen to, and how."""

    address: str
    """Of the core."""
    session: str = ""
    """Empty for the first."""
    band: Band = "wide"
    output: str = ""
    gain_db: float = 12.0

    @property
    def command(self) -> list[str]:
        """What plays it in a process of its own, until its standard input closes."""
        words = msgspec.json.encode(self).decode()
        return [sys.executable, "-m", "monitor.sound.listening", words]


class Follower:
    """Hands the waves of one session to a `Listen`.

    Parameters
    ----------
    session
        Empty takes the first that the core names.
    """

    def __init__(self, session: str) -> None:
        self._session = session
        self._next = 0

    def take(self, message: object, listen: Listen) -> None:
        """One message of the core."""
        if isinstance(message, Hello) and not self._session and message.sessions:
            self._session = message.sessions[0]
        elif isinstance(message, Snapshot) and message.status.session == self._session:
            if message.status.index < self._next:  # the play-head of a replay was moved back
                self._next = message.status.index
                listen.clear()
        elif isinstance(message, Wave) and message.session == self._session:
            if message.start < self._next:  # heard already, before the link was lost
                return
            sound = np.frombuffer(message.samples, "<i2").astype(np.float64) / 32767
            self._next = message.start + sound.size
            listen.push(sound)


def follow(hearing: Hearing, over: threading.Event, say: Callable[[str], None]) -> None:
    """Play until ``over`` is set or the core ends in order; ``say`` gets lines for people."""
    from monitor.sound.player import Player

    follower, said = Follower(hearing.session), ""
    while not over.is_set():
        try:
            player = Player(hearing.output, hearing.band, hearing.gain_db)
        except OSError as error:
            if str(error) != said:
                said = str(error)
                say(said)
            over.wait(RETRY_S)
            continue
        begun = (lambda: say(HEARD)) if said else (lambda: None)
        with contextlib.closing(player):
            said = _play(hearing, player, follower, over, begun)
        if said:
            say(said)
        if said == ENDED:
            return
        over.wait(RETRY_S)


ENDED = "the monitoring has ended"


def _play(
    hearing: Hearing,
    player: Player,
    follower: Follower,
    over: threading.Event,
    begun: Callable[[], None],
) -> str:
    """Follow one core on one output; ``begun`` is called once it is found. Return why it ended."""
    try:
        with Client.connect(Path(hearing.address), "listen", waves=True) as client:
            begun()
            while not over.is_set():
                message = client.receive(0.5)
                follower.take(message, player.listen)
                if isinstance(message, Bye):
                    return ENDED if "restart" not in message.reason else message.reason
                if not player.playing:
                    return "the audio output is gone; it is tried again"
    except InputError as error:
        return str(error)
    except Gone:
        return "the core is gone; waiting for it"
    return ""


class Helper:
    """Keeps a listening process beside a supervisor, on a thread of its own; it ends with us.

    Parameters
    ----------
    errors
        File descriptor for what it says.
    again_s
        Wait before one that ended is started again.
    """

    def __init__(self, hearing: Hearing, errors: int, again_s: float = AGAIN_S) -> None:
        self._hearing, self._errors, self._again_s = hearing, errors, again_s
        self._process: subprocess.Popen[bytes] | None = None
        self._over = threading.Event()
        self.starts = 0
        self._thread = threading.Thread(target=self._run, name="listen", daemon=True)
        self._thread.start()

    def close(self, limit_s: float = 1.0) -> None:
        self._over.set()
        if (process := self._process) is not None:
            process.kill()
        self._thread.join(limit_s)

    def _run(self) -> None:
        while not self._over.is_set():
            with contextlib.suppress(OSError, MemoryError):  # no process now: in a while there is
                self._play_once()
            self._over.wait(self._again_s)

    def _play_once(self) -> None:
        process = self._process = subprocess.Popen(
            self._hearing.command,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=self._errors,
            bufsize=0,
        )
        self.starts += 1
        assert process.stdin is not None
        with process.stdin:
            if self._over.is_set():
                process.kill()
            process.wait()  # its end, or ours: it plays until that closes


@contextlib.contextmanager
def portaudio_silenced() -> Iterator[Callable[[str], None]]:
    """Keep PortAudio's words about its tries off standard error; gives what says a line there."""
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)

    def say(words: str) -> None:
        os.write(kept, f"{words}\n".encode())

    try:
        yield say
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


def main() -> None:
    """Play until standard input closes."""
    import signal

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for whoever started us
    hearing = msgspec.json.decode(sys.argv[1], type=Hearing)

    def wait_for_end() -> None:
        sys.stdin.buffer.read()
        os._exit(0)  # a call that hangs in the audio library must not keep us

    threading.Thread(target=wait_for_end, daemon=True).start()
    with portaudio_silenced() as say:
        follow(hearing, threading.Event(), say)


if __name__ == "__main__":
    main()
