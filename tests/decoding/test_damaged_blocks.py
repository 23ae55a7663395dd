"""A damaged block within a file: the sound after it is heard, and what is lost is a gap."""

from __future__ import annotations

import json

import field_files as ff
import numpy as np
import pytest
import soundfile as sf

from monitor.assembly import open_models
from monitor.config.load import Settings
from monitor.decoding.decoder import Missing
from monitor.decoding.opening import open_decoder
from monitor.replay.batch import Options, replay_file


def damaged(path, made, chance, places=1):
    """A FLAC in which some bytes are not what they were."""
    sf.write(path, made.sound, made.rate_hz)
    content = bytearray(path.read_bytes())
    for place in range(places):
        at = round(len(content) * chance.uniform(0.3, 0.7)) + 4000 * place
        for byte in range(at, at + 40):
            content[byte] ^= 0x5A
    path.write_bytes(content)


@pytest.mark.parametrize("seed", range(5))
def test_a_heart_is_heard_beyond_a_damaged_block_of_flac(seed, tmp_path):
    made = ff.heart(seed, 24.0, 4000)
    path = tmp_path / "damaged.flac"
    damaged(path, made, np.random.default_rng(seed))
    settings = Settings()
    summary = replay_file(path, settings, open_models(settings), Options(events=tmp_path))
    [words] = summary.warnings
    assert "cannot be decoded" in words
    assert not summary.complete
    assert summary.duration_s == pytest.approx(24.0, abs=0.01)
    assert summary.rate == pytest.approx(made.per_minute, rel=0.1)
    lines = [json.loads(line) for line in (tmp_path / "damaged.jsonl").read_text().splitlines()]
    [gap] = [line for line in lines if line["type"] == "gap"]
    assert gap["reason"] == "damaged"
    assert gap["length"] < 5 * 2000
    assert max(line["s1"] or 0 for line in lines if line["type"] == "beat") > 20 * 2000


@pytest.mark.parametrize("block", [1, 777, 100_000])
def test_frames_and_what_is_missing_add_up_however_they_are_read(block, tmp_path):
    made = ff.heart(3, 6.0 if block == 1 else 30.0, 4000)
    path = tmp_path / "damaged.flac"
    damaged(path, made, np.random.default_rng(7), places=1 if block == 1 else 3)
    done = lost = 0
    with open_decoder(path) as decoder:
        while True:
            piece = decoder.read(block)
            if isinstance(piece, Missing):
                assert 0 < piece.frames <= block
                lost += piece.frames
                continue
            if not len(piece):
                break
            assert piece[:, 0] == pytest.approx(made.sound[done + lost :][: len(piece)], abs=1e-4)
            done += len(piece)
        assert done + lost == decoder.frames == len(made.sound)
        assert lost > 0
        assert decoder.trouble.startswith("damaged, ")
