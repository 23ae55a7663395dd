"""What leaves the machine: nothing by default, commands and names."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from reports import message, raised
from waiting import until

from monitor.config.load import Outward as Settings
from monitor.integrations.command import Command
from monitor.integrations.dispatcher import QUEUE, AlarmDispatcher, CallFailed
from monitor.integrations.messages import AlarmMessage
from monitor.integrations.publisher import Publisher

ROOT = Path(__file__).parents[2]


def test_by_default_nothing_is_opened_started_loaded_or_listened_on(tmp_path: Path) -> None:
    code = (
        "import sys, pathlib, threading; from monitor.integrations.publisher import Publisher;"
        "from monitor.config.load import Settings;"
        f"o = Publisher(Settings().outward, pathlib.Path({str(tmp_path)!r})); o.start();"
        "print(o.on, threading.active_count(), [m for m in ('ssl', 'http.server', 'paho',"
        " 'urllib.request') if m in sys.modules]); o.close()"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert done.stdout == "False 1 []\n", done.stderr
    assert list(tmp_path.iterdir()) == []


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

    caller = AlarmDispatcher("command", call, said.append)
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
    outward = Publisher(Settings(command=command, least="medium", command_limit_s=30), tmp_path)
    outward.start()
    for alarm in (raised("low"), raised("medium"), raised("high", "latched"), raised("high")):
        outward.event("s", 0.0, alarm)
    outward.close(30)
    lines = [json.loads(line)["priority"] for line in out.read_text().splitlines()]
    assert lines == ["medium", "high"]
    assert outward.troubles() == []
