"""A core without a heart, for tests of the supervisor: answers as `sys.argv[1]` says.

well      monitors until told to stop
refuse    cannot begin
frozen    begins, then stops its heartbeat; well when it is started again
stuck     begins, its heartbeat goes on but counts no work; well when it is started again
talks     has much to say before its goodbye
alarm     has an active alarm of high priority
"""

from __future__ import annotations

import itertools
import os
import sys
import threading

import msgspec
from link_messages import make_status

from monitor.clock import SystemClock
from monitor.events import Mark
from monitor.link.address import address_of
from monitor.link.messages import AlarmLine, Attach, Beat, EventLine, FromScreen, Hello, Reply
from monitor.link.server import Server
from monitor.supervise.job import Job, StartReport

how = sys.argv[1]
job = msgspec.json.decode(sys.stdin.buffer.read(), type=Job)
over = threading.Event()
steps = itertools.count()


def beat() -> int:
    if how == "frozen" and not job.resume:
        threading.Event().wait(60)
    return 0 if how == "stuck" and not job.resume else next(steps)


def message(client: int, what: FromScreen) -> None:
    if isinstance(what, Attach):
        hello = Hello(link=1, software="fake", pid=os.getpid(), sessions=["s"])
        server.admit(client, [hello, status], what.waves)
    elif not isinstance(what, Beat):
        server.send(client, Reply(id=what.id, ok=True, error=""))
        over.set()


alarm = AlarmLine(
    occurrence=1, kind="tachycardia", priority="high", state="active", condition=True, raised=5,
    evidence="", acknowledged=None, acknowledge_pending=False, cleared=None, count=1,
    earlier_session=None,
)  # fmt: skip
status = msgspec.structs.replace(make_status(0), alarms=[alarm] if how == "alarm" else [])
if how == "refuse":
    print(msgspec.json.encode(StartReport(error="no such phantom", code=4)).decode(), flush=True)
    sys.exit(4)
from pathlib import Path  # noqa: E402 - only what begins needs it

server = Server(address_of(Path(job.store)), message, lambda _: None, beat, SystemClock())
begun = StartReport(
    address=str(server.address), sessions=["s"], notes=["resumed"] if job.resume else []
)
print(msgspec.json.encode(begun).decode(), flush=True)
over.wait(60)
if how == "talks":
    for seq in range(100):
        server.broadcast(EventLine(session="s", seq=seq, event=Mark(index=seq, note="")))
server.close("over")
os._exit(0)
