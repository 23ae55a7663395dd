"""A connection to a broker that is over leaves no socket behind, however it ended."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator

import pytest

from monitor.integrations import broker
from monitor.integrations.broker import Broker, BrokerGone, BrokerLink

CONNECTED = b"\x20\x03\x00\x00\x00"
REFUSED = b"\x20\x03\x00\x87\x00"
"""CONNACK of MQTT 5: success, not authorized."""


class OneAnswer:
    """A broker that answers a connection once and reads no further."""

    def __init__(self, answer: bytes) -> None:
        self._server = socket.create_server(("127.0.0.1", 0))
        self._answer = answer
        self.peers: list[socket.socket] = []
        self.broker = Broker(host="127.0.0.1", port=self._server.getsockname()[1])
        self._thread = threading.Thread(target=self._accept)
        self._thread.start()

    def _accept(self) -> None:
        peer, _ = self._server.accept()
        peer.settimeout(30)
        peer.recv(4096)
        peer.sendall(self._answer)
        self.peers.append(peer)

    def sees_the_end(self) -> None:
        """Read until the other side has closed; a connection that stays open fails."""
        try:
            while self.peers[0].recv(65_536):
                pass
        except ConnectionResetError:
            pass  # closed before it had read everything

    def close(self) -> None:
        self._thread.join()
        for one in (*self.peers, self._server):
            one.close()


@pytest.fixture
def answering(request: pytest.FixtureRequest) -> Iterator[OneAnswer]:
    made = OneAnswer(request.param)
    yield made
    made.close()


@pytest.mark.parametrize("answering", [REFUSED, b""], ids=["refused", "silent"], indirect=True)
def test_a_connection_that_was_not_let_in_is_closed(
    answering: OneAnswer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(broker, "CONNECT_S", 0.3)
    link = BrokerLink(answering.broker, "bed")
    with pytest.raises(BrokerGone, match=r"not authorized|does not answer"):
        link.open()
    answering.sees_the_end()


@pytest.mark.parametrize("answering", [CONNECTED], indirect=True)
def test_leaving_a_broker_that_does_not_read_closes_the_connection(answering: OneAnswer) -> None:
    link = BrokerLink(answering.broker, "bed")
    link.open()
    for _ in range(400):  # far more than the buffers between them hold
        link.publish("t", b"x" * 65_536, qos=0)
    link.close()
    answering.sees_the_end()
