"""Webhooks: tried again where that may help, within limits, to web addresses only."""

from __future__ import annotations

import http.server
import json
import threading
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from reports import message, raised
from waiting import free_port, until

from monitor.config.load import Outward as Settings
from monitor.errors import UsageError
from monitor.integrations.dispatcher import CallFailed
from monitor.integrations.publisher import Publisher
from monitor.integrations.webhook import Webhook


class Receiver:
    """A web server that answers with what it is told, in turn."""

    def __init__(self, *answers: int) -> None:
        outer, self.got = self, list[tuple[dict[str, str], bytes]]()
        self.answers = list(answers)

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                outer.got.append((dict(self.headers), body))
                code = outer.answers.pop(0) if outer.answers else 200
                self.send_response(code)
                if code == 302:
                    self.send_header("Location", "http://127.0.0.1:9/")
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *args: object) -> None:
                pass

        self._server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self._server.server_address[1]}/hook"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@pytest.fixture
def no_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("monitor.integrations.webhook.WAITS_S", (0.01, 0.01))


@pytest.mark.usefixtures("no_waits")
@pytest.mark.parametrize(
    ("answers", "tries", "words"),
    [((200,), 1, ""), ((503, 200), 2, ""), ((503,) * 3, 3, "503"), ((404,), 1, "404"),
     ((302,), 1, "302")],
)  # fmt: skip
def test_a_webhook_is_tried_again_where_that_may_help_and_follows_nobody(
    answers: tuple[int, ...], tries: int, words: str, tmp_path: Path
) -> None:
    receiver = Receiver(*answers)
    header = tmp_path / "header"
    header.write_text("Authorization: Bearer secret\n")
    hook = Webhook(receiver.address, str(header), 5)
    if words:
        with pytest.raises(CallFailed, match=words):
            hook(message())
    else:
        hook(message())
    receiver.close()
    assert len(receiver.got) == tries
    assert {h["Authorization"] for h, _ in receiver.got} == {"Bearer secret"}
    assert len({h["Idempotency-Key"] for h, _ in receiver.got}) == 1
    assert json.loads(receiver.got[0][1])["kind"] == "heart_lost"


@pytest.mark.usefixtures("no_waits")
def test_a_webhook_that_is_away_fails_within_its_limit_and_is_counted(tmp_path: Path) -> None:
    address = f"http://127.0.0.1:{free_port()}/"
    port = free_port()
    outward = Publisher(Settings(webhook=address, metrics_port=port), tmp_path)
    outward.start()
    outward.event("s", 0.0, raised())
    said: list[str] = []
    until(lambda: bool(said.extend(outward.troubles()) or said), "the failure")
    assert said == ["webhook for heart_lost failed: connection refused"]
    line = b'apexbeat_outward_calls_total{result="failed",way="webhook"} 1'
    assert line in urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5).read()
    outward.close()


@pytest.mark.parametrize("wrong", ["ftp://x/", "file:///etc/passwd", "x", "http://"])
def test_a_webhook_that_is_no_web_address_is_refused(wrong: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"outward\.webhook"):
        Publisher(Settings(webhook=wrong), tmp_path)
