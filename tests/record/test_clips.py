"""A clip around each alarm, kept until it is old, and never lost before it was answered."""

from __future__ import annotations

import os
import stat
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import soundfile as sf
from waiting import until

from monitor.clock import SystemClock
from monitor.events import Alarm, AlarmState, WaveformChunk
from monitor.record.clips import DAY_S, Clips, joined, kept_clips, purge
from monitor.record.report.excerpts import choose_clips

STEP = 1000


def _alarm(index: int, state: AlarmState = "active") -> Alarm:
    return Alarm(index=index, kind="tachycardia", priority="medium", state=state, evidence="")


def _picture(start: int) -> WaveformChunk:
    samples = ((np.arange(start, start + STEP) % 1000) / 4000).astype(np.float32)
    return WaveformChunk(start, samples, -10.0, 0)


def test_a_clip_has_ten_seconds_before_and_twenty_after(tmp_path: Path) -> None:
    clips = Clips(tmp_path, "s", SystemClock(), set)
    for start in range(0, 120_000, STEP):
        if start == 60_000:
            clips.alarm(_alarm(60_000))
        clips.picture(_picture(start))
    clips.close()
    assert clips.trouble is None
    [file] = (tmp_path / "clips" / "s").iterdir()
    assert file.name == "000000060000-tachycardia.flac"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    sound, rate = sf.read(file)
    assert rate == 2000
    assert len(sound) == pytest.approx(60_000, abs=2 * STEP)
    start = 100_000 - 20_000 - len(sound) + 0  # it ends 20 s after the alarm
    assert sound[:3] == pytest.approx([0.0, 1 / 4000, 2 / 4000], abs=1e-6)
    assert start <= 40_000


def test_a_clip_that_the_end_cuts_is_kept(tmp_path: Path) -> None:
    clips = Clips(tmp_path, "s", SystemClock(), set)
    clips.picture(_picture(0))
    clips.alarm(_alarm(1000))
    clips.picture(_picture(1000))
    clips.close()
    [file] = (tmp_path / "clips" / "s").iterdir()
    assert sf.info(file).frames == 2 * STEP


def test_an_alarm_before_the_first_sound_keeps_what_follows(tmp_path: Path) -> None:
    clips = Clips(tmp_path, "s", SystemClock(), set)
    clips.alarm(_alarm(1000))
    until(lambda: len(list((tmp_path / "clips" / "s").glob("*.flac"))) == 1)
    for start in range(1000, 12_000, STEP):
        clips.picture(_picture(start))
    clips.close()
    [one] = kept_clips(tmp_path / "clips" / "s")
    assert one.start == 1000
    assert sf.info(one.path).frames == 11 * STEP


def test_only_an_alarm_that_becomes_active_makes_a_clip(tmp_path: Path) -> None:
    clips = Clips(tmp_path, "s", SystemClock(), set)
    for state in ("pending", "acknowledged", "latched", "inactive"):
        clips.alarm(_alarm(5, state))  # type: ignore[arg-type]
    clips.close()
    assert not (tmp_path / "clips").exists()


def test_what_a_person_keeps_is_the_last_half_minute_and_goes_by_age_alone(tmp_path: Path) -> None:
    clips = Clips(tmp_path, "s", SystemClock(), set, quota_bytes=1)
    for start in range(0, 100_000, STEP):
        clips.picture(_picture(start))
    clips.keep(100_000)
    clips.keep(100_500)
    clips.close()
    [one, _] = kept_clips(tmp_path / "clips" / "s")
    assert (one.index, one.kind, one.start) == (100_000, "kept", 40_000)
    assert one.read().size == 60_000
    shown = choose_clips(SimpleNamespace(alarms=[]), tmp_path / "clips" / "s")  # type: ignore[arg-type]
    assert [(moment.start, moment.stop) for moment, _ in shown] == [(80_000, 100_000)] * 2
    assert purge(tmp_path / "clips", 1.0, 1, set(), time.time()) == []
    assert len(purge(tmp_path / "clips", 1.0, 1, set(), time.time() + 90_000)) == 2


def test_lost_sound_within_a_clip_is_silence() -> None:
    sound = joined([_picture(0), _picture(3000)])
    assert len(sound) == 4000
    assert not sound[1000:3000].any()
    assert sound[3001] > 0


def test_a_gap_of_hours_makes_no_endless_clip() -> None:
    assert len(joined([_picture(0), _picture(10**9)])) <= 100_000


def _old(root: Path, session: str, index: int, days: float, now: float) -> Path:
    path = root / session / f"{index:012d}-x.flac"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"x" * 100)
    os.utime(path, (now - days * DAY_S, now - days * DAY_S))
    return path


def test_old_clips_go_and_unanswered_ones_stay(tmp_path: Path) -> None:
    now = 1e9
    paths = [_old(tmp_path, "s", k, 9 - k, now) for k in range(5)]
    assert purge(tmp_path, 7, 10**6, {("s", 0)}, now) == [paths[1]]
    assert paths[0].exists()


def test_beyond_the_quota_the_oldest_go_first(tmp_path: Path) -> None:
    now = 1e9
    paths = [_old(tmp_path, "s", k, 5 - k, now) for k in range(5)]
    assert purge(tmp_path, 7, 250, {("s", 0)}, now) == paths[1:4]


class _Disk:
    """Refuses to take a file until it is told not to."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.full, self.tries, self._open = True, 0, sf.SoundFile
        monkeypatch.setattr("monitor.record.clips.sf.SoundFile", self.open)
        monkeypatch.setattr("monitor.record.clips.RETRY_S", 0.02)

    def open(self, *args: object, **how: object) -> sf.SoundFile:
        self.tries += 1
        if self.full:
            raise OSError(28, "No space left on device")
        return self._open(*args, **how)


def test_a_clip_that_a_full_disk_refused_is_told_and_written_when_there_is_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was thrown away at the first refusal."""
    disk = _Disk(monkeypatch)
    clips = Clips(tmp_path, "s", SystemClock(), set)
    clips.picture(_picture(0))
    clips.alarm(_alarm(1000))
    until(lambda: disk.tries > 2)
    assert clips.trouble == "No space left on device"
    disk.full = False
    until(lambda: clips.trouble is None)
    clips.close(30)
    [file] = (tmp_path / "clips" / "s").iterdir()
    assert sf.info(file).frames == STEP


def test_a_core_that_is_killed_leaves_the_sound_before_its_last_alarm(tmp_path: Path) -> None:
    """Nothing was written before twenty seconds after the alarm."""
    clips = Clips(tmp_path, "s", SystemClock(), set)
    for start in range(0, 20_000, STEP):
        clips.picture(_picture(start))
    clips.alarm(_alarm(20_000))
    file = tmp_path / "clips" / "s" / "000000020000-tachycardia.flac"
    until(file.exists)  # and nothing more is done: this is all that a killed core does
    assert sf.info(file).frames == 20_000


def test_a_clip_that_nobody_finished_goes_after_an_hour(tmp_path: Path) -> None:
    now = 1e9
    part, new = tmp_path / "s" / "1-x.flac.part", tmp_path / "s" / "2-x.flac.part"
    part.parent.mkdir()
    for path, age_s in ((part, 7200), (new, 60)):
        path.write_bytes(b"x")
        os.utime(path, (now - age_s, now - age_s))
    assert purge(tmp_path, 7, 10**6, set(), now) == [part]
