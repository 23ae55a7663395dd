"""A live session in virtual time: what a screen, the store and a replay get of it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from scripted import RATE, Rig
from whole_monitor import monitor

import apexbeat
from dsp.cycles.model import CycleModel
from models import shipped
from monitor import events as ev
from monitor.analysis.pipeline import Pipeline
from monitor.assembly import Models
from monitor.capture.stream import Capture
from monitor.clock import SystemClock
from monitor.config.load import Settings
from monitor.link.frames import encode
from monitor.link.messages import EventLine, Status, Wave
from monitor.link.requests import request
from monitor.record.clips import kept_clips
from monitor.record.store import Archive
from monitor.replay.batch import Options, replay_file
from monitor.sessionfolder import format as ff
from monitor.sessionfolder.writer import FolderWriter
from monitor.view.state import load_board


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    rig = Rig(tmp_path / "store", "tachycardia")
    yield rig
    if not rig.session._stopped:
        rig.close()


def _ask(rig: Rig, what: str, **fields: object) -> tuple[bool, str]:
    answered = threading.Event()
    found: list[tuple[bool, str]] = []

    def answer(ok: bool, error: str) -> None:
        found.append((ok, error))
        answered.set()

    asked = request(what, id=1, session="s", **fields)
    rig.session.ask(asked, "screen", answer)
    assert answered.wait(10)
    return found[0]


def test_a_screen_sees_rate_beats_waves_and_the_alarm(rig: Rig) -> None:
    rig.run(40)
    status = rig.status
    assert status.health == "healthy"
    assert status.rate == pytest.approx(140, abs=30)
    assert status.clock_s == pytest.approx(40, abs=0.6)
    assert [a.kind for a in status.alarms if a.state == "active"].count("tachycardia") == 1
    assert len(rig.events(ev.Beat)) > 30
    waves = [m for m in rig.messages if isinstance(m, Wave)]
    assert [w.start for w in waves] == list(range(0, 1000 * len(waves), 1000))
    assert len(np.frombuffer(waves[0].pairs, "<i2")) == 250
    snapshot = rig.session.snapshot()
    assert snapshot.beats
    assert snapshot.trend
    assert len(snapshot.waves) == 60
    encode(snapshot)


def test_lines_are_numbered_without_a_hole_and_stand_in_the_store(rig: Rig) -> None:
    rig.run(20)
    numbers = [m.seq for m in rig.messages if isinstance(m, EventLine)]
    assert numbers == list(range(len(numbers)))
    rig.close()
    archive = Archive(rig.store.folder)
    published = [m.event for m in rig.messages if isinstance(m, EventLine)]
    assert [e for _, e in archive.events("s")] == published
    archive.close()


def test_an_acknowledgement_is_answered_once_it_is_on_the_disk(rig: Rig) -> None:
    rig.run(40)
    assert _ask(rig, "acknowledge", alarm="tachycardia") == (True, "")
    rig.run(1)
    line = next(a for a in rig.status.alarms if a.kind == "tachycardia")
    assert line.state == "acknowledged"
    assert line.acknowledged is not None
    assert not line.acknowledge_pending
    archive = Archive(rig.store.folder)
    [command] = archive.commands("s")
    archive.close()
    assert (command.kind, command.client) == ("acknowledge", "screen")


def test_audio_pause_is_counted_down(rig: Rig) -> None:
    rig.run(40)
    _ask(rig, "pause_audio", seconds=60.0)
    rig.run(10)
    assert rig.status.audio_paused_s == pytest.approx(50, abs=1.5)


def test_a_lost_signal_takes_the_numbers_away_within_two_seconds_and_raises_an_alarm(
    rig: Rig,
) -> None:
    rig.run(20)
    assert rig.status.rate is not None
    rig.run(2.6, delivers=False)
    status = rig.status
    assert status.health == "alarmed"
    assert status.rate is None
    assert status.level_db is None
    assert status.quality is None
    assert "signal_lost" in [a.kind for a in status.alarms if a.state == "active"]
    rig.run(15)
    assert rig.status.health == "healthy"
    assert rig.status.rate is not None
    assert len(rig.events(ev.Gap)) == 1


def test_a_request_that_a_session_cannot_do_is_refused_in_words(rig: Rig) -> None:
    ok, error = _ask(rig, "play")
    assert not ok
    assert error == "this session cannot play"


def test_the_state_of_the_alarms_can_be_restored_from_the_store(rig: Rig) -> None:
    rig.run(40)
    rig.close()
    archive = Archive(rig.store.folder)
    row = archive.session("s")
    archive.close()
    assert row is not None
    saved = load_board(row.board)
    assert saved is not None
    kept, now = saved.board.alarms, rig.session.board.alarms
    assert {k: (a.state, a.occurrence, a.raised) for k, a in kept.items()} == {
        k: (a.state, a.occurrence, a.raised) for k, a in now.items()
    }


def test_sound_that_a_person_keeps_is_marked_and_where_none_is_kept_it_is_refused(
    tmp_path: Path,
) -> None:
    rig = Rig(tmp_path, "normal", clips=True)
    rig.run(12)
    assert _ask(rig, "mark", note="sound kept", keep=True) == (True, "")
    rig.close()
    [clip] = [c for c in kept_clips(tmp_path / "clips" / "s") if c.kind == "kept"]
    assert clip.read().size > 9 * 2000

    without = Rig(tmp_path / "without", "normal")
    without.run(2)
    refused = _ask(without, "mark", note="sound kept", keep=True)
    assert refused == (False, "no sound is kept (record.clips is off)")
    without.close()


def test_a_recorded_session_replayed_says_the_same(tmp_path: Path) -> None:
    folder = tmp_path / "session"

    def record(capture: Capture) -> FolderWriter:
        info = ff.FolderInfo(
            version=ff.VERSION, session="s", name="tachycardia", source="phantom",
            device="tachycardia", rate_hz=RATE, channels=1, software="", models={},
            settings=Settings(), started=0.0,
        )  # fmt: skip
        return FolderWriter(folder, info, SystemClock())

    rig = Rig(tmp_path / "store", "tachycardia", record=record)
    rig.run(30)
    _ask(rig, "acknowledge")
    rig.run(3, delivers=False)
    _ask(rig, "mark", note="cough")
    rig.run(10)
    _ask(rig, "limits", limits={"tachycardia": 100.0})
    rig.run(10.3)
    rig.close()
    live = (folder / ff.EVENTS).read_bytes()
    models = Models(None, CycleModel.from_arrays(shipped.cycles_arrays()), {})
    replay_file(folder, Settings(), models, Options(events=tmp_path))
    replayed = (tmp_path / "session.jsonl").read_bytes()
    assert replayed == live
    assert b'"type":"gap"' in replayed


def test_sound_kept_from_the_middle_of_a_session_can_be_read_and_reported(tmp_path: Path) -> None:
    """Its events had no first line: neither report nor export took the folder."""
    with monitor(tmp_path, phantom="tachycardia") as run:
        run.analyses()
        run.answer(run.ask("record", on=True))
        run.analyses()
        folder = run.store / "sessions" / run.session
        assert run.stop() == 0
    result = apexbeat.read_session(folder)
    assert isinstance(result.events[0], ev.Session)
    assert result.events[0].index > 0
    assert [event for event in result.events if isinstance(event, ev.Vitals)]


def test_a_stage_that_fails_costs_a_gap_and_an_alarm_and_monitoring_goes_on(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    rig.run(20)
    broken = rig.session.pipeline
    cycles = CycleModel.from_arrays(shipped.cycles_arrays())
    rig.session._remake = lambda index, board: Pipeline(
        Settings(), None, cycles, "x", RATE, 1, index=index, board=board
    )
    monkeypatch.setattr(broken, "push", lambda _: 1 / 0)
    rig.run(15)
    assert rig.session.pipeline is not broken
    assert rig.status.rate is not None
    [gap] = rig.events(ev.Gap)
    assert isinstance(gap, ev.Gap)
    assert gap.reason == "a stage failed: ZeroDivisionError"
    kinds = [(e.kind, e.state) for e in rig.events(ev.Alarm) if isinstance(e, ev.Alarm)]
    assert ("analysis_fault", "active") in kinds
    assert ("analysis_fault", "inactive") in kinds
    assert rig.status.index == pytest.approx(35 * 2000, abs=2500)


def test_a_stage_that_fails_again_and_again_ends_the_core(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    rig.run(5)
    broken = rig.session.pipeline
    rig.session._remake = lambda index, board: broken
    monkeypatch.setattr(broken, "push", lambda _: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        rig.run(5)
    monkeypatch.undo()


def test_the_session_clock_is_never_behind_the_sound_that_came_late_and_at_once(rig: Rig) -> None:
    rig.run(0.1)
    for _ in range(50):  # five seconds that had waited somewhere
        rig.device.deliver()
    rig.run(8)
    statuses = [m for m in rig.messages if isinstance(m, Status)]
    assert statuses[-1].index > 2000 * 11
    assert all(s.clock_s >= s.index / 2000 for s in statuses)
