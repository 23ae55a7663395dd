"""A web server beside a monitor: its job on stdin, its link on stdout; ends with its parent."""

from __future__ import annotations

import asyncio
import sys

import msgspec

from monitor.errors import ApexbeatError
from monitor.web.job import Serving, WebJob


def main() -> int:
    """Serve until standard input is closed."""
    line = sys.stdin.buffer.readline()
    job = msgspec.json.decode(line, type=WebJob)
    try:
        asyncio.run(_run(job))
    except ApexbeatError as error:
        _say(Serving(error=str(error)))
        return error.exit_code
    return 0


async def _run(job: WebJob) -> None:
    from monitor.web.server import serve

    over = asyncio.Event()
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)

    async def until_closed() -> None:
        while await reader.read(4096):
            continue
        over.set()

    watch = asyncio.create_task(until_closed())
    try:
        await serve(job, _say, over)
    finally:
        watch.cancel()


def _say(serving: Serving) -> None:
    sys.stdout.buffer.write(msgspec.json.encode(serving) + b"\n")
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    sys.exit(main())
