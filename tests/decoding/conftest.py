"""A heart, and what is said of a plain WAV of it."""

from __future__ import annotations

import field_files as ff
import pytest
import soundfile as sf

from monitor.config.load import Settings
from monitor.replay.batch import Options, replay_file


@pytest.fixture(scope="module")
def made():
    return ff.heart(11, 16.0, 2000)


@pytest.fixture
def hear(models):
    def hearing(path, **options):
        return replay_file(path, Settings(), models, Options(**options))

    return hearing


@pytest.fixture(scope="module")
def plain(models, made, tmp_path_factory):
    """What is said of a WAV of the heart."""
    path = tmp_path_factory.mktemp("plain") / "plain.wav"
    sf.write(path, made.sound, 2000)
    return replay_file(path, Settings(), models, Options())
