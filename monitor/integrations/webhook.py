"""Each alarm posted as JSON to one address: time limit, no redirects, two further tries.

The id of an alarm is in the header ``Idempotency-Key``, so that a receiver can tell a second try.
"""

from __future__ import annotations

import queue
import threading
import urllib.error
import urllib.request
from http.client import HTTPException, HTTPMessage
from pathlib import Path
from typing import IO
from urllib.parse import urlsplit

import msgspec

from monitor.errors import UsageError
from monitor.integrations.dispatcher import CallFailed
from monitor.integrations.messages import AlarmMessage
from monitor.system.regular_file import read_regular
from monitor.text import harmless

WAITS_S = (1.0, 4.0)
"""Before the second and the third try."""

POSTS = 4
"""Posts that may hang beyond their deadline before no further one is begun."""


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: HTTPMessage,
        newurl: str,
    ) -> None:
        """Leave it an error: an alarm goes where it was told to go, or nowhere."""


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
        parts = urlsplit(address)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise UsageError("setting outward.webhook: must be an http or https address")
        self._address, self._limit_s = address, limit_s
        self._headers = {"Content-Type": "application/json", "User-Agent": "apexbeat"}
        if header_file:
            name, value = _header(Path(header_file))
            self._headers[name] = value
        self._opener = urllib.request.build_opener(_NoRedirect)
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

        def post() -> None:
            try:
                answers.put(self._post(request))
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
            return f"no answer within {self._limit_s:g} s", True

    def _post(self, request: urllib.request.Request) -> tuple[str, bool]:
        """What went wrong, empty if nothing, and whether it is worth another try."""
        try:
            with self._opener.open(request, timeout=self._limit_s):
                return "", False
        except urllib.error.HTTPError as error:
            error.close()
            return f"answer {error.code}", error.code >= 500 or error.code in (408, 429)
        except (OSError, HTTPException, ValueError) as error:
            reason = getattr(error, "reason", None) or error
            return harmless(str(getattr(reason, "strerror", None) or reason)).lower(), True


def _header(path: Path) -> tuple[str, str]:
    try:
        line = read_regular(path).decode().strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "not UTF-8 text"
        raise UsageError(f"header file {path}: {reason}") from None
    name, colon, value = line.partition(":")
    if not colon or not name.strip() or "\n" in line or not line.isprintable():
        raise UsageError(f"header file {path}: must be one line such as 'Authorization: Bearer …'")
    return name.strip(), value.strip()
