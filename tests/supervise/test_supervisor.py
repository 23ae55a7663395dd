"""The supervisor over a fake core: restarts what died or hangs, and sounds what is raised."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from monitor.config.load import Settings
from monitor.events import Priority
from monitor.link.address import address_of
from monitor.link.client import Client
from monitor.link.messages import Hello
from monitor.sound.output import AlarmSound
from monitor.supervise.job import Job, StartReport
from monitor.supervise.supervisor import CoreFailed, Supervisor

SUPPORT = Path(__file__).parents[1] / "support"


class Fast:
    """Real time, five times as fast."""

    def monotonic(self) -> float:
        return 5 * time.monotonic()

    boot = wall = monotonic

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds / 5)


class Supervised:
    def __init__(self, folder: Path, how: str, adopt: bool = False) -> None:
        self.store = folder / "store"
        self.begun: list[StartReport] = []
        self.sounded: list[Priority] = []
        self.began = threading.Semaphore(0)
        job = Job(
            store=str(self.store), sources=["phantom:normal"], settings=Settings(), adopt=adopt
        )
        sound = AlarmSound(lambda priority, _: self.sounded.append(priority), lambda: None, Fast())
        command = [sys.executable, str(SUPPORT / "heartless_core.py"), how]
        self.supervisor = Supervisor(job, sound, folder / "log", Fast(), self._note, command)
        self.code: int | None = None
        self.error: CoreFailed | None = None
        self.thread = threading.Thread(target=self._run)
        self.thread.start()

    def _run(self) -> None:
        try:
            self.code = self.supervisor.run()
        except CoreFailed as error:
            self.error = error

    def _note(self, begun: StartReport) -> None:
        self.begun.append(begun)
        self.began.release()

    def pid(self) -> int:
        with Client.connect(address_of(self.store), "test", waves=False) as client:
            hello = client.receive(10)
            assert isinstance(hello, Hello)
            return hello.pid

    def stop(self) -> None:
        with Client.connect(address_of(self.store), "test", waves=False) as client:
            client.request("", "stop")
            self.thread.join(60)
        assert not self.thread.is_alive()


@pytest.fixture
def supervised(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Supervised]:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    monkeypatch.setenv("PYTHONPATH", f"{SUPPORT}{os.pathsep}{SUPPORT.parent / 'link'}")
    return lambda how, adopt=False: Supervised(tmp_path, how, adopt)


def test_a_core_that_is_told_to_stop_ends_the_supervisor(
    supervised: Callable[[str], Supervised],
) -> None:
    run = supervised("well")
    assert run.began.acquire(timeout=20)
    run.stop()
    assert run.code == 0
    assert run.sounded == []


def test_a_goodbye_that_lies_unread_when_the_link_closes_is_heard(
    supervised: Callable[[str], Supervised], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A beat that could not be sent was taken for a death: the core that was ended came again."""
    monkeypatch.setattr("monitor.supervise.supervisor.BEAT_S", 0.0)
    run = supervised("talks")
    assert run.began.acquire(timeout=20)
    run.stop()
    assert run.code == 0
    assert len(run.begun) == 1


def test_a_core_that_cannot_begin_is_told_with_its_exit_code(
    supervised: Callable[[str], Supervised],
) -> None:
    run = supervised("refuse")
    run.thread.join(20)
    assert run.error is not None
    assert (str(run.error), run.error.exit_code) == ("no such phantom", 4)


def test_a_killed_core_is_started_again_to_go_on_and_the_alarm_sounds_meanwhile(
    supervised: Callable[[str], Supervised],
) -> None:
    run = supervised("well")
    assert run.began.acquire(timeout=20)
    os.kill(run.pid(), signal.SIGKILL)
    assert run.began.acquire(timeout=20)
    assert run.begun[1].notes == ["resumed"]
    run.stop()
    assert "high" in run.sounded


@pytest.mark.parametrize("how", ["frozen", "stuck"])
def test_a_core_without_heartbeat_or_progress_is_killed_and_started_again(
    supervised: Callable[[str], Supervised], how: str
) -> None:
    run = supervised(how)
    assert run.began.acquire(timeout=20)
    assert run.began.acquire(timeout=20)
    run.stop()
    assert run.supervisor.restarts == 1


@pytest.mark.parametrize("how", ["frozen", "stuck"])
def test_a_core_that_says_nothing_new_is_an_alarm_while_it_lives(
    supervised: Callable[[str], Supervised], how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("monitor.supervise.supervisor.DEAD_S", 1000.0)
    run = supervised(how)
    assert run.began.acquire(timeout=20)
    _until_sounded(run)
    assert (run.sounded[0], run.supervisor.restarts) == ("high", 0)
    run.supervisor.stop(0)
    run.thread.join(20)


def _until_sounded(run: Supervised) -> None:
    tick = threading.Event()
    for _ in range(1000):
        if run.sounded:
            return
        tick.wait(0.02)


def test_the_highest_alarm_of_the_core_sounds(supervised: Callable[[str], Supervised]) -> None:
    run = supervised("alarm")
    assert run.began.acquire(timeout=20)
    _until_sounded(run)
    run.stop()
    assert run.sounded[0] == "high"


def test_a_supervisor_that_is_told_to_end_ends_the_core_in_order(
    supervised: Callable[[str], Supervised],
) -> None:
    run = supervised("well")
    assert run.began.acquire(timeout=20)
    pid = run.pid()
    run.supervisor.stop(130)
    run.thread.join(20)
    assert run.code == 130
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_a_core_whose_supervisor_is_gone_is_adopted_and_revived_when_it_dies(
    supervised: Callable[..., Supervised], tmp_path: Path
) -> None:
    job = Job(store=str(tmp_path / "store"), sources=[], settings=Settings())
    orphan = subprocess.Popen(
        [sys.executable, str(SUPPORT / "heartless_core.py"), "well"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    )  # fmt: skip
    assert orphan.stdin is not None
    assert orphan.stdout is not None
    with orphan.stdin as channel:
        channel.write(msgspec.json.encode(job))
    with orphan.stdout as answer:
        answer.readline()
    reaper = threading.Thread(target=orphan.wait)
    reaper.start()
    run = supervised("well", True)
    assert run.began.acquire(timeout=20)
    os.kill(orphan.pid, signal.SIGKILL)
    reaper.join(20)
    assert run.began.acquire(timeout=20)
    assert run.begun[1].notes == ["resumed"]
    run.stop()
    assert run.code == 0
