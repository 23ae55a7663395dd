"""A real mosquitto for the tests of this folder."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from mosquitto import Mosquitto, program


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip, visibly, what needs a broker where there is none."""
    if program() is None:
        skip = pytest.mark.skip(reason="mosquitto is not installed")
        for item in items:
            if item.get_closest_marker("mqtt"):
                item.add_marker(skip)


@pytest.fixture
def mosquitto(tmp_path: Path) -> Iterator[Mosquitto]:
    """A running broker."""
    broker = Mosquitto(tmp_path / "mosquitto")
    broker.start()
    yield broker
    broker.stop()
    shutil.rmtree(tmp_path / "mosquitto", ignore_errors=True)
