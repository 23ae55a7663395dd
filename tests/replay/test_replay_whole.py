"""apexbeat replay as a whole: the same events however the sound is cut and paced, interrupts."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from clocks import VirtualClock
from process_tree import children, command_line

from monitor.capture.files import FileSource
from monitor.capture.source import paced
from monitor.cli.main import run
from monitor.config.load import Settings
from monitor.events import Block, Idle
from monitor.replay.batch import Options, processes, replay_all, replay_file
from monitor.replay.inputs import items

RECORDINGS = Path(__file__).resolve().parents[2] / "recordings"
MURMUR = RECORDINGS / "systolic_murmur.flac"


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    """Twelve seconds of the murmur at 4 kHz."""
    import soundfile as sf

    sound, rate = sf.read(MURMUR, dtype="int16", frames=12 * 4000)
    path = tmp_path_factory.mktemp("clip") / "clip.flac"
    sf.write(path, sound, rate)
    return path


@pytest.fixture(scope="module")
def reference(clip, models, tmp_path_factory):
    folder = tmp_path_factory.mktemp("reference")
    replay_file(clip, Settings(), models, Options(events=folder))
    return (folder / "clip.jsonl").read_bytes()


@pytest.mark.parametrize("frames", [7, 40, 997, 100_000])
def test_event_files_do_not_depend_on_the_blocks(frames, clip, models, reference, tmp_path):
    replay_file(clip, Settings(), models, Options(events=tmp_path, block_frames=frames))
    assert (tmp_path / "clip.jsonl").read_bytes() == reference


def test_event_files_do_not_depend_on_blocks_of_a_single_frame(models, tmp_path):
    import soundfile as sf

    sound, rate = sf.read(MURMUR, dtype="int16", frames=3 * 4000)
    path = tmp_path / "clip.wav"
    sf.write(path, sound, rate)
    for name, frames in (("one", 1), ("whole", None)):
        options = Options(events=tmp_path / name, block_frames=frames)
        options.events.mkdir()
        replay_file(path, Settings(), models, options)
    assert (tmp_path / "one/clip.jsonl").read_bytes() == (
        tmp_path / "whole/clip.jsonl"
    ).read_bytes()


def test_summary_and_events_of_a_minute_do_not_depend_on_the_blocks(models, tmp_path):
    """A block held more than was remembered: flat tops of a minute, sound of the last beats."""
    import numpy as np
    import soundfile as sf

    from dsp.phantom import PRESETS, render

    path = tmp_path / "minute.wav"
    sound = np.tile(render(PRESETS["murmur"]).sound[:60_000], 3)[:140_000]
    top = 0.3 * np.abs(sound).max()
    sf.write(path, np.clip(sound, -top, top), 2000)
    summaries = []
    for frames in (1000, 200_000):
        options = Options(events=tmp_path / str(frames), block_frames=frames)
        summaries.append(replay_file(path, Settings(), models, options))
    assert summaries[0] == summaries[1]
    assert summaries[0].loudness is not None
    small, large = (tmp_path / f"{frames}/minute.jsonl" for frames in (1000, 200_000))
    assert small.read_bytes() == large.read_bytes()
    assert b"flat tops" in small.read_bytes()


@pytest.mark.parametrize("speed", [1.0, 4.0])
def test_event_files_do_not_depend_on_the_pace(speed, clip, models, reference, tmp_path):
    clock = VirtualClock(0.0)
    options = Options(events=tmp_path, speed=speed)
    replay_file(clip, Settings(), models, options, clock=clock)
    assert (tmp_path / "clip.jsonl").read_bytes() == reference
    assert clock.now == pytest.approx(12 / speed)
    assert clock.sleeps == 120


def test_no_block_passes_before_its_last_frame_would_have_been_heard(clip):
    clock, told = VirtualClock(0.0), 0
    with FileSource(clip, block_s=0.1) as source:
        for block in paced(source, clock, 2.0):
            told += len(block.samples)
            assert clock.now == pytest.approx(told / 4000 / 2)


def test_a_future_that_changes_never_changes_the_past(models):
    import numpy as np
    import soundfile as sf

    from monitor.assembly import open_pipeline

    sound, rate = sf.read(MURMUR, dtype="float32", frames=16 * 4000)
    other = sound.copy()
    other[10 * rate :] = np.random.default_rng(0).normal(size=6 * rate) * 0.1

    def past(frames):
        with FileSource(MURMUR) as source:
            pipe = open_pipeline(Settings(), models, source)
        events = []
        for at in range(0, len(frames), 500):
            events += pipe.push(Block(frames[at : at + 500, None], rate, at)).events
        return [e for e in events if e.index <= 10 * 2000 - 500]

    assert past(sound) == past(other)
    assert len(past(sound)) > 20


def test_idleness_takes_its_time_too():
    import numpy as np

    class Source:
        def __iter__(self):
            yield Block(np.zeros((2000, 1), np.float32), 2000, 0)
            yield Idle(3.0)

    clock = VirtualClock(0.0)
    assert len(list(paced(Source(), clock, 1.0))) == 2
    assert clock.now == 4.0


def test_a_file_is_read_in_blocks_and_all_of_it(clip):
    with FileSource(clip, block_s=0.5) as source:
        blocks = list(source)
    assert {len(b.samples) for b in blocks} == {2000}
    assert [b.index for b in blocks] == list(range(0, 48_000, 2000))
    assert (source.name, source.rate_hz, source.channels) == ("clip.flac", 4000, 1)
    assert source.duration_s == 12.0


def test_workers_are_as_many_as_pay():
    assert processes(1, None) == processes(3, None) == 1
    assert processes(3, 8) == 3
    assert processes(100, 2) == 2
    assert processes(0, 4) == 1
    assert processes(1000, None) >= 1


def test_several_processes_give_the_same_files_in_the_same_order(clip, models, tmp_path):
    sounds, names = tmp_path / "in", ["a", "b", "c"]
    sounds.mkdir()
    for name in names:
        shutil.copy(clip, sounds / f"{name}.flac")
    (sounds / "bad.flac").write_bytes(b"no sound")
    files = [sounds / "c.flac", sounds / "bad.flac", sounds / "a.flac", sounds / "b.flac"]
    named = items(files, sounds)
    one, two = Options(events=tmp_path / "1"), Options(events=tmp_path / "2")
    for options in (one, two):
        options.events.mkdir()
    ours = list(replay_all(named, Settings(), one, models=models, jobs=1))
    theirs = list(replay_all(named, Settings(), two, jobs=2))
    assert theirs == ours
    assert [o.path for o in theirs] == files
    assert [o.summary is None for o in theirs] == [False, True, False, False]
    for name in names:
        assert (one.events / f"{name}.jsonl").read_bytes() == (
            two.events / f"{name}.jsonl"
        ).read_bytes()


def test_a_refused_model_is_told_by_several_processes_as_by_one(clip, tmp_path, capsys):
    sounds = tmp_path / "in"
    sounds.mkdir()
    for name in "ab":
        shutil.copy(clip, sounds / f"{name}.flac")
    (tmp_path / "m.pt").write_bytes(b"no model")
    code = run(["replay", str(sounds), "--model", str(tmp_path / "m.pt"), "--jobs", "2",
                "--sha256", "0" * 64])  # fmt: skip
    assert code == 5
    (line,) = capsys.readouterr().err.splitlines()
    assert "m.pt" in line


def test_a_stream_that_breaks_off_is_judged_as_far_as_it_goes(clip, models, tmp_path):
    broken = tmp_path / "clip.flac"
    broken.write_bytes(clip.read_bytes()[:-3000])
    events = tmp_path / "ev"
    events.mkdir()
    summary = replay_file(broken, Settings(), models, Options(events=events, block_frames=4000))
    assert not summary.complete
    assert 9 < summary.duration_s < 12
    [words] = summary.warnings
    assert words.startswith("cut short or damaged, ")
    assert os.listdir(events) == ["clip.jsonl"]


@pytest.mark.parametrize(
    ("sent", "jobs"), [(signal.SIGINT, 1), (signal.SIGTERM, 1), (signal.SIGINT, 2)]
)
def test_an_interrupt_in_the_middle_leaves_nothing_half_written(sent, jobs, clip, tmp_path):
    sounds, events = tmp_path / "in", tmp_path / "ev"
    sounds.mkdir()
    for n in range(jobs):
        shutil.copy(clip, sounds / f"{n}.flac")
    process = subprocess.Popen(
        [sys.executable, "-m", "monitor.cli.main", "replay", str(sounds), "--pace", "realtime",
         "--jobs", str(jobs), "--events", str(events)],
        stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True,
        preexec_fn=_hears_ctrl_c,  # noqa: PLW1509 - no thread runs here
    )  # fmt: skip
    try:
        _wait_for_parts(process, events, jobs)
        os.killpg(process.pid, sent) if sent == signal.SIGINT else process.send_signal(sent)
        out, err = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == 130
    assert out == ""
    assert err == "apexbeat: interrupted\n"
    assert os.listdir(events) == []


@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="needs /proc")
def test_a_worker_that_is_killed_is_told_in_one_line_and_nothing_is_left_running(clip, tmp_path):
    sounds, events = tmp_path / "in", tmp_path / "ev"
    sounds.mkdir()
    for n in range(2):
        shutil.copy(clip, sounds / f"{n}.flac")
    process = subprocess.Popen(
        [sys.executable, "-m", "monitor.cli.main", "replay", str(sounds), "--pace", "realtime",
         "--jobs", "2", "--events", str(events)],
        stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        _wait_for_parts(process, events, 2)
        workers = [pid for pid in children(process.pid) if b"spawn_main" in command_line(pid)]
        assert len(workers) == 2
        os.kill(workers[0], signal.SIGKILL)
        out, err = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == 1
    assert out == ""
    assert err == "apexbeat: a worker process died (out of memory?); use --jobs 1\n"
    assert not list(events.glob("*.jsonl"))
    assert not any(Path(f"/proc/{pid}").exists() for pid in workers)


def _hears_ctrl_c():
    """A test run in the background of a shell would hand down a SIGINT that is ignored."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def _wait_for_parts(process, events, count):
    """Until so many event files are being written."""
    for _ in range(6000):
        if events.is_dir() and len(list(events.glob("*.part"))) >= count:
            return
        assert process.poll() is None, process.communicate()
        time.sleep(0.01)  # another process works; there is nothing else to wait on
    raise AssertionError("no event file was begun")


def test_selftest_passes_and_says_what_it_checked(capsys):
    assert run(["selftest"]) == 0
    out = capsys.readouterr().out
    assert len(out.splitlines()) == 6
    assert all(line.startswith("ok ") for line in out.splitlines())


def test_a_summary_is_readable_without_unicode():
    result = subprocess.run(
        [sys.executable, "-m", "monitor.cli.main", "replay", str(RECORDINGS / "normal.wav")],
        capture_output=True, env={**os.environ, "PYTHONIOENCODING": "ascii"},
    )  # fmt: skip
    assert result.returncode == 0
    text = result.stdout.decode("ascii")
    assert "verdict" in text
    assert "###" in text
    assert result.stderr == b""
