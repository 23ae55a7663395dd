"""Who may come in: the link's token, a Host that is ours, an Origin that is our own page.

A page of another site can make a browser ask us, with its cookies; it cannot make it lie about
``Origin``, and a name that was rebound to our address shows in ``Host`` (RFC 6455, section 10.2).
The token comes in the link once and stays in a cookie, so that it is in no later address. Cookies
know hosts and no ports: what else listens on this machine would be sent it. So the page lives below
a path that nobody can guess, and the cookie is for that path alone.
"""

from __future__ import annotations

import ipaddress
import logging
import secrets
import socket
from collections.abc import Awaitable, Callable
from html import escape
from urllib.parse import urlsplit

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError
from yarl import URL

from monitor.text import harmless
from monitor.web.job import loopback

_log = logging.getLogger("apexbeat.web")

TOKEN_BYTES = 24
HOME_BYTES = 12
CLIENTS = 2
"""Browsers at a time."""

HEADERS = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Server": "apexbeat",
}
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:;"
    " font-src 'self'; connect-src 'self' ws://{host}; frame-ancestors 'none'; base-uri 'none';"
    " form-action 'none'"
)
"""xterm.js writes style elements; nothing else is inline, and nothing comes from elsewhere."""

WELCOME = (
    '<!DOCTYPE html><html lang="en"><meta charset="utf-8"><title>apexbeat</title>'
    '<meta http-equiv="refresh" content="0;url={home}"><p><a href="{home}">Open the screen</a></p>'
)
"""Leads to the page. No redirect: after a link on another site, a browser would follow that without
the cookie, which is for our own pages alone."""


class Guard:
    """Decides about each request.

    Parameters
    ----------
    host
        Address that the server listens on.
    """

    def __init__(self, host: str) -> None:
        self.token = secrets.token_urlsafe(TOKEN_BYTES)
        self.home = f"/{secrets.token_urlsafe(HOME_BYTES)}/"
        """Path of the page and all that belongs to it."""
        self._loopback = loopback(host)
        self.port = 0
        """Known once the server listens."""

    @property
    def cookie(self) -> str:
        """Its name; cookies do not know ports, so two monitors need two names."""
        return f"apexbeat-{self.port}"

    def own_host(self, host: str) -> bool:
        """Whether ``Host`` names this server: no name that somebody else could have rebound."""
        try:
            parts = urlsplit(f"//{host}")
            name, port = parts.hostname or "", parts.port or 80
        except ValueError:
            return False
        if port != self.port:
            return False
        if name == "localhost":
            return True
        try:
            address = ipaddress.ip_address(name)
        except ValueError:
            own = socket.gethostname().lower()
            return not self._loopback and name in {own, f"{own.partition('.')[0]}.local"}
        return address.is_loopback or not self._loopback

    def own_origin(self, request: web.Request) -> bool:
        """Whether a page of ours asks."""
        origin = request.headers.get("Origin", "")
        return origin.lower() == f"http://{request.headers.get('Host', '').lower()}"

    def knows(self, token: str) -> bool:
        """Whether it is the token."""
        given = token.encode("utf-8", "surrogatepass")
        return secrets.compare_digest(given, self.token.encode())

    @web.middleware
    async def middleware(
        self,
        request: web.Request,
        handler: Callable[[web.Request], Awaitable[web.StreamResponse]],
    ) -> web.StreamResponse:
        """Let a request through, or say why not."""
        host = request.headers.get("Host", "")
        if not self.own_host(host):
            return web.Response(status=421, text="This server has another name.\n")
        if self.knows(request.query.get("token", "")) and request.path == "/":
            return self._welcome(request)
        if not self.knows(request.cookies.get(self.cookie, "")):
            words = "Open the link that apexbeat printed; it holds the key to this page.\n"
            return web.Response(status=403, text=words)
        if request.path == f"{self.home}ws" and not self.own_origin(request):
            return web.Response(status=403, text="Another site asked for this.\n")
        try:
            return await handler(request)
        except (OSError, ValueError) as error:  # of a name or a header that no page of ours sends
            _log.debug("%s: %s", request.path, error)
            return web.Response(status=400, text="This cannot be asked.\n")

    def _welcome(self, request: web.Request) -> web.Response:
        """Put the token into a cookie, and take it out of the address."""
        kept = {name: text for name, text in request.query.items() if name != "token"}
        home = escape(str(URL(self.home).with_query(kept)))
        answer = web.Response(text=WELCOME.format(home=home), content_type="text/html")
        answer.set_cookie(self.cookie, self.token, httponly=True, samesite="Strict", path=self.home)
        return answer

    async def sign(self, request: web.Request, response: web.StreamResponse) -> None:
        """Headers of every answer."""
        response.headers.update(HEADERS)
        host = request.headers.get("Host", "")
        if self.own_host(host):
            response.headers["Content-Security-Policy"] = POLICY.format(host=host)


class OneLine(logging.Filter):
    """What a stranger sends makes one line of the log at most, and no traceback."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Leave out requests that were none; shorten the rest."""
        error = record.exc_info[1] if record.exc_info else None
        if isinstance(error, HttpProcessingError):
            return False
        if error is not None:
            record.msg, record.args = f"{record.getMessage()}: {harmless(repr(error))}", ()
            record.exc_info = record.exc_text = None
        return True
