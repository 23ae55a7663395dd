"""How tests talk to a real core: attach, and wait for an event."""

from __future__ import annotations

import contextlib
import time
from pathlib import Path

from monitor import events as ev
from monitor.errors import InputError
from monitor.link.address import address_of
from monitor.link.client import Client, Gone
from monitor.link.messages import EventLine, FromCore, Hello

PATIENCE_S = 90.0


def attach(store: Path, other_than: int = 0) -> tuple[Client, int]:
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end:
        with contextlib.suppress(InputError, Gone):
            client = Client.connect(address_of(store), "test", waves=False)
            with contextlib.ExitStack() as stack:
                stack.enter_context(client)
                hello = client.receive(5)
                if isinstance(hello, Hello) and hello.pid != other_than:
                    stack.pop_all()
                    return client, hello.pid
        time.sleep(0.05)
    raise AssertionError("no core came up")


def until(client: Client, kind: type[ev.Event]) -> list[FromCore]:
    seen: list[FromCore] = []
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end:
        message = client.receive(0.5)
        if message is not None:
            seen.append(message)
        if isinstance(message, EventLine) and isinstance(message.event, kind):
            return seen
    raise AssertionError(f"no {kind.__name__} came")
