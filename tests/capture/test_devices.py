"""Devices are found by what a person calls them, and never taken for one another."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from monitor.capture.devices import choose, from_portaudio
from monitor.capture.route import RecordingStream, parse
from monitor.errors import DeviceError, UsageError

HOSTS = [{"name": "ALSA"}, {"name": "JACK Audio"}]


def _entry(name: str, host: int = 0, channels: int = 1) -> dict[str, Any]:
    return {
        "name": name, "hostapi": host, "max_input_channels": channels,
        "default_samplerate": 48000.0,
    }  # fmt: skip


def _cards(folder: Path, number: int) -> Path:
    card = folder / f"card{number}"
    card.mkdir()
    (card / "usbid").write_text("0d8c:0014\n")
    (card / "id").write_text("Device\n")
    return folder


def test_the_identity_of_a_usb_device_outlives_another_card_number(tmp_path: Path) -> None:
    one = from_portaudio([_entry("USB Stethoscope: Audio (hw:1,0)")], HOSTS, 0, _cards(tmp_path, 1))
    (tmp_path / "card1").rename(tmp_path / "card3")
    two = from_portaudio([_entry("USB Stethoscope: Audio (hw:3,0)")], HOSTS, 0, tmp_path)
    assert one[0].identity == two[0].identity
    assert "0d8c:0014" in one[0].identity


def test_outputs_are_no_inputs_and_the_default_is_marked(tmp_path: Path) -> None:
    found = from_portaudio([_entry("out", channels=0), _entry("mic")], HOSTS, 1, tmp_path)
    assert [(d.name, d.default, d.index) for d in found] == [("mic", True, 1)]


def test_two_of_one_name_are_told_apart(tmp_path: Path) -> None:
    found = from_portaudio([_entry("mic"), _entry("mic"), _entry("mic", 1)], HOSTS, 0, tmp_path)
    assert len({d.identity for d in found}) == 3
    with pytest.raises(DeviceError, match="matches 3 devices"):
        choose(found, "mic")
    assert choose(found, found[1].identity) is found[1]


def test_a_name_a_part_of_it_and_a_pattern_find_the_device(tmp_path: Path) -> None:
    entries = [_entry("Built-in"), _entry("USB Stethoscope"), _entry("USB Headset")]
    found = from_portaudio(entries, HOSTS, 0, tmp_path)
    for wanted in ("USB Stethoscope", "usb stethoscope", "steth", "^usb.*scope$", "alsa:USB Steth"):
        assert choose(found, wanted) is found[1]


def test_what_fits_several_lists_them(tmp_path: Path) -> None:
    found = from_portaudio([_entry("USB A"), _entry("USB B"), _entry("C")], HOSTS, 0, tmp_path)
    with pytest.raises(DeviceError, match="'USB A', 'USB B'"):
        choose(found, "usb")
    with pytest.raises(DeviceError, match="which device"):
        choose(found, "")


def test_what_fits_none_lists_all(tmp_path: Path) -> None:
    found = from_portaudio([_entry("C")], HOSTS, 0, tmp_path)
    with pytest.raises(DeviceError, match="'C'"):
        choose(found, "usb")
    with pytest.raises(UsageError, match="neither a name nor a valid regular"):
        choose(found, "[")


def test_the_only_device_needs_no_name_and_none_is_an_error(tmp_path: Path) -> None:
    found = from_portaudio([_entry("C")], HOSTS, 0, tmp_path)
    assert choose(found, "") is found[0]
    with pytest.raises(DeviceError, match="no input device"):
        choose([], "")


def test_a_hostile_name_is_harmless(tmp_path: Path) -> None:
    [device] = from_portaudio([_entry("a\x1b[2Jb\n" + "x" * 5000)], HOSTS, 0, tmp_path)
    assert "\x1b" not in device.name + device.identity
    assert "\n" not in device.name
    assert len(device.name) <= 120


OUTPUTS = """\
Source Output #4
\tDriver: protocol-native.c
\tSource: 1
\tProperties:
\t\tapplication.process.id = "77"

Source Output #9
\tSource: 3
\tProperties:
\t\tapplication.process.id = "12"
"""


def test_the_source_that_feeds_us_is_read_from_the_servers_list() -> None:
    sources = "1\tvmic.monitor\tmodule\n3\tlaptop\tmodule\n"
    assert parse(OUTPUTS, sources, 77) == [RecordingStream(4, "vmic.monitor")]
    assert parse(OUTPUTS, "", 12) == [RecordingStream(9, "#3")]
    assert parse(OUTPUTS, sources, 1) == []
    assert parse("", "", 77) == []
