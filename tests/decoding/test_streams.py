"""Streams, blocks, dropouts, and folders that are filled."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from pathlib import Path

import field_files as ff
import numpy as np
import pytest
import soundfile as sf

from monitor.capture.dropouts import DropoutFinder
from monitor.capture.files import FileSource
from monitor.config.load import Settings
from monitor.decoding import opening
from monitor.events import Block
from monitor.replay.batch import Options, replay_file
from monitor.replay.inputs import collect, search
from monitor.replay.watch import PATIENCE_S, SETTLED_S, whole_files

ROOT = Path(__file__).resolve().parents[2]


# ------------------------------------------------------------ streams


def piped(data: bytes, *arguments: str) -> tuple[int, str, str]:
    call = [sys.executable, "-m", "monitor.cli.main", "replay", *arguments]
    done = subprocess.run(call, input=data, capture_output=True, cwd=ROOT)
    return done.returncode, done.stdout.decode(), done.stderr.decode()


def test_streams_are_heard_as_files_are(made, plain, tmp_path):
    data = ff.pcm(made.sound)
    size = len(data)
    flac = tmp_path / "a.flac"
    sf.write(flac, made.sound, 2000)
    streams = {
        "a WAV": (ff.riff(data, 2000, size), []),
        "a WAV with a tail": (ff.riff(data, 2000, size) + b"LIST\x04\0\0\0abcd", []),
        "no length": (ff.riff(data, 2000, 0xFFFFFFFF), []),
        "arecord": (ff.riff(data, 2000, 0x80000000), []),
        "FLAC": (flac.read_bytes(), []),
        "raw": (data, ["--raw", "2000:S16_LE:1"]),
    }
    for name, (content, more) in streams.items():
        code, out, err = piped(content, "-", "--json", *more)
        assert (code, err) == (0, ""), name
        summary = json.loads(out)
        assert summary["name"] == "stdin"
        assert summary["complete"], name
        assert summary["beats"] == pytest.approx(plain.beats, abs=1)
        assert summary["p"] == pytest.approx(plain.verdict.p, abs=0.005)


def test_a_stream_that_ends_early_or_late_is_told(made):
    data = ff.pcm(made.sound)
    code, out, err = piped(ff.riff(data[:40_000], 2000, len(data)), "-", "--json")
    assert code == 0
    assert "cut short, 10.0 s of 16.0 s" in err
    assert not json.loads(out)["complete"]
    code, out, err = piped(ff.riff(data, 2000, 20_000), "/dev/stdin", "--json")
    assert code == 0
    assert "less sound than came" in err
    assert json.loads(out)["duration_s"] == 16.0
    assert piped(b"", "-")[0] == 3
    assert piped(b"nothing that is known", "-")[0] == 3


def test_a_fifo_is_heard_while_it_is_written(made, models, tmp_path):
    path = tmp_path / "pipe"
    os.mkfifo(path)
    data = ff.riff(ff.pcm(made.sound), 2000, 0x7FFFF000)

    def write():
        with path.open("wb") as pipe:
            for at in range(0, len(data), 1001):
                pipe.write(data[at : at + 1001])

    writer = threading.Thread(target=write)
    writer.start()
    summary = replay_file(path, Settings(), models, Options(events=tmp_path / "ev"))
    writer.join()
    assert summary.duration_s == 16.0
    assert summary.complete
    assert (tmp_path / "ev" / "pipe.jsonl").is_file()


def test_decoders_are_silent_on_standard_error(tmp_path, made):
    path = tmp_path / "a.mp3"
    try:
        sf.write(path, np.repeat(made.sound, 8), 16_000, format="MP3")
    except (TypeError, ValueError, sf.LibsndfileError):
        pytest.skip("this libsndfile writes no MP3")
    content = bytearray(path.read_bytes())
    rng = np.random.default_rng(1)
    for at in rng.integers(3000, len(content), 60):
        content[at] = int(rng.integers(256))
    path.write_bytes(content[: len(content) * 2 // 3])
    call = [sys.executable, "-m", "monitor.cli.main", "replay", str(path), "--json"]
    done = subprocess.run(call, capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0
    assert all(line.startswith("apexbeat: ") for line in done.stderr.splitlines()), done.stderr
    assert not json.loads(done.stdout)["complete"]


# ------------------------------------------------------------ blocks, gaps and dropouts


@pytest.mark.parametrize("block", [1, 7, 333, 4000, 10**6])
def test_what_is_found_does_not_depend_on_the_cut(block, made):
    sound = (np.round(made.sound * 32767) / 32768).astype(np.float32)
    sound[4000:4300] = 0
    sound[9000:9200] = sound[8999]
    sound[15_000:15_200] = sound[14_800:15_000]
    finder, at, found = DropoutFinder(2000), 0, []
    stretches = [s for a in range(0, len(sound), block) for s in finder.push(sound[a : a + block])]
    for stretch in [*stretches, *finder.flush()]:
        if stretch.words:
            found.append((at, at + stretch.frames, stretch.words))
        at += stretch.frames
    assert at == len(sound)
    assert [words for *_, words in found] == ["zeros", "one value held", "a buffer repeated"]
    for (first, last, _), (begin, end) in zip(
        found, ((4000, 4300), (8999, 9200), (15_000, 15_200)), strict=True
    ):
        assert first == pytest.approx(begin, abs=3)
        assert last == pytest.approx(end, abs=3)


def test_shipped_recordings_have_no_dropouts_and_no_warnings():
    for path in search(ROOT / "recordings").files:
        with FileSource(path) as source:
            assert all(isinstance(item, Block) for item in source)
            assert source.complete
            assert source.warnings == []


# ------------------------------------------------------------ folders


def test_every_kind_of_a_folder_is_taken_and_the_rest_counted(made, tmp_path):
    for name in ("a.wav", "b.FLAC", "c.ogg", "d.aiff"):
        sf.write(tmp_path / name, made.sound, 2000)
    for name in ("e.m4a", "f.3gp", "notes.txt", "g.csv", "h.csv", "i"):
        (tmp_path / name).write_bytes(b"x")
    found = collect([tmp_path])
    assert [item.name for item in found.files] == [
        "a.wav", "b.FLAC", "c.ogg", "d.aiff", "e.m4a", "f.3gp",
    ]  # fmt: skip
    [words] = found.told
    assert words.endswith("4 other files left out (2 .csv, 1 without a suffix, 1 .txt)")
    assert {".m4a", ".amr"} <= opening.MEDIA


class Steps:
    """A clock that runs a step of a story each time somebody sleeps."""

    def __init__(self, *story):
        self._story, self._now = list(story), 0.0

    def monotonic(self):
        return self._now

    def sleep(self, seconds):
        self._now += seconds
        if self._story:
            self._story.pop(0)()


def test_a_folder_that_is_filled_is_followed(made, tmp_path):
    data = ff.pcm(made.sound)
    whole = ff.riff(data, 2000, len(data))
    slow, quick = tmp_path / "slow.wav", tmp_path / "deep" / "quick.wav"

    def begin():
        quick.parent.mkdir()
        quick.write_bytes(whole)
        slow.write_bytes(whole[:5000])

    def more():
        slow.write_bytes(whole[:20_000])

    clock = Steps(lambda: None, begin, more)
    seen = []
    for path in whole_files(tmp_path, clock):
        if path is not None:
            seen.append((path.name, clock.monotonic()))
        if clock.monotonic() > 60:
            break
    assert [name for name, _ in seen] == ["quick.wav", "slow.wav"]
    assert SETTLED_S <= seen[0][1] < PATIENCE_S < seen[1][1]


def test_watching_writes_event_files_and_ends_with_an_interrupt(made, tmp_path, capsys):
    from monitor.cli.replay_output import ReplayOutput
    from monitor.cli.replay_watch import follow

    inbox, events = tmp_path / "in", tmp_path / "ev"
    (inbox / "p1").mkdir(parents=True)
    sf.write(inbox / "p1" / "a.wav", made.sound, 2000)
    (inbox / "bad.wav").write_bytes(b"no sound")

    def interrupt():
        raise KeyboardInterrupt

    story = [lambda: None] * 40 + [interrupt]
    code = follow((inbox,), Settings(), Options(events=events), ReplayOutput(True), Steps(*story))
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert code == 1
    assert {line.get("name") for line in lines} == {"p1/a.wav", "bad.wav"}
    assert [p.relative_to(events).as_posix() for p in events.rglob("*.*")] == ["p1/a.jsonl"]
    again = follow(
        (inbox,), Settings(), Options(events=events), ReplayOutput(True), Steps(interrupt)
    )
    assert again == 0
    capsys.readouterr()
