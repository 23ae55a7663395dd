"""Each alarm posted as JSON to one address: time limit, no redirects, two further tries.

The id of an alarm is in the header ``Idempotency-Key``, so that a receiver can tell a second try.
"""

from __future__ import annotations

import contextlib
import queue
import re
import socket
import threading
import urllib.error
import urllib.request
from collections.abc import Callable
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec

from monitor.errors import UsageError
from monitor.integrations.dispatcher import CallFailed
from monitor.integrations.messages import AlarmMessage
from monitor.regular_file import read_regular
from monitor.text import harmless

WAITS_S = (1.0, 4.0)
"""Before the second and the third try."""

POSTS = 4
"""Posts that may hang beyond their deadline before no further one is begun."""


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any, **__: Any) -> None:
        """Leave it an error: an alarm goes where it was told to go, or nowhere."""


_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
"""RFC 9110, section 5.6.2."""


class _Line:
    """The connection of one post, which can be broken off from another thread."""

    def __init__(self) -> None:
        self._connection: HTTPConnection | None = None

    def open(
        self, kind: Callable[..., HTTPConnection], *values: Any, **more: Any
    ) -> HTTPConnection:
        """Make it, and remember it."""
        self._connection = kind(*values, **more)
        return self._connection

    def break_off(self) -> None:
        """Whoever waits for a byte of it waits no longer."""
        found = self._connection.sock if self._connection is not None else None
        if found is not None:
            with contextlib.suppress(OSError):
                found.shutdown(socket.SHUT_RDWR)


def _opener(line: _Line) -> urllib.request.OpenerDirector:
    """What posts over ``line``, and follows no redirect."""

    class Plain(urllib.request.HTTPHandler):
        def http_open(self, req: urllib.request.Request) -> HTTPResponse:
            return self.do_open(lambda *a, **k: line.open(HTTPConnection, *a, **k), req)

    class Encrypted(urllib.request.HTTPSHandler):
        def https_open(self, req: urllib.request.Request) -> HTTPResponse:
            return self.do_open(lambda *a, **k: line.open(HTTPSConnection, *a, **k), req)

    return urllib.request.build_opener(_NoRedirect, Plain, Encrypted)


class Webhook:
    """The address of the settings.

    Parameters
    ----------
    address
        http or https.
    header_file
        File with one header line; empty for none.
    limit_s
        Seconds of one try.
    over
        Set when there is no time for further tries.

    Raises
    ------
    UsageError
        If address or header cannot be used.
    """

    def __init__(
        self, address: str, header_file: str, limit_s: float, over: threading.Event | None = None
    ) -> None:
        check_address(address)
        self._address, self._limit_s = address, limit_s
        self._headers = {"Content-Type": "application/json", "User-Agent": "apexbeat"}
        if header_file:
            name, value = _header(Path(header_file))
            self._headers[name] = value
        self._over = over or threading.Event()
        self._posts = threading.BoundedSemaphore(POSTS)

    def __call__(self, alarm: AlarmMessage) -> None:
        """Post it.

        Raises
        ------
        CallFailed
            If no try was answered with 2xx.
        """
        body = msgspec.json.encode(alarm)
        key = alarm.id or f"{alarm.session}:{alarm.index}:{alarm.kind}:{alarm.state}"
        headers = self._headers | {"Idempotency-Key": key}
        trouble = ""
        for wait_s in (0.0, *WAITS_S):
            if wait_s and self._over.wait(wait_s):
                break
            request = urllib.request.Request(self._address, body, headers, method="POST")
            trouble, again = self._within_limit(request)
            if not trouble:
                return
            if not again:
                break  # it will not be otherwise the next time
        raise CallFailed(trouble)

    def _within_limit(self, request: urllib.request.Request) -> tuple[str, bool]:
        """Post once, with one deadline for all of it: name, connection, body and answer."""
        answers: queue.SimpleQueue[tuple[str, bool]] = queue.SimpleQueue()
        line = _Line()

        def post() -> None:
            try:
                answers.put(self._post(request, _opener(line)))
            finally:
                self._posts.release()

        if not self._posts.acquire(blocking=False):
            return "earlier posts hang", True
        try:
            threading.Thread(target=post, name="post", daemon=True).start()
        except (RuntimeError, MemoryError) as error:
            self._posts.release()
            return str(error), True
        try:
            return answers.get(timeout=self._limit_s)
        except queue.Empty:
            line.break_off()  # a receiver that sends a byte now and then would hold it for ever
            return f"no answer within {self._limit_s:g} s", True

    def _post(
        self, request: urllib.request.Request, opener: urllib.request.OpenerDirector
    ) -> tuple[str, bool]:
        """What went wrong, empty if nothing, and whether it is worth another try."""
        try:
            with opener.open(request, timeout=self._limit_s):
                return "", False
        except urllib.error.HTTPError as error:
            error.close()
            return f"answer {error.code}", error.code >= 500 or error.code in (408, 429)
        except (OSError, HTTPException, ValueError) as error:
            reason = getattr(error, "reason", None) or error
            return harmless(str(getattr(reason, "strerror", None) or reason)).lower(), True


def check_address(address: str) -> None:
    """See that it can be posted to.

    Raises
    ------
    UsageError
        If it is no http or https address.
    """
    try:
        parts = urlsplit(address)
        host, port = parts.hostname or "", parts.port
        host.encode("idna")
        good = parts.scheme in ("http", "https") and bool(host) and port != 0
        good &= address.isascii() and address.isprintable() and " " not in address
        good &= parts.username is None and parts.password is None
    except ValueError:  # brackets, a port beyond 65535, a label of a name that is too long
        good = False
    if not good:
        raise UsageError(
            "setting outward.webhook: must be an http or https address in ASCII, without a"
            " password",
            "a password belongs into outward.webhook_header_file",
        )


def _header(path: Path) -> tuple[str, str]:
    try:
        line = read_regular(path).decode().strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "not UTF-8 text"
        raise UsageError(f"header file {path}: {reason}") from None
    name, colon, value = line.partition(":")
    plain = line.isprintable() and value.isascii()
    if not colon or not _HEADER_NAME.fullmatch(name.strip()) or not plain:
        raise UsageError(f"header file {path}: must be one line such as 'Authorization: Bearer …'")
    return name.strip(), value.strip()
