"""What this screen asked the core for, until it is answered.

An answer that does not come within `PATIENCE_S` is said, and so is one that says no; nothing is
shown as done before the core has said so.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import msgspec

from monitor.link import messages as ms
from monitor.link import requests as rq

PATIENCE_S = 3.0

Answered = Callable[[ms.Reply | None], None]
"""Called with the reply, or None where none came."""


@dataclass
class _Open:
    what: str
    asked_at: float
    answered: Answered | None
    overdue: bool = False


@dataclass
class Requests:
    """Numbers requests, keeps them until their reply, and finds the overdue ones."""

    send: Callable[[rq.AnyRequest], bool]
    _open: dict[int, _Open] = field(default_factory=dict)
    _last: int = 0

    def ask(self, request: rq.AnyRequest, now: float, answered: Answered | None = None) -> bool:
        """Send; False where there is no connection to send it on."""
        self._last += 1
        request = msgspec.structs.replace(request, id=self._last)
        if not self.send(request):
            return False
        self._open[self._last] = _Open(request.what, now, answered)
        return True

    def reply(self, reply: ms.Reply) -> str:
        """Take an answer; gives the line to show where it is a no."""
        asked = self._open.pop(reply.id, None)
        if asked is None:
            return ""
        if asked.answered is not None:
            asked.answered(reply)
        return "" if reply.ok else f"{named(asked.what)}: {reply.error}"

    def overdue(self, now: float) -> str:
        """A line for the first request that has waited too long, once."""
        for number, asked in list(self._open.items()):
            if now - asked.asked_at > PATIENCE_S:
                del self._open[number]
                if asked.answered is not None:
                    asked.answered(None)
                return f"{named(asked.what)}: no answer from the core"
        return ""


def named(what: str) -> str:
    """What a request is called in a line of the screen."""
    return what.replace("_", " ")
