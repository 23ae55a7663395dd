"""One connection to an MQTT broker: made from settings, driven by the thread that owns it.

A `BrokerLink` lives for one connection only. paho would send again by itself what was under way
when a connection broke, beside what is sent anew, and so out of order: whoever sends must keep what
was not confirmed and begin with it on the next `BrokerLink`.
"""

from __future__ import annotations

import os
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from monitor.errors import UsageError
from monitor.regular_file import check_regular, read_regular
from monitor.text import harmless

if TYPE_CHECKING:
    from paho.mqtt.client import Client

KEEPALIVE_S = 5
"""The broker says `offline` for a bed that it has not heard for one and a half times this."""

CONNECT_S = 4.0
MOST_BYTES = 300_000
"""A message that is longer is none of ours."""

PASSWORD_VARIABLE = "APEXBEAT_MQTT_PASSWORD"


class BrokerGone(Exception):
    """The connection cannot be made, was refused, or broke: one line."""


@dataclass(frozen=True, kw_only=True)
class Broker:
    """Where a broker is and how to enter it; fields as in the settings."""

    host: str
    port: int = 0
    tls: bool = False
    ca: str = ""
    cert: str = ""
    key: str = ""
    user: str = ""
    password_file: str = ""

    def password(self) -> str | None:
        """From the file or the environment; None without one.

        Raises
        ------
        UsageError
            If the file cannot be read.
        """
        if not self.password_file:
            return os.environ.get(PASSWORD_VARIABLE)
        try:
            return read_regular(Path(self.password_file)).decode().strip()
        except (OSError, UnicodeDecodeError) as error:
            reason = getattr(error, "strerror", None) or "not UTF-8 text"
            raise UsageError(f"password file {self.password_file}: {reason}") from None

    def context(self) -> ssl.SSLContext | None:
        """TLS with the certificate checked; None without.

        Raises
        ------
        UsageError
            If a certificate or key cannot be used.
        """
        if not self.tls:
            return None
        try:
            for name in filter(None, (self.ca, self.cert, self.key)):
                check_regular(Path(name))
            made = ssl.create_default_context(cafile=self.ca or None)
            if self.cert:
                made.load_cert_chain(self.cert, self.key or None)
        except (OSError, ssl.SSLError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            raise UsageError(f"TLS of the broker ({self.ca or self.cert}): {reason}") from None
        return made

    @property
    def address(self) -> tuple[str, int]:
        """Host and port."""
        return self.host, self.port or (8883 if self.tls else 1883)


def check(broker: Broker) -> None:
    """See that it could be used, before anything begins.

    Raises
    ------
    UsageError
        If the library is missing, or a file cannot be used.
    """
    _paho()
    broker.password()
    broker.context()


def _paho() -> Any:
    try:
        import paho.mqtt.client as paho
    except ImportError:
        raise UsageError(
            "MQTT needs a library that is not installed", "pip install 'apexbeat[mqtt]'"
        ) from None
    return paho


class BrokerLink:
    """One connection.

    Parameters
    ----------
    client_id
        Unique at the broker.
    will
        (topic, payload) that the broker publishes, retained, when we vanish.
    received
        Called with (topic, payload, retained).
    session_s
        How long the broker keeps what comes for us while we are away; 0 not at all.
    """

    def __init__(
        self,
        broker: Broker,
        client_id: str,
        will: tuple[str, str] | None = None,
        received: Callable[[str, bytes, bool], None] | None = None,
        session_s: int = 0,
    ) -> None:
        paho = _paho()
        self._broker, self._session_s = broker, session_s
        client: Client = paho.Client(
            paho.CallbackAPIVersion.VERSION2, client_id, protocol=paho.MQTTv5
        )
        self._client = client
        self._refused: str | None = None
        self._up = False
        self._lost = ""
        self.confirmed: list[tuple[int, str]] = []
        """Message ids that the broker has answered for, and why not ("" is yes)."""
        client.connect_timeout = CONNECT_S
        if broker.user:
            client.username_pw_set(broker.user, broker.password())
        context = broker.context()
        if context is not None:
            client.tls_set_context(context)
        if will is not None:
            client.will_set(will[0], will[1], qos=1, retain=True)
        client.on_connect = self._connected
        client.on_disconnect = self._disconnected
        client.on_publish = self._published
        if received is not None:
            client.on_message = lambda _c, _u, m: received(m.topic, bytes(m.payload), m.retain)

    def open(self) -> None:
        """Connect and be let in.

        Raises
        ------
        BrokerGone
            If that fails.
        """
        from paho.mqtt.packettypes import PacketTypes
        from paho.mqtt.properties import Properties

        properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
        properties.SessionExpiryInterval = self._session_s
        properties.MaximumPacketSize = MOST_BYTES  # a longer message is not even sent to us
        host, port = self._broker.address
        try:
            self._client.connect(
                host, port, KEEPALIVE_S, clean_start=not self._session_s, properties=properties
            )
        except (OSError, ValueError) as error:
            raise BrokerGone(_reason(error)) from None
        try:
            for _ in range(round(CONNECT_S / 0.1)):
                self.turn(0.1)
                if self._up:
                    return
        except BrokerGone:
            self.drop()
            raise
        self.close()
        raise BrokerGone("does not answer")

    def turn(self, wait_s: float) -> None:
        """Read and write what is due; waits no longer than that.

        Raises
        ------
        BrokerGone
            If the connection is over.
        """
        code = self._client.loop(wait_s)
        if self._refused is not None:
            raise BrokerGone(self._refused)
        if code != 0 or self._lost:
            raise BrokerGone(self._lost or "the connection broke")

    def publish(self, topic: str, body: bytes | str, qos: int = 1, retain: bool = False) -> int:
        """Send; gives the id by which `confirmed` will speak of it."""
        return self._client.publish(topic, body, qos, retain).mid

    def subscribe(self, *topics: str) -> None:
        """Ask for topics with QoS 1."""
        self._client.subscribe([(topic, 1) for topic in topics])

    def close(self) -> None:
        """Take leave; the will is not published."""
        self._client.disconnect()
        self._client.loop(0.01)
        self.drop()  # paho keeps the socket of a broker that does not read

    def drop(self) -> None:
        """Let go of a connection that is no good; the broker publishes the will."""
        sock = self._client.socket()
        if sock is not None:
            sock.close()

    # ------------------------------------------------------------ paho's callbacks, in `turn`

    def _connected(self, _c: Client, _u: Any, _f: Any, code: Any, _p: Any) -> None:
        if code.is_failure:
            self._refused = f"refuses us: {harmless(str(code)).lower()}"
        else:
            self._up = True

    def _disconnected(self, _c: Client, _u: Any, _f: Any, code: Any, _p: Any) -> None:
        words = harmless(str(code)).lower()
        self._lost = "closed the connection" if words in ("", "unspecified error") else words

    def _published(self, _c: Client, _u: Any, mid: int, code: Any, _p: Any) -> None:
        self.confirmed.append((mid, str(code) if code.is_failure else ""))


def _reason(error: Exception) -> str:
    if isinstance(error, ssl.SSLError):
        return f"TLS: {getattr(error, 'verify_message', '') or error.reason or error}".lower()
    words = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return harmless(words).lower()
