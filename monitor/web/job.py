"""What to serve, and how it began: read on standard input and told on standard output."""

from __future__ import annotations

import ipaddress

import msgspec

from monitor.errors import UsageError

DEFAULT = "127.0.0.1:8720"


class WebJob(msgspec.Struct, frozen=True, kw_only=True):
    """One web server."""

    address: str
    """The core's socket."""
    host: str = "127.0.0.1"
    port: int = 0
    """0 takes any that is free."""
    control: bool = False
    """Whether a browser may acknowledge and change, and not only look."""


class Serving(msgspec.Struct, frozen=True, kw_only=True):
    """How it began."""

    url: str = ""
    """Where to open it; with the token."""
    error: str = ""
    """Why not, in one line; empty if all is well."""


def place(text: str) -> tuple[str, int]:
    """Parse ``HOST:PORT``, ``HOST`` or ``:PORT``.

    Raises
    ------
    UsageError
        If it is none of them. The host must be an address of this machine, not a name.
    """
    host, port = text, ""
    if text.startswith("["):
        host, _, port = text[1:].partition("]")
        port = port.removeprefix(":")
    elif text.count(":") == 1:
        host, _, port = text.partition(":")
    host = {"": "127.0.0.1", "localhost": "127.0.0.1"}.get(host, host)
    try:
        number = int(port) if port else 8720
        ipaddress.ip_address(host)
        if not 0 <= number <= 65_535:
            raise ValueError
    except ValueError:
        raise UsageError(
            f"--web {text}: not an address and port", f"write it as {DEFAULT} or 0.0.0.0:8720"
        ) from None
    return host, number


def loopback(host: str) -> bool:
    """Whether only this machine can reach it."""
    return ipaddress.ip_address(host).is_loopback
