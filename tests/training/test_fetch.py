"""fetch against a local server that breaks, truncates and lies."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.error import HTTPError

import pytest

from training.errors import TrainingError
from training.fetch import SUMS, fetch

FILES = {
    "training-a/a0001.wav": b"a" * 300_000,
    "annotations/x.zip": b"b" * 1000,
    "validation/a0001.wav": b"c",
}


class Server(ThreadingHTTPServer):
    """Serves FILES; ``faults`` says what goes wrong, how often."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.files = dict(FILES)
        self.faults: dict[str, list[str]] = {}
        self.asked: list[tuple[str, str | None]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/"


class Handler(BaseHTTPRequestHandler):
    """Knows ranges."""

    server: Server

    def log_message(self, *_: Any) -> None:
        """Quiet."""

    def do_GET(self) -> None:
        name = self.path.lstrip("/")
        wanted = self.headers.get("Range")
        self.server.asked.append((name, wanted))
        sums = "".join(f"{hashlib.sha256(c).hexdigest()} {n}\n" for n, c in FILES.items())
        content = sums.encode() if name == SUMS else self.server.files.get(name)
        if content is None:
            self.send_error(404)
            return
        faults = self.server.faults.get(name, [])
        fault = faults.pop(0) if faults else ""
        start = int(wanted.removeprefix("bytes=").rstrip("-")) if wanted else 0
        if start >= len(content) > 0:
            self.send_error(416)
            return
        body = content[start:]
        self.send_response(206 if wanted else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[: len(body) // 2] if fault == "cut" else body)


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as running:
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield running
        running.shutdown()
        thread.join()


def test_what_is_wanted_arrives_whole_and_once(server: Server, tmp_path: Path) -> None:
    assert fetch(tmp_path, server.url) == 2
    assert (tmp_path / "training-a/a0001.wav").read_bytes() == FILES["training-a/a0001.wav"]
    assert not (tmp_path / "validation").exists()
    server.asked.clear()
    fetch(tmp_path, server.url)
    assert [name for name, _ in server.asked] == [SUMS]


def test_a_broken_transfer_goes_on_from_where_it_broke(server: Server, tmp_path: Path) -> None:
    server.faults["training-a/a0001.wav"] = ["cut", "cut"]
    fetch(tmp_path, server.url)
    ranges = [r for n, r in server.asked if n == "training-a/a0001.wav"]
    assert ranges == [None, "bytes=150000-", "bytes=225000-"]
    assert (tmp_path / "training-a/a0001.wav").read_bytes() == FILES["training-a/a0001.wav"]


def test_a_file_of_another_hash_is_never_kept(server: Server, tmp_path: Path) -> None:
    server.files["annotations/x.zip"] = b"other"
    with pytest.raises(TrainingError, match="sha256"):
        fetch(tmp_path, server.url)
    assert not list(tmp_path.glob("annotations/*"))


def test_a_missing_file_and_a_missing_list_are_one_clear_line(
    server: Server, tmp_path: Path
) -> None:
    del server.files["annotations/x.zip"]
    with pytest.raises(TrainingError, match="404"):
        fetch(tmp_path, server.url)
    with pytest.raises(TrainingError, match=SUMS) as failed:
        fetch(tmp_path, server.url + "elsewhere/")
    refused = failed.value.__cause__
    assert isinstance(refused, HTTPError)
    assert refused.fp.closed  # its connection does not wait for the collector


def test_a_list_that_points_outside_the_folder_is_refused(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(FILES, "training-a/../../x", b"x")
    with pytest.raises(TrainingError, match="no checksum"):
        fetch(tmp_path / "in", server.url)
    assert not (tmp_path / "x").exists()
