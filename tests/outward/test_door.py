"""Command, webhook, metrics and the queue on disk; nothing at all by default."""

from __future__ import annotations

import http.server
import json
import os
import socket
import sqlite3
import stat
import subprocess
import sys
import tempfile
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mosquitto import free_port, until

from monitor import events as ev
from monitor.errors import UsageError
from monitor.outward.calls import QUEUE, Caller, CallFailed
from monitor.outward.command import Command
from monitor.outward.discovery import configs
from monitor.outward.door import Outward
from monitor.outward.messages import AlarmMessage, BedState, OpenAlarm, bed_name
from monitor.outward.outbox import Letter, Outbox
from monitor.outward.table import HELP, Table
from monitor.outward.webhook import Webhook
from monitor.settings import Outward as Settings

ROOT = Path(__file__).parents[2]


def message(kind: str = "heart_lost", priority: ev.Priority = "high") -> AlarmMessage:
    return AlarmMessage(
        bed="b", session="s", index=1, wall=2.0, kind=kind, priority=priority, state="active",
        evidence="$(touch x); \"quoted\"",
    )  # fmt: skip


def raised(priority: ev.Priority = "high", state: ev.AlarmState = "active") -> ev.Alarm:
    return ev.Alarm(index=1000, kind="heart_lost", priority=priority, state=state, evidence="e")


# ------------------------------------------------------------ by default


def test_by_default_nothing_is_opened_started_loaded_or_listened_on(tmp_path: Path) -> None:
    code = (
        "import sys, pathlib, threading; from monitor.outward.door import Outward;"
        "from monitor.settings import Settings;"
        f"o = Outward(Settings().outward, pathlib.Path({str(tmp_path)!r})); o.start();"
        "print(o.on, threading.active_count(), [m for m in ('ssl', 'http.server', 'paho',"
        " 'urllib.request') if m in sys.modules]); o.close()"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert done.stdout == "False 1 []\n", done.stderr
    assert list(tmp_path.iterdir()) == []


# ------------------------------------------------------------ command


def test_a_command_gets_the_alarm_as_data_and_never_as_part_of_its_line(tmp_path: Path) -> None:
    out = tmp_path / "out"
    code = (
        "import os,sys; open(sys.argv[1],'w').write(sys.stdin.read()+os.environ['APEXBEAT_KIND'])"
    )
    Command([sys.executable, "-c", code, str(out)], 20)(message())
    text = out.read_text()
    assert json.loads(text.removesuffix("heart_lost"))["evidence"] == message().evidence
    assert not (tmp_path / "x").exists()


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (["/no/such/program"], "no such file"),
        ([sys.executable, "-c", "import sys; sys.exit('b\\x1b[2Jad\\n')"], "exit code 1: bad"),
        ([sys.executable, "-c", "import time; time.sleep(60)"], "killed after"),
    ],
    ids=["missing", "fails", "late"],
)
def test_a_command_that_fails_or_is_late_is_said(argv: list[str], words: str) -> None:
    limit_s = 0.5 if "sleep" in argv[-1] else 20
    with pytest.raises(CallFailed, match=words):
        Command(argv, limit_s)(message())


def test_what_a_late_command_started_is_killed_with_it(tmp_path: Path) -> None:
    pid_file = tmp_path / "pid"
    code = (
        "import subprocess, sys, time; p = subprocess.Popen([sys.executable, '-c',"
        "'import time; time.sleep(60)']); open(sys.argv[1] + '.new', 'w').write(str(p.pid));"
        "import os; os.replace(sys.argv[1] + '.new', sys.argv[1]); time.sleep(60)"
    )
    with pytest.raises(CallFailed):
        Command([sys.executable, "-c", code, str(pid_file)], 4)(message())
    child = int(pid_file.read_text())

    def gone() -> bool:
        try:
            return Path(f"/proc/{child}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
        except FileNotFoundError:
            return True

    until(gone, "the end of the child")


def test_a_full_queue_drops_what_matters_least_and_says_so() -> None:
    go, said, called = threading.Event(), [], []

    def call(alarm: AlarmMessage) -> None:
        go.wait(10)
        called.append(alarm.kind)

    caller = Caller("command", call, said.append)
    caller.put(message("first"))
    caller.start()
    until(lambda: not caller._alarms, "the first call")
    for number in range(QUEUE):
        caller.put(message(f"low{number}", "low"))
    caller.put(message("high"))
    go.set()
    assert caller.close(10)
    assert "high" in called
    assert (caller.done, caller.dropped) == (QUEUE + 1, 1)
    assert said == ["command: 1 alarms too many were dropped"]


def test_only_alarms_that_are_raised_and_urgent_enough_are_handed_on(tmp_path: Path) -> None:
    out = tmp_path / "out"
    code = "import sys; open(sys.argv[1], 'a').write(sys.stdin.read() + '\\n')"
    command = (sys.executable, "-c", code, str(out))
    outward = Outward(Settings(command=command, least="medium", command_limit_s=30), tmp_path)
    outward.start()
    for alarm in (raised("low"), raised("medium"), raised("high", "latched"), raised("high")):
        outward.event("s", 0.0, alarm)
    outward.close(30)
    lines = [json.loads(line)["priority"] for line in out.read_text().splitlines()]
    assert lines == ["medium", "high"]
    assert outward.troubles() == []


# ------------------------------------------------------------ webhook


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
    monkeypatch.setattr("monitor.outward.webhook.WAITS_S", (0.01, 0.01))


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
    outward = Outward(Settings(webhook=address, metrics_port=port), tmp_path)
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
        Outward(Settings(webhook=wrong), tmp_path)


# ------------------------------------------------------------ metrics


@pytest.fixture
def metrics(tmp_path: Path) -> Iterator[tuple[Outward, str]]:
    port = free_port()
    outward = Outward(Settings(metrics_port=port), tmp_path)
    outward.start()
    yield outward, f"http://127.0.0.1:{port}/metrics"
    outward.close()


def state(**more: object) -> BedState:
    known: dict[str, object] = {
        "session": "canary-session", "index": 4000, "wall": 1.0, "source": "live",
        "health": "healthy", "rate": 71.5, "quality": "good", "verdict": "normal", "p": 0.1,
        "windows": 15, "gaps": 2, "lost_s": 0.5, "behind_s": 0.25, "can_record": True,
        "alarms": [OpenAlarm(kind="k", priority="high", state="active", evidence="", raised=1)],
    }  # fmt: skip
    return BedState(**(known | more))  # type: ignore[arg-type]


def test_metrics_are_counters_and_gauges_of_the_known_names_and_name_nobody(
    metrics: tuple[Outward, str],
) -> None:
    outward, address = metrics
    outward.event("canary-session", 0.0, raised())
    outward.state(state())
    with urllib.request.urlopen(address, timeout=5) as answer:
        text = answer.read().decode()
        assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
    assert 'apexbeat_heart_rate_per_minute{slot="1"} 71.5\n' in text
    assert 'apexbeat_alarms_total{kind="heart_lost",priority="high",slot="1"} 1\n' in text
    assert 'apexbeat_alarms_open{priority="high",slot="1"} 1\n' in text
    assert "canary" not in text
    kinds = [line.split() for line in text.splitlines() if line.startswith("# TYPE")]
    assert {kind for *_, kind in kinds} == {"counter", "gauge"}
    assert {name.removeprefix("apexbeat_") for _, _, name, _ in kinds} <= set(HELP)
    assert all(name.endswith("_total") == (kind == "counter") for _, _, name, kind in kinds)
    outward.state(state(rate=None))
    assert "heart_rate" not in urllib.request.urlopen(address, timeout=5).read().decode()


def status(request: urllib.request.Request) -> int:
    try:
        with urllib.request.urlopen(request, timeout=5) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        error.close()
        return error.code


def test_metrics_answer_to_the_loopback_by_its_own_names_only(
    metrics: tuple[Outward, str],
) -> None:
    _, address = metrics
    for headers, path, expected in (
        ({"Host": "evil.example"}, "", 403), ({"Host": "127.0.0.1:1"}, "", 200),
        ({"Host": "localhost"}, "/other", 404), ({"Host": "[::1]:9"}, "", 200),
    ):  # fmt: skip
        request = urllib.request.Request(address + path, headers=headers)
        assert status(request) == expected
    port = int(address.rpartition(":")[2].partition("/")[0])
    listening = Path("/proc/net/tcp").read_text()
    assert f"0100007F:{port:04X} 00000000:0000 0A" in listening
    assert f"00000000:{port:04X} 00000000:0000 0A" not in listening


def test_a_port_that_is_taken_is_one_line_and_no_reason_not_to_go_on(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        settings = Settings(metrics_port=taken.getsockname()[1])
        with pytest.raises(UsageError, match=r"outward\.metrics_port.*in use"):
            Outward(settings, tmp_path)
        outward = Outward(settings, tmp_path, strict=False)
        assert "in use" in outward.troubles()[0]
        outward.close()


def test_a_label_is_escaped() -> None:
    table = Table()
    table.add("alarms_total", kind='a"b\\c\nd')
    assert 'kind="a\\"b\\\\c\\nd"} 1' in table.text()


# ------------------------------------------------------------ the queue on disk


def letter(number: int, alarm: bool) -> Letter:
    return Letter("t/alarm" if alarm else "t/trend", b'{"n":%d}' % number, alarm)


def test_a_full_queue_on_disk_drops_trends_before_alarms_and_the_oldest_first(
    tmp_path: Path,
) -> None:
    box = Outbox(tmp_path, 10)
    box.put([letter(n, alarm=n % 2 == 0) for n in range(12)])
    assert [w.letter.body for w in box.after(0, 99)] == [
        b'{"n":%d}' % n for n in (0, 2, 4, 5, 6, 7, 8, 9, 10, 11)
    ]
    box.put([letter(n, alarm=True) for n in range(20, 30)])
    kept = box.after(0, 99)
    assert len(kept) == 10
    assert all(w.letter.alarm for w in kept)
    assert (box.dropped_trends, box.dropped_alarms) == (6, 6)
    box.close()


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 5)), max_size=12))
@hypothesis.settings(deadline=None, max_examples=20)
def test_numbers_rise_for_ever_and_nothing_sent_waits_again(steps: list[tuple[bool, int]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        box, put, sent = Outbox(Path(folder), 1000), 0, 0
        origin, last = box.origin, 0
        for reopen, count in steps:
            box.put([letter(put + n, alarm=n % 2 == 0) for n in range(count)])
            put += count
            waiting = box.after(0, 1000)
            assert len(waiting) == box.waiting() == put - sent
            if waiting:
                assert waiting[-1].number >= last
                last = waiting[-1].number
            done = [w.number for w in waiting[: count // 2]]
            box.sent(done)
            sent += len(done)
            if reopen:
                box.close()
                box = Outbox(Path(folder), 1000)
        assert box.origin == origin
        bodies = [w.letter.body for w in box.after(0, 1000)]
        assert bodies == [letter(n, True).body for n in range(sent, put)]
        box.close()


def test_the_queue_is_private_and_a_damaged_one_is_kept_and_replaced(tmp_path: Path) -> None:
    box = Outbox(tmp_path / "new", 10)
    box.put([letter(1, True)])
    first = box.origin
    box.close()
    path = tmp_path / "new" / "outbox.sqlite"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    path.write_bytes(os.urandom(5000))
    box = Outbox(tmp_path / "new", 10)
    assert box.damaged is not None
    assert box.damaged.stat().st_size == 5000
    assert box.origin != first
    assert box.waiting() == 0
    box.close()


def test_a_queue_whose_disk_refuses_keeps_nothing_half(tmp_path: Path) -> None:
    box = Outbox(tmp_path, 10)
    with pytest.raises(sqlite3.Error):
        box.put([letter(1, True), Letter(None, b"", True)])  # type: ignore[arg-type]
    assert box.waiting() == 0
    box.close()


def test_what_a_dead_core_had_recorded_but_not_sent_is_sent_by_the_next_once(
    tmp_path: Path,
) -> None:
    settings = Settings(mqtt_host="127.0.0.1", mqtt_port=free_port(), bed="b")
    history = [
        ev.Alarm(index=n, kind="gaps", priority="low", state="active", evidence="")
        for n in range(1000, 9000, 1000)
    ]
    first = Outward(settings, tmp_path)
    first.start()
    for alarm in history[:5]:
        first.event("s", 0.0, alarm)
    first.close(0.5)
    second = Outward(settings, tmp_path)
    second.catch_up("s", 0.0, history)
    second.start()
    second.close(0.5)
    box = Outbox(tmp_path, 100)
    sent = [json.loads(w.letter.body)["index"] for w in box.after(0, 99)]
    assert sent == [alarm.index for alarm in history]
    box.close()


# ------------------------------------------------------------ names


@given(st.text(max_size=80), st.integers(0, 3))
def test_the_name_of_a_bed_is_a_harmless_part_of_a_topic(text: str, slot: int) -> None:
    name = bed_name(text, slot)
    assert name
    assert name.isascii()
    assert not set(name) & set("/+#$ ")
    assert name.endswith(f"-{slot + 1}") == (slot > 0) or not slot


def test_what_home_assistant_is_told_has_one_device_and_vanishes_when_silent() -> None:
    bodies = [json.loads(body) for _, body in configs("homeassistant", "apexbeat", "b-2", "b")]
    assert {tuple(b["device"]["identifiers"]) for b in bodies} == {("apexbeat_b-2",)}
    assert {b["availability_topic"] for b in bodies} == {"apexbeat/b/availability"}
    assert all(b["expire_after"] == 15 for b in bodies)
