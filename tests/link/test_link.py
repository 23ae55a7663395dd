"""Core and screens over a real socket: nothing lost that matters, nobody waits for anybody."""

from __future__ import annotations

import os
import stat
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from link_messages import make_status

from monitor import events as ev
from monitor.clock import SystemClock
from monitor.errors import InputError
from monitor.link import address as where
from monitor.link.client import Client, Gone
from monitor.link.frames import Decoder, LinkError, encode
from monitor.link.messages import (
    Attach,
    Bye,
    EventLine,
    FromCore,
    FromScreen,
    Heartbeat,
    Hello,
    Reply,
    Status,
    Wave,
)
from monitor.link.queue import WAVES, SendQueue
from monitor.link.requests import Request, Stop
from monitor.link.server import Server


def _event(seq: int, session: str = "s") -> EventLine:
    return EventLine(session=session, seq=seq, event=ev.Mark(index=seq, note="x" * 50))


class Core:
    """A server that admits everybody and answers every request."""

    def __init__(self, address: Path) -> None:
        self.beat = 0
        self.gone = threading.Event()
        self.attached = threading.Semaphore(0)
        self.requests: list[Request] = []
        self.server = Server(address, self.message, self.left, lambda: self.beat, SystemClock())

    def message(self, client: int, message: FromScreen) -> None:
        if isinstance(message, Attach):
            hello = Hello(link=1, software="t", pid=os.getpid(), sessions=["s"])
            self.server.admit(client, [hello], message.waves)
            self.attached.release()
        else:
            self.requests.append(message)
            self.server.send(client, Reply(id=message.id, ok=True, error=""))

    def left(self, client: int) -> None:
        self.gone.set()


@pytest.fixture
def address(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    return where.address_of(tmp_path / "store")


@pytest.fixture
def core(address: Path) -> Iterator[Core]:
    core = Core(address)
    yield core
    core.server.close("test over")


def _until(client: Client, kind: type[FromCore]) -> FromCore:
    while (message := client.receive(10)) is not None:
        if isinstance(message, kind):
            return message
    raise AssertionError(f"no {kind} came")


def test_a_client_gets_hello_then_what_is_broadcast_and_its_replies(core: Core) -> None:
    with Client.connect(core.server.address, "test", waves=True) as client:
        assert isinstance(client.receive(10), Hello)
        core.server.broadcast(_event(0))
        assert _until(client, EventLine) == _event(0)
        number = client.request("s", "acknowledge", alarm="tachycardia")
        reply = client.answer(number, 10)
        assert reply is not None
        assert reply.ok
        assert core.requests[0].alarm == "tachycardia"


def test_waves_come_only_to_those_who_asked(core: Core) -> None:
    with Client.connect(core.server.address, "test", waves=False) as client:
        client.receive(10)
        core.server.broadcast(Wave(session="s", start=0, pairs=b""))
        core.server.broadcast(_event(1))
        message = client.receive(10)
        while isinstance(message, Heartbeat):
            message = client.receive(10)
        assert message == _event(1)


def test_heartbeats_carry_the_count_of_the_work_done(core: Core) -> None:
    core.beat = 42
    with Client.connect(core.server.address, "test", waves=False) as client:
        message = _until(client, Heartbeat)
        assert isinstance(message, Heartbeat)
        assert message.beat == 42


def test_a_client_that_does_not_read_never_delays_and_loses_no_event(core: Core) -> None:
    with Client.connect(core.server.address, "test", waves=True) as client:
        core.attached.acquire()
        for k in range(5000):
            core.server.broadcast(_event(k))
            core.server.broadcast(make_status(k))
        core.server.broadcast(Bye(reason="last"))
        seen, last = [], None
        while not isinstance(message := client.receive(10), Bye):
            if isinstance(message, EventLine):
                seen.append(message.seq)
            elif isinstance(message, Status):
                last = message.index
        assert seen == list(range(5000))
        assert last == 4999


def test_a_core_that_ends_says_goodbye_and_then_is_gone(core: Core) -> None:
    with Client.connect(core.server.address, "test", waves=False) as client:
        client.receive(10)
        core.server.close("over")
        assert _until(client, Bye) == Bye(reason="over")
        with pytest.raises(Gone):
            client.receive(10)


def test_a_client_that_leaves_is_noticed(core: Core) -> None:
    with Client.connect(core.server.address, "test", waves=False) as client:
        client.receive(10)
    assert core.gone.wait(10)


@pytest.mark.parametrize("nonsense", [b"\xff\xff\xff\xff", b"\0\0\0\4abcd", b"GET / HTTP/1.0\r\n"])
def test_nonsense_closes_that_connection_and_no_other(core: Core, nonsense: bytes) -> None:
    with Client.connect(core.server.address, "good", waves=False) as good:
        good.receive(10)
        bad = where.connect(core.server.address)
        bad.sendall(nonsense)
        assert bad.recv(10) == b""
        bad.close()
        core.server.broadcast(_event(7))
        assert _until(good, EventLine) == _event(7)


def test_a_request_before_an_attach_is_refused(core: Core) -> None:
    peer = where.connect(core.server.address)
    peer.sendall(encode(Stop(id=1, session="s")))
    assert peer.recv(10) == b""
    peer.close()
    assert core.requests == []


def test_the_socket_is_for_its_user_only(core: Core) -> None:
    assert stat.S_IMODE(core.server.address.stat().st_mode) == 0o600
    assert stat.S_IMODE(core.server.address.parent.stat().st_mode) == 0o700


def test_no_core_is_one_clear_line(address: Path) -> None:
    with pytest.raises(InputError, match="no monitor is running"):
        Client.connect(address, "test", waves=False)


def test_a_dead_cores_socket_file_is_taken_over(address: Path) -> None:
    address.touch()
    core = Core(address)
    with Client.connect(address, "test", waves=False) as client:
        assert isinstance(client.receive(10), Hello)
    core.server.close("over")
    assert not address.exists()


@given(cuts=st.lists(st.integers(1, 40), max_size=50))
def test_frames_may_be_cut_anywhere(cuts: list[int]) -> None:
    messages = [_event(0), make_status(3), Bye(reason="r")]
    data = b"".join(encode(m) for m in messages)
    decoder: Decoder[FromCore] = Decoder(FromCore)
    found, at = [], 0
    for cut in [*cuts, len(data)]:
        found += list(decoder.feed(data[at : at + cut]))
        at += cut
    assert found == messages


def test_a_frame_that_is_too_long_is_refused_before_it_is_read() -> None:
    with pytest.raises(LinkError):
        list(Decoder(FromCore, limit=10).feed(b"\0\0\1\0"))


_kind = st.sampled_from(["event", "status", "wave", "take"])


@given(steps=st.lists(st.tuples(_kind, st.sampled_from(["a", "b"])), max_size=200))
def test_a_queue_keeps_every_event_in_order_and_the_newest_status(
    steps: list[tuple[str, str]],
) -> None:
    queue, out = SendQueue(), []
    newest: dict[str, int] = {}
    events: list[int] = []
    for k, (kind, session) in enumerate(steps):
        message: FromCore
        if kind == "take":
            out += [queue.take()]
            continue
        if kind == "event":
            message = _event(k, session)
            events.append(k)
        elif kind == "status":
            message = make_status(k, session)
            newest[session] = k
        else:
            message = Wave(session=session, start=k, pairs=b"")
        assert queue.put(message, encode(message))
    while (frame := queue.take()) is not None:
        out.append(frame)
    found = list(Decoder(FromCore).feed(b"".join(f for f in out if f)))
    assert [m.seq for m in found if isinstance(m, EventLine)] == events
    for session, index in newest.items():
        statuses = [m.index for m in found if isinstance(m, Status) and m.session == session]
        assert statuses[-1] == index
        assert statuses == sorted(statuses)
    assert queue.waiting == 0


def test_a_queue_that_nobody_empties_stays_small_but_for_events() -> None:
    queue = SendQueue()
    for k in range(20_000):
        for message in (make_status(k), Wave(session="s", start=k, pairs=b"12")):
            assert queue.put(message, encode(message))
    assert queue.waiting < 2000
    assert len(queue._cells) < 2000
    assert len([None for _ in iter(queue.take, None)]) == WAVES + 1


def test_a_client_too_far_behind_is_let_go() -> None:
    queue = SendQueue(limit_bytes=1000)
    kept = [queue.put(_event(k), encode(_event(k))) for k in range(50)]
    assert kept[0]
    assert not kept[-1]
