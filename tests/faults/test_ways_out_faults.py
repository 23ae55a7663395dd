"""Whoever is told of an alarm, or asks, may be slow, loud or broken: nobody waits for it."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import sys
import threading
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from reports import message
from waiting import until

from monitor import events as ev
from monitor.clock import SystemClock
from monitor.config.load import Outward
from monitor.errors import UsageError
from monitor.integrations import metrics as metrics_server
from monitor.integrations.command import KEPT_BYTES, Command
from monitor.integrations.dispatcher import AlarmDispatcher, CallFailed
from monitor.integrations.publisher import Publisher
from monitor.integrations.table import Table
from monitor.integrations.webhook import POSTS, Webhook
from monitor.link import address as where
from monitor.link.client import Client
from monitor.link.messages import Attach, EventLine, FromScreen, Hello
from monitor.link.server import Server


class Dripping:
    """A web server that takes a post and sends a byte of its answer now and then, for ever."""

    def __init__(self, drop: bytes) -> None:
        self._drop = drop
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.address = f"http://127.0.0.1:{self._socket.getsockname()[1]}/"
        self.came: list[socket.socket] = []
        self.left: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                self.came.append(self._socket.accept()[0])
                threading.Thread(target=self._drip, args=self.came[-1:]).start()

    def _drip(self, peer: socket.socket) -> None:
        with contextlib.suppress(OSError), peer:
            peer.recv(65_536)
            peer.sendall(b"HTTP/1.1 ")
            peer.settimeout(0.02)
            while True:
                peer.sendall(self._drop)
                with contextlib.suppress(TimeoutError):
                    if not peer.recv(65_536):
                        break
        self.left.append(peer)

    def close(self) -> None:
        self._socket.close()


@pytest.mark.parametrize("drop", [b"1", b"100 Continue\r\n\r\nHTTP/1.1 "], ids=["bytes", "100s"])
def test_a_webhook_has_one_deadline_for_the_whole_post(
    drop: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each byte began its time limit anew; and a post that was given up held its thread."""
    monkeypatch.setattr("monitor.integrations.webhook.WAITS_S", ())
    receiver = Dripping(drop)
    hook = Webhook(receiver.address, "", 0.1)
    for _ in range(POSTS + 2):
        with pytest.raises(CallFailed, match="no answer within"):
            hook(message())
        until(lambda: hook._posts._value == POSTS, "the end of its thread: room for the next")
    assert receiver.came  # on a busy machine the time may be over before one is connected
    until(lambda: len(receiver.left) == len(receiver.came), "the end of each connection")
    receiver.close()


@pytest.mark.parametrize(
    "wrong",
    ["http://[::1", "http://host:99999/", "http://host:0/", "http://a b/", "http://h/a b",
     "http://h/\r\nX: 1", "http://höst/", "http://h/ä", "http://" + "a" * 64 + ".example/",
     "http://.example/", "http://u:secret@h/", "https://", "//h/", "http:/h"],
)  # fmt: skip
def test_a_bad_address_is_refused_at_the_start_in_one_line(wrong: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"outward\.webhook") as refused:
        Publisher(Outward(webhook=wrong), tmp_path)
    assert "\n" not in str(refused.value)
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize("line", ["A b: c", "Ä: c", "A: ä", ": c", "A: b\nC: d", "A(: b"])
def test_a_header_that_cannot_be_sent_is_refused_at_the_start(line: str, tmp_path: Path) -> None:
    path = tmp_path / "header"
    path.write_text(line, encoding="utf-8")
    with pytest.raises(UsageError, match="header file"):
        Webhook("http://127.0.0.1/", str(path), 1)


def test_what_a_command_says_is_kept_within_bounds() -> None:
    code = "import sys\nfor _ in range(400): sys.stderr.write('x' * 100_000)\nsys.exit('last')"
    with pytest.raises(CallFailed, match="exit code 1") as failed:
        Command([sys.executable, "-c", code], 300)(message())
    assert len(str(failed.value)) < KEPT_BYTES


def test_the_children_of_a_command_are_not_waited_for_nor_taken_for_it(tmp_path: Path) -> None:
    """A child that holds its standard error made each call as late as could be."""
    pid = tmp_path / "pid"
    code = (
        "import subprocess, sys\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])\n"
        "open(sys.argv[1], 'w').write(str(child.pid))"
    )
    Command([sys.executable, "-c", code, str(pid)], 300)(message())  # ended well, in time
    os.kill(int(pid.read_text()), signal.SIGKILL)  # and its child lives


def test_a_call_that_breaks_in_any_way_is_told_and_the_next_alarm_goes_out() -> None:
    said: list[str] = []
    done: list[str] = []

    def call(alarm: object) -> None:
        if not said:
            raise MemoryError("no thread for it")
        done.append("next")

    caller = AlarmDispatcher("command", call, said.append)
    caller.put(message())
    caller.put(message())
    caller.start()
    assert caller.close(60)
    assert (caller.failed, caller.done, done) == (1, 1, ["next"])
    assert "no thread for it" in said[0]


# ---------------------------------------------------------------- metrics and link


@pytest.fixture
def server() -> Iterator[metrics_server.MetricsServer]:
    made = metrics_server.MetricsServer(0, Table(), lambda: None)
    made.start()
    yield made
    made.close()


def test_a_slow_reader_of_the_metrics_holds_up_nobody_and_no_shutdown(
    server: metrics_server.MetricsServer,
) -> None:
    address = ("127.0.0.1", server.port)
    with socket.create_connection(address) as slow:
        slow.sendall(b"GET /metr")
        with urllib.request.urlopen(f"http://127.0.0.1:{server.port}/metrics", timeout=60) as found:
            assert found.status == 200
        server.close()
        assert not server._thread.is_alive()


def test_readers_that_never_end_their_request_are_let_go(
    server: metrics_server.MetricsServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(metrics_server, "REQUEST_S", 600.0)
    monkeypatch.setattr(metrics_server, "WHOLE_S", 0.05)
    for _ in range(metrics_server.READERS + 1):  # the room is theirs no longer
        with socket.create_connection(("127.0.0.1", server.port), timeout=60) as slow:
            slow.sendall(b"GET /metr")
            with contextlib.suppress(ConnectionResetError):
                while slow.recv(4096):
                    pass


def test_a_slow_reader_of_the_link_holds_up_nobody_and_no_shutdown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    address = where.address_of(tmp_path / "store")
    attached = threading.Semaphore(0)

    def taken(client: int, asked: FromScreen) -> None:
        if isinstance(asked, Attach):
            hello = Hello(link=1, software="t", pid=1, sessions=["s"])
            link.admit(client, [hello], waves=False)
            attached.release()

    link = Server(address, taken, lambda _: None, lambda: 0, SystemClock())
    with Client.connect(address, "slow", False), Client.connect(address, "quick", False) as quick:
        assert attached.acquire(timeout=60)
        assert attached.acquire(timeout=60)
        for seq in range(2000):
            link.broadcast(
                EventLine(session="s", seq=seq, event=ev.Mark(index=seq, note="x" * 500))
            )
        seen = -1
        while seen < 1999:
            told = quick.receive(60)
            seen = told.seq if isinstance(told, EventLine) else seen
        link.close("over", wait_s=60)
        assert not link._thread.is_alive()
