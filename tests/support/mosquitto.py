"""A mosquitto of our own: a port of its own, started, stopped, killed and started again."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from waiting import free_port, until

from monitor.integrations.broker import Broker, BrokerGone, BrokerLink

LIMIT_S = 30.0


def program() -> str | None:
    """Where mosquitto is; None if it is not installed."""
    return shutil.which("mosquitto", path=os.environ.get("PATH", "") + ":/usr/sbin")


class Mosquitto:
    """One broker; ``more`` are further lines of its configuration."""

    def __init__(self, folder: Path, *more: str, port: int | None = None) -> None:
        folder.mkdir(parents=True)
        self.port = port or free_port()
        self._config = folder / "mosquitto.conf"
        lines = [
            f"listener {self.port} 127.0.0.1",
            "allow_anonymous true",
            "persistence true",
            f"persistence_location {folder}/",
            f"log_dest file {folder / 'log'}",
            "user root" if os.getuid() == 0 else "",
            "max_queued_messages 0",
        ]
        names = {line.split()[0] for line in more}
        kept = [line for line in lines if line and line.split()[0] not in names]
        self._config.write_text("\n".join([*kept, *more]) + "\n")
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def broker(self) -> Broker:
        """How to reach it."""
        return Broker(host="127.0.0.1", port=self.port)

    def start(self) -> None:
        """Start and wait until it answers."""
        found = program()
        assert found is not None
        self._process = subprocess.Popen(
            [found, "-c", str(self._config)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        until(self._answers, "mosquitto")

    def stop(self, kill: bool = False) -> None:
        """Stop it, in order or not."""
        if self._process is not None:
            self._process.kill() if kill else self._process.terminate()
            self._process.wait()
            self._process = None

    def _answers(self) -> bool:
        try:
            socket.create_connection(("127.0.0.1", self.port), 1.0).close()
        except OSError:
            return False
        return True


class Listener:
    """A subscriber that a broker keeps messages for; call `turn` until enough has come."""

    def __init__(self, broker: Broker, *topics: str, name: str = "listener") -> None:
        self._broker, self._topics, self._name = broker, topics, name
        self.heard: list[tuple[str, bytes, bool]] = []
        self._link: BrokerLink | None = None
        self.join()

    def join(self) -> None:
        """Connect and subscribe."""
        link = BrokerLink(
            self._broker,
            self._name,
            received=lambda topic, body, kept: self.heard.append((topic, body, kept)),
            session_s=3600,
        )
        link.open()
        link.subscribe(*self._topics)
        self._link = link
        self.turn(0.05)

    def turn(self, wait_s: float = 0.02) -> None:
        """Hear what comes; joins again after the broker was away."""
        try:
            if self._link is None:
                self.join()
            assert self._link is not None
            self._link.turn(wait_s)
        except BrokerGone:
            if self._link is not None:
                self._link.drop()
            self._link = None

    def until(self, condition: Callable[[], bool], what: str, limit_s: float = LIMIT_S) -> None:
        """Hear until something is so."""

        end_s = time.monotonic() + limit_s
        while not condition():
            assert time.monotonic() < end_s, f"waited {limit_s:.0f} s for: {what}"
            before = len(self.heard)
            self.turn()
            while len(self.heard) > before:  # paho hears one message at a time
                before = len(self.heard)
                self.turn(0.0)

    def close(self) -> None:
        """Leave."""
        if self._link is not None:
            self._link.close()

    def bodies(self, ending: str) -> list[bytes]:
        """What came under topics that end so."""
        return [body for topic, body, _ in self.heard if topic.endswith(ending)]
