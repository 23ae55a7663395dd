"""The sound of a session folder, closed or still growing, lies where that of a file does."""

from __future__ import annotations

import shutil
from types import SimpleNamespace

import numpy as np
import pytest
import record_sample
import soundfile

from monitor import events as ev
from monitor.cli.main import run
from monitor.clock import SystemClock
from monitor.config.load import Settings
from monitor.errors import InputError
from monitor.record import session_sound as heard
from monitor.record.export.model import from_event_file
from monitor.record.export.open import open_session
from monitor.sessionfolder import format as ff
from monitor.sessionfolder.segments import SegmentWriter
from monitor.sessionfolder.writer import FolderWriter

START, LENGTH = record_sample.GAP


def info(index=0):
    return ff.FolderInfo(
        version=ff.VERSION,
        session="s",
        name="phantom",
        source="phantom",
        device="phantom",
        rate_hz=2000,
        channels=1,
        software="apexbeat",
        models={},
        settings=Settings(),
        started=0.0,
        index=index,
    )


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    """The sample, and a session folder of the same run."""
    where = tmp_path_factory.mktemp("folder")
    sample = record_sample.write(where)
    sound, _ = soundfile.read(sample.sound, dtype="float32", always_2d=True)
    writer = FolderWriter(where / "kept", info(), SystemClock())
    for first in range(0, len(sound), 4000):
        if first == START:
            writer.take(ev.Lost(START, LENGTH, 320, "unplugged"))
        writer.take(ev.Block(sound[first : first + 4000], 2000, first))
    writer.events(tuple(sample.lines))
    writer.close()
    return SimpleNamespace(sample=sample, folder=where / "kept", sound=sound)


def test_a_session_folder_is_a_session_with_its_own_sound(kept):
    record = open_session(str(kept.folder), None, None)
    of_file = heard.load(from_event_file(kept.sample.events, kept.sample.sound))
    of_folder = heard.load(record)
    assert record.events == tuple(kept.sample.lines[1:-1])
    assert np.array_equal(np.isnan(of_folder), np.isnan(of_file))
    assert np.nanmax(np.abs(of_folder - of_file)) < 1e-3  # 16 bits against 32


def test_a_piece_that_still_grows_is_read_as_far_as_it_goes(kept, tmp_path):
    folder = tmp_path / "growing"
    shutil.copytree(kept.folder, folder)
    shutil.rmtree(folder / ff.SOUND)
    pcm = np.round(kept.sound * 32768).astype(np.int16)
    growing = SegmentWriter(folder / ff.SOUND, 2000, 1)
    growing.write(pcm[: 80 * 2000 + 1])
    assert [path.suffix for path in sorted((folder / ff.SOUND).iterdir())] == [".flac", ".part"]
    sound = heard.load(open_session(str(folder), None, None))
    there = np.flatnonzero(np.isfinite(sound))
    assert there[-1] == 80 * 2000 + LENGTH  # the gap included, one sample of the 81st second


def test_a_folder_that_goes_on_with_a_session_begins_where_it_says(kept, tmp_path):
    folder = tmp_path / "second"
    writer = FolderWriter(folder, info(index=START + LENGTH), SystemClock())
    writer.take(ev.Block(kept.sound[START:], 2000, 0))
    writer.close()
    sound = heard.load(from_event_file(kept.sample.events, folder))
    assert np.isnan(sound[: START + LENGTH]).all()
    whole = heard.load(from_event_file(kept.sample.events, kept.folder))
    assert np.allclose(sound[START + LENGTH :], whole[START + LENGTH :], atol=1e-3)


def test_a_report_of_a_session_folder_has_players(kept, tmp_path):
    assert run(["report", str(kept.folder), "-o", str(tmp_path / "r.html")]) == 0
    assert (tmp_path / "r.html").read_text("utf-8").count("<audio") == 3


def test_a_folder_that_is_no_session_is_refused_in_one_line(kept, tmp_path):
    with pytest.raises(InputError, match="not a session folder"):
        heard.load(from_event_file(kept.sample.events, tmp_path))
