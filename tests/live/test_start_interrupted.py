"""``live`` that cannot show a screen, or is interrupted while it starts, leaves nothing running."""

from __future__ import annotations

import os
import pty
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from waiting import until
from whole_monitor import of_store

ROOT = Path(__file__).parents[2]
LIMIT_S = 60.0


def command(store: Path) -> list[str]:
    return [sys.executable, "-m", "monitor.cli.main", "live", "--phantom", "normal",
            "--store", str(store), "--set", "sound.alarms=false"]  # fmt: skip


@pytest.mark.parametrize("term", ["dumb", "", "xterm"], ids=["dumb", "none", "no terminal"])
def test_without_a_usable_terminal_nothing_is_started_and_one_line_says_what_to_do(
    tmp_path: Path, term: str
) -> None:
    done = subprocess.run(
        command(tmp_path / "store"), cwd=ROOT, env=dict(os.environ, TERM=term),
        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=LIMIT_S,
    )  # fmt: skip
    assert done.returncode == 2
    assert len(done.stderr.strip().splitlines()) == 1
    assert "--headless" in done.stderr
    assert not (tmp_path / "store" / "apexbeat.db").exists()
    assert of_store(tmp_path / "store") == []


@pytest.mark.parametrize("headless", [False, True], ids=["screen", "headless"])
@pytest.mark.parametrize("after_s", [0.3, 0.6, 0.9, 1.4, 2.0, 3.0])
def test_an_interrupt_at_any_moment_of_the_start_leaves_nothing_running(
    tmp_path: Path, after_s: float, headless: bool
) -> None:
    store = tmp_path / "store"
    words = command(store) + (["--headless"] if headless else [])
    own, theirs = pty.openpty()
    process = subprocess.Popen(
        words, cwd=ROOT, env=dict(os.environ, TERM="xterm-256color"),
        stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True,
    )  # fmt: skip
    os.close(theirs)
    told = time.monotonic() + after_s
    end_s = time.monotonic() + LIMIT_S
    while process.poll() is None:
        assert time.monotonic() < end_s
        if time.monotonic() >= told:
            told = float("inf")
            process.send_signal(signal.SIGINT)
        if select.select([own], [], [], 0.05)[0]:
            try:
                os.read(own, 65536)
            except OSError:
                break
    assert process.wait(LIMIT_S) in (130, -signal.SIGINT)  # the latter: while Python itself starts
    os.close(own)
    until(lambda: of_store(store) == [], "nothing runs any more", 15)
