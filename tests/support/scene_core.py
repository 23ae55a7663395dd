"""A small core over a real UNIX socket: speaks `monitor.link.messages`, plays a scene.

In tests it runs in the loop of the test and is moved by hand (`step`); as a program it plays at
the pace of life, for a screen on a terminal:

    python tests/support/scene_core.py /tmp/core.sock alarm
"""

from __future__ import annotations

import asyncio
import contextlib
import struct
import sys
from pathlib import Path

import msgspec
from scene import STEP, Scene
from scenes import scene

from monitor import events as ev
from monitor.link import messages as ms
from monitor.link import requests as rq

_LENGTH = struct.Struct(">I")


def frame(message: msgspec.Struct) -> bytes:
    """One message as it goes over the socket."""
    body = msgspec.msgpack.encode(message)
    return _LENGTH.pack(len(body)) + body


class FakeCore:
    """Serves scenes; ``requests`` keeps what screens asked for."""

    def __init__(self, *scenes: Scene, at_s: float = 760.0, answers: bool = True) -> None:
        self.scenes = list(scenes)
        self.at_s = at_s
        self.answers = answers
        self.requests: list[rq.Request] = []
        self.attached: list[ms.Attach] = []
        self._writers: set[asyncio.StreamWriter] = set()
        self._all: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None
        self._seq = 0
        self._beat = 0

    async def start(self, address: Path) -> None:
        """Listen."""
        address.unlink(missing_ok=True)
        self._server = await asyncio.start_unix_server(self._serve, str(address))

    async def stop(self) -> None:
        """Close every socket, as a core that dies."""
        if self._server is not None:
            self._server.close()
        for writer in list(self._all):
            writer.close()
        for task in list(self._tasks):
            await task

    def say(self, message: msgspec.Struct) -> None:
        """Send to all screens."""
        for writer in self._writers:
            writer.write(frame(message))

    def event(self, played: Scene, event: ev.Event) -> None:
        """Send one event."""
        self.say(ms.EventLine(session=played.session, seq=self._seq, event=event))
        self._seq += 1

    def step(self) -> None:
        """Half a second of life."""
        before, self.at_s = self.at_s, self.at_s + STEP / 2000
        start, stop = int(before * 2000), int(self.at_s * 2000)
        for played in self.scenes:
            for wave in played.waves(start, stop):
                self.say(wave)
            for event in [*played.gap_events(start, stop), *played.beats(start, stop)]:
                self.event(played, event)
            self.say(played.now(self.at_s))
            left = played.status.get("audio_paused_s")
            if isinstance(left, float):
                played.status["audio_paused_s"] = max(0.0, left - STEP / 2000)
        self._beat += 1
        self.say(ms.Heartbeat(beat=self._beat))

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self._all.add(writer)
        names = [played.session for played in self.scenes]
        writer.write(frame(ms.Hello(link=ms.LINK_VERSION, software="0", pid=1, sessions=names)))
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                (length,) = _LENGTH.unpack(await reader.readexactly(_LENGTH.size))
                body = await reader.readexactly(length)
                message = msgspec.msgpack.decode(body, type=ms.FromScreen)
                if isinstance(message, ms.Attach):
                    self.attached.append(message)
                    for played in self.scenes:
                        writer.write(frame(played.snapshot(self.at_s)))
                    self._writers.add(writer)
                else:
                    self._answer(message, writer)
        self._writers.discard(writer)
        self._all.discard(writer)
        self._tasks.discard(task)
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()

    def _answer(self, request: rq.Request, writer: asyncio.StreamWriter) -> None:
        self.requests.append(request)
        if not self.answers:
            return
        played = next((s for s in self.scenes if s.session == request.session), None)
        error = played.take(request, self.at_s) if played else "no such session"
        writer.write(frame(ms.Reply(id=request.id, ok=not error, error=error)))
        if request.what == "stop":
            self.say(ms.Bye(reason="ended by a screen"))


async def _play(address: Path, names: list[str]) -> None:
    core = FakeCore(*(scene(name) for name in names))
    for number, played in enumerate(core.scenes):
        played.session += f"-{number}" if number else ""
    await core.start(address)
    while True:
        await asyncio.sleep(STEP / 2000)
        core.step()


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_play(Path(sys.argv[1]), sys.argv[2:] or ["normal"]))
