"""Who may come in: the link's token, a Host that is ours, an Origin that is our own page.

A page of another site can make a browser ask us, with its cookies; it cannot make it lie about
``Origin``, and a name that was rebound to our address shows in ``Host`` (RFC 6455, section 10.2).
The token comes in the link once and stays in a cookie, so that it is in no later address.
"""

from __future__ import annotations

import ipaddress
import secrets
import socket
from collections.abc import Awaitable, Callable
from urllib.parse import urlsplit

from aiohttp import web

from monitor.web.job import loopback

TOKEN_BYTES = 24
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


class Guard:
    """Decides about each request.

    Parameters
    ----------
    host
        Address that the server listens on.
    """

    def __init__(self, host: str) -> None:
        self.token = secrets.token_urlsafe(TOKEN_BYTES)
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
        return secrets.compare_digest(token.encode(), self.token.encode())

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
        if request.path == "/ws" and not self.own_origin(request):
            return web.Response(status=403, text="Another site asked for this.\n")
        return await handler(request)

    def _welcome(self, request: web.Request) -> web.Response:
        """Put the token into a cookie, and take it out of the address."""
        kept = {name: text for name, text in request.query.items() if name != "token"}
        answer = web.Response(status=303)
        answer.headers["Location"] = str(request.rel_url.with_query(kept))
        answer.set_cookie(self.cookie, self.token, httponly=True, samesite="Lax", path="/")
        return answer

    async def sign(self, request: web.Request, response: web.StreamResponse) -> None:
        """Headers of every answer."""
        response.headers.update(HEADERS)
        host = request.headers.get("Host", "")
        if self.own_host(host):
            response.headers["Content-Security-Policy"] = POLICY.format(host=host)
