"""Who may come in: every door of the web server, tried with a plain client."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
from served import Served, home_of, served

from monitor.errors import UsageError
from monitor.web.guard import Guard
from monitor.web.job import loopback, place


@contextlib.asynccontextmanager
async def visitor(folder: Path) -> AsyncIterator[tuple[Served, aiohttp.ClientSession]]:
    jar = aiohttp.CookieJar(unsafe=True)  # cookies of an address, not of a name
    async with served(folder) as page, aiohttp.ClientSession(cookie_jar=jar) as client:
        yield page, client


async def test_nothing_is_given_without_the_token_and_the_cookie_holds_it_afterwards(
    tmp_path: Path,
) -> None:
    async with visitor(tmp_path) as (page, client):
        for path in ("", "page.js", "static/js/textual.js", "static/", "ws", "?token=wrong"):
            async with client.get(page.base + path) as answer:
                assert answer.status == 403, path
                assert "Open the link" in await answer.text()
        async with client.get(page.url, allow_redirects=False) as answer:
            assert answer.status == 200
            assert page.token not in await answer.text()
            cookie = answer.headers["Set-Cookie"]
        home = await home_of(page, client)
        path = home.removeprefix(page.base.rstrip("/"))
        assert {"HttpOnly", "SameSite=Strict", f"Path={path}"} < set(cookie.split("; "))
        async with client.get(home) as answer:
            assert answer.status == 200
            text = await answer.text()
            assert page.token not in text
            assert "://" not in text.replace(home.replace("http", "ws") + "ws", "")
            assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
            assert answer.headers["Cache-Control"] == "no-store"
            assert answer.headers["Server"] == "apexbeat"
        for inner in (
            "page.css",
            "static/css/xterm.css",
            "static/fonts/RobotoMono-VariableFont_wght.ttf",
        ):
            async with client.get(home + inner) as answer:
                assert answer.status == 200, inner
        for inner in ("static/", "static/../server.py", "static/%2e%2e/server.py"):
            async with client.get(home + inner) as answer:
                assert answer.status in (403, 404), inner


async def test_a_name_that_is_not_ours_is_refused_even_with_the_token(tmp_path: Path) -> None:
    async with visitor(tmp_path) as (page, client):
        port = page.base.rpartition(":")[2].strip("/")
        for host in (f"evil.example:{port}", "127.0.0.1", "127.0.0.1:1", "[::1", ""):
            async with client.get(page.url, headers={"Host": host}) as answer:
                assert answer.status == 421, host
        async with client.get(page.url, headers={"Host": f"localhost:{port}"}) as answer:
            assert answer.status == 200


async def test_a_socket_is_opened_for_our_own_page_alone_and_for_two_at_most(
    tmp_path: Path,
) -> None:
    async with visitor(tmp_path) as (page, client):
        home = await home_of(page, client)
        socket, own = home + "ws?width=99999&height=0", page.base.rstrip("/")
        for origin in ({}, {"Origin": "http://evil.example"}, {"Origin": "null"}):
            with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
                await client.ws_connect(socket, headers=origin)
            assert refused.value.status == 403
        first = await client.ws_connect(socket, headers={"Origin": own})
        second = await client.ws_connect(socket, headers={"Origin": own})
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            await client.ws_connect(socket, headers={"Origin": own})
        assert refused.value.status == 503
        async with client.get(home) as answer:
            assert answer.status == 503
            assert "2 browsers are open already" in await answer.text()
        await first.receive_bytes()  # the screen has begun
        await first.send_str("no JSON at all")
        while not first.closed:
            await first.receive()
        await second.close()
        async with client.get(home) as answer:  # there is room again at once
            assert answer.status == 200


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("127.0.0.1:8720", ("127.0.0.1", 8720)), (":9000", ("127.0.0.1", 9000)),
        ("localhost", ("127.0.0.1", 8720)), ("0.0.0.0:0", ("0.0.0.0", 0)),
        ("::1", ("::1", 8720)), ("[::1]:90", ("::1", 90)),
    ],
)  # fmt: skip
def test_a_place_is_an_address_and_a_port(text: str, found: tuple[str, int]) -> None:
    assert place(text) == found


@pytest.mark.parametrize("text", ["example.org:80", "127.0.0.1:x", "127.0.0.1:70000", "a:b:c"])
def test_what_is_no_place_is_refused_in_one_line(text: str) -> None:
    with pytest.raises(UsageError, match="not an address and port"):
        place(text)


def test_on_a_network_an_address_is_our_name_and_a_foreign_name_is_not() -> None:
    guard = Guard("0.0.0.0")
    guard.port = 8720
    assert guard.own_host("192.168.1.20:8720")
    assert not guard.own_host("rebound.example:8720")
    assert not loopback("0.0.0.0")
    alone = Guard("127.0.0.1")
    alone.port = 8720
    assert not alone.own_host("192.168.1.20:8720")
