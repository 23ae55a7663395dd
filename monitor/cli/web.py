"""Options and start of the web server, for ``live`` and ``attach``."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from monitor.errors import ApexbeatError, UsageError

F = TypeVar("F", bound=Callable[..., Any])


def web_options(function: F) -> F:
    """Add ``--web`` and ``--web-control``."""
    for option in (
        click.option(
            "--web-control", is_flag=True,
            help="With --web: browsers may acknowledge, change limits and end the monitoring.",
        ),
        click.option(
            "--web", metavar="[HOST:PORT]", is_flag=False, flag_value="127.0.0.1:8720",
            help="Serve the screen to browsers instead; on this machine only [127.0.0.1:8720]"
            " unless another address is given.",
        ),
    ):  # fmt: skip
        function = option(function)
    return function


def check(web: str | None, control: bool) -> None:
    """Refuse what cannot be, before anything is started.

    Raises
    ------
    UsageError
        Where the address is none, the server is not installed, or an option has no sense.
    """
    if web is None:
        if control:
            raise UsageError("--web-control needs --web")
        return
    from importlib.util import find_spec

    from monitor.web.job import place

    place(web)
    if find_spec("textual_serve") is None:
        raise UsageError("--web needs a web server", "pip install 'apexbeat[web]'")


END_S = 8.0
"""Seconds in which it may end by itself."""
LOOK_S = 1.0
"""Ctrl-C is obeyed at the latest after this, whatever thread the system gave it to."""


class Beside:
    """The web server as a process beside this one; it ends with this one."""

    def __init__(self, address: Path, web: str, control: bool) -> None:
        import msgspec

        from monitor.web.job import Serving, WebJob, loopback, place

        host, port = place(web)
        job = WebJob(address=str(address), host=host, port=port, control=control)
        self._process = subprocess.Popen(
            [sys.executable, "-m", "monitor.web"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            process_group=0,
        )
        self._closing, self._ended = False, threading.Event()
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(msgspec.json.encode(job) + b"\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        serving = (
            msgspec.json.decode(line, type=Serving) if line else Serving(error="it did not start")
        )
        self._closing = bool(serving.error)
        threading.Thread(target=self._watch, daemon=True).start()
        if serving.error:
            self.close()
            raise ApexbeatError(serving.error)
        click.echo(f"the screen: {serving.url}", err=True)
        if not loopback(host):
            words = "not encrypted: whoever can read this network sees the screen and its key"
            click.echo(f"apexbeat: {words}", err=True)

    def _watch(self) -> None:
        """Wait for its end, on this thread alone: two that wait for one block each other."""
        code = self._process.wait()
        if not self._closing:
            click.echo(
                f"apexbeat: the web server ended (exit {code}); monitoring continues;"
                " 'apexbeat attach --web' serves it again",
                err=True,
            )
        self._ended.set()

    def wait(self) -> None:
        """Until it has ended."""
        while not self._ended.wait(LOOK_S):
            pass

    def close(self) -> None:
        self._closing = True
        assert self._process.stdin is not None
        self._process.stdin.close()
        if not self._ended.wait(END_S):
            self._process.kill()
            self._ended.wait()
