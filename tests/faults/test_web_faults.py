"""Bytes of a stranger at the page of a browser: an answer or a closed connection, no traceback."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import aiohttp
import pytest
from served import home_of, served

KEY = b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: "
UPGRADE = b"Upgrade: websocket\r\nConnection: upgrade\r\n"
STRANGERS = (
    b"GET /?token=%ff%ed%a0%80 HTTP/1.1\r\n<host>\r\n",
    b"GET /?token=\xff\xfe HTTP/1.1\r\n<host>\r\n",
    b"GET /\xff HTTP/1.1\r\n<host>\r\n",
    b"GET / HTTP/1.1\r\nHost: \xff\xfe:1\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: ℀:1\r\n\r\n".encode(),
    b"GET / HTTP/1.1\r\nHost: [::1\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: 127.0.0.1:" + b"9" * 5000 + b"\r\n\r\n",
    b"GET / HTTP/1.1\r\n<host><host>\r\n",
    b"GET http://[::1/ HTTP/1.1\r\n<host>\r\n",
    b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\n<host>\r\n",
    b"GET / HTTP/1.1\r\n<host>X: " + b"a" * 100_000 + b"\r\n\r\n",
    b"GET / HTTP/1.1\r\n<host>Cookie: \x01\x02\r\n\r\n",
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    b"POST / HTTP/1.1\r\nContent-Length: -5\r\n<host>\r\n",
    b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n<host>\r\nzz\r\n",
    b"POST / HTTP/1.1\r\nContent-Encoding: gzip\r\nContent-Length: 5\r\n<host>\r\nxxxxx",
    bytes.fromhex("16030100f8010000f4") + os.urandom(200),
)
"""Without the key of the page."""

GUESTS = (
    b"GET <home>static/" + b"a" * 3000 + b" HTTP/1.1\r\n<host><key>\r\n",
    b"GET <home>static/%00%ff HTTP/1.1\r\n<host><key>\r\n",
    b"GET <home>?fontsize=" + b"9" * 6000 + b" HTTP/1.1\r\n<host><key>\r\n",
    b"GET <home>ws HTTP/1.1\r\n" + UPGRADE + KEY + b"\xff\r\n<host><key><origin>\r\n",
)
"""With it."""

MESSAGES = ("[]", "null", '["stdin","\\ud800"]', '["resize",[]]', "[" * 30_000, '[{"a":1}]')


async def answered(port: int, data: bytes) -> bytes:
    """The first bytes of the answer; none where the connection was closed or says nothing."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(data)
    try:
        return await asyncio.wait_for(reader.read(64), 10)
    except (ConnectionError, TimeoutError):
        return b""
    finally:
        writer.close()


def test_no_byte_from_a_stranger_makes_a_traceback(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    async def run() -> None:
        jar = aiohttp.CookieJar(unsafe=True)
        async with served(tmp_path) as page, aiohttp.ClientSession(cookie_jar=jar) as client:
            home = await home_of(page, client)
            port = int(page.base.rpartition(":")[2].strip("/"))
            words = {
                b"<host>": b"Host: 127.0.0.1:%d\r\n" % port,
                b"<key>": f"Cookie: apexbeat-{port}={page.token}\r\n".encode(),
                b"<home>": home.removeprefix(page.base.rstrip("/")).encode(),
                b"<origin>": f"Origin: {page.base.rstrip('/')}\r\n".encode(),
            }
            for data in (*STRANGERS, *GUESTS):
                sent = data
                for word, value in words.items():
                    sent = sent.replace(word, value)
                answer = await answered(port, sent)
                assert b" 500 " not in answer, data[:60]
                assert answer.startswith(b"HTTP/1."), data[:60]
            for text in MESSAGES:
                own = {"Origin": page.base.rstrip("/")}
                socket = await client.ws_connect(f"{home}ws", headers=own)
                await socket.send_str(text)
                while not socket.closed:
                    await socket.receive()

    asyncio.run(run())
    assert "Traceback" not in caplog.text
    assert "Traceback" not in capfd.readouterr().err
    assert [one.getMessage() for one in caplog.records if one.exc_info] == []
