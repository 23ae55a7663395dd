"""Each alarm posted as JSON to one address: time limit, no redirects, two further tries.

The id of an alarm is in the header ``Idempotency-Key``, so that a receiver can tell a second try.
"""

from __future__ import annotations

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
from monitor.text import harmless

WAITS_S = (1.0, 4.0)
"""Before the second and the third try."""


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
            try:
                with self._opener.open(request, timeout=self._limit_s):
                    return
            except urllib.error.HTTPError as error:
                trouble = f"answer {error.code}"
                error.close()
                if error.code < 500 and error.code not in (408, 429):
                    break  # it will not be otherwise the next time
            except (OSError, HTTPException, ValueError) as error:
                reason = getattr(error, "reason", None) or error
                trouble = harmless(str(getattr(reason, "strerror", None) or reason)).lower()
        raise CallFailed(trouble)


def _header(path: Path) -> tuple[str, str]:
    try:
        line = path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "not UTF-8 text"
        raise UsageError(f"header file {path}: {reason}") from None
    name, colon, value = line.partition(":")
    if not colon or not name.strip() or "\n" in line or not line.isprintable():
        raise UsageError(f"header file {path}: must be one line such as 'Authorization: Bearer …'")
    return name.strip(), value.strip()
