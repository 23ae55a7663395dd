"""A session folder gives again exactly what was put into it, also after a kill."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from monitor import events as ev
from monitor.clock import SystemClock
from monitor.config.load import Settings
from monitor.errors import InputError, RecordError
from monitor.sessionfolder import format as ff
from monitor.sessionfolder.pieces import SessionSound
from monitor.sessionfolder.reader import FolderSource, is_session_folder
from monitor.sessionfolder.segments import SegmentWriter
from monitor.sessionfolder.writer import FolderWriter

RATE = 4000


def _info(channels: int = 1) -> ff.FolderInfo:
    return ff.FolderInfo(
        version=ff.VERSION, session="s", name="n", source="live", device="alsa:x", rate_hz=RATE,
        channels=channels, software="apexbeat 0", models={"student": "00"}, settings=Settings(),
        started=1.0,
    )  # fmt: skip


def _blocks(rng: np.random.Generator, count: int, channels: int, index: int) -> ev.Block:
    frames = rng.integers(-32768, 32768, (count, channels)).astype(np.int16)
    return ev.Block(frames.astype(np.float32) / np.float32(32768), RATE, index)


_other = st.sampled_from(
    [
        ev.Idle(0.25),
        ev.Lost(10, 200, 5, "stalled\n☃"),
        ev.Command("acknowledge", 5, alarm="tachycardia"),
        ev.Command("limits", 5, limits={"tachycardia": 130.0}),
        ev.Condition("wrong_input", True, "moved"),
    ]
)


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    steps=st.lists(st.one_of(st.integers(1, 5000), _other), max_size=12),
    channels=st.sampled_from([1, 2]),
)
def test_inputs_come_back_in_order_and_the_sound_bit_for_bit(
    tmp_path_factory: pytest.TempPathFactory, steps: list[int | ev.Input], channels: int
) -> None:
    folder = tmp_path_factory.mktemp("f") / "s"
    rng = np.random.default_rng(0)
    writer = FolderWriter(folder, _info(channels), SystemClock())
    given_sound, given_others, done = [], [], 0
    for step in steps:
        if isinstance(step, int):
            block = _blocks(rng, step, channels, done)
            done += step
            given_sound.append(block.samples)
            writer.take(block)
        else:
            writer.take(step)
            given_others.append((done, step))
    writer.close()
    assert writer.trouble() is None
    source = FolderSource(folder)
    sound, others, at = [], [], 0
    for item in source:
        if isinstance(item, ev.Block):
            assert item.index == at
            at += len(item.samples)
            sound.append(item.samples)
        else:
            others.append((at, item))
    assert others == given_others
    assert at == done
    if done:
        assert np.array_equal(np.concatenate(sound), np.concatenate(given_sound))
    assert source.complete
    assert is_session_folder(folder)


def test_a_minute_of_sound_becomes_flac_and_the_next_piece_begins(tmp_path: Path) -> None:
    folder = tmp_path / "s"
    writer = FolderWriter(folder, _info(), SystemClock())
    block = _blocks(np.random.default_rng(0), 70 * RATE, 1, 0)
    writer.take(block)
    writer.close()
    assert sorted(p.name for p in (folder / "sound").iterdir()) == ["000001.flac", "000002.flac"]
    sound = [i.samples for i in FolderSource(folder) if isinstance(i, ev.Block)]
    assert np.array_equal(np.concatenate(sound), block.samples)


def test_what_a_kill_left_is_read_as_far_as_it_goes(tmp_path: Path) -> None:
    folder = tmp_path / "s"
    (folder / "sound").mkdir(parents=True)
    whole = FolderWriter(tmp_path / "other", _info(), SystemClock())
    whole.close()
    (folder / ff.INFO).write_bytes((tmp_path / "other" / ff.INFO).read_bytes())
    frames = np.arange(1000, dtype="<i2")
    data = b"\0" * ff.HEADER + frames.tobytes() + b"\1"
    (folder / "sound" / "000001.wav.part").write_bytes(data)
    (folder / ff.INPUTS).write_bytes(
        b'{"input":"sound","frames":600}\n{"input":"idle","seconds":0.5}\n'
        b'{"input":"sound","frames":900}\n{"input":"id'
    )
    source = FolderSource(folder)
    items = list(source)
    kinds = [type(item).__name__ for item in items]
    assert kinds == ["Block", "Idle", "Block"]
    assert sum(len(i.samples) for i in items if isinstance(i, ev.Block)) == 1000
    assert not source.complete


def test_a_folder_that_exists_is_never_written_into(tmp_path: Path) -> None:
    folder = tmp_path / "s"
    folder.mkdir()
    (folder / "mine").write_text("dear")
    writer = FolderWriter(folder, _info(), SystemClock())
    writer.wait_made(30)
    assert writer.folder == tmp_path / "s-2"
    writer.close()
    assert [path.name for path in folder.iterdir()] == ["mine"]


def test_a_folder_that_cannot_be_made_is_told_and_nothing_waits_for_it(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    writer = FolderWriter(tmp_path / "file" / "s", _info(), SystemClock())
    with pytest.raises(RecordError, match="not a directory"):
        writer.wait_made(30)


def test_what_is_no_session_folder_is_refused(tmp_path: Path) -> None:
    assert not is_session_folder(tmp_path)
    with pytest.raises(InputError, match="not a session folder"):
        FolderSource(tmp_path)
    (tmp_path / ff.INFO).write_text("{}")
    with pytest.raises(InputError):
        FolderSource(tmp_path)


def test_a_folder_whose_first_sound_was_deleted_by_age_is_not_replayed(tmp_path: Path) -> None:
    writer = SegmentWriter(tmp_path / "sound", 10, 1)
    for _ in range(2):
        writer.write(np.zeros((600, 1), np.int16))
    writer.close()
    (tmp_path / "sound" / "000001.flac").unlink()
    with pytest.raises(InputError, match="deleted when its days were over"):
        SessionSound(tmp_path / "sound", 1, RATE).require_begin()
