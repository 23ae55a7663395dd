"""Metrics: known names, for the loopback only, about nobody."""

from __future__ import annotations

import socket
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from reports import raised, state
from waiting import free_port

from monitor.config.load import Outward as Settings
from monitor.errors import UsageError
from monitor.integrations.publisher import Publisher
from monitor.integrations.table import HELP, Table


@pytest.fixture
def metrics(tmp_path: Path) -> Iterator[tuple[Publisher, str]]:
    port = free_port()
    outward = Publisher(Settings(metrics_port=port), tmp_path)
    outward.start()
    yield outward, f"http://127.0.0.1:{port}/metrics"
    outward.close()


def test_metrics_are_counters_and_gauges_of_the_known_names_and_name_nobody(
    metrics: tuple[Publisher, str],
) -> None:
    outward, address = metrics
    outward.event("canary-session", 0.0, raised())
    outward.state(state())
    with urllib.request.urlopen(address, timeout=5) as answer:
        text = answer.read().decode()
        assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
    assert 'apexbeat_heart_rate_per_minute{slot="1"} 71.5\n' in text
    assert 'apexbeat_alarms_total{kind="heart_lost",priority="high",slot="1"} 1\n' in text
    assert 'apexbeat_alarms_open{priority="high",slot="1"} 1\n' in text
    assert "canary" not in text
    kinds = [line.split() for line in text.splitlines() if line.startswith("# TYPE")]
    assert {kind for *_, kind in kinds} == {"counter", "gauge"}
    assert {name.removeprefix("apexbeat_") for _, _, name, _ in kinds} <= set(HELP)
    assert all(name.endswith("_total") == (kind == "counter") for _, _, name, kind in kinds)
    outward.state(state(rate=None))
    assert "heart_rate" not in urllib.request.urlopen(address, timeout=5).read().decode()


def status(request: urllib.request.Request) -> int:
    try:
        with urllib.request.urlopen(request, timeout=5) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        error.close()
        return error.code


def test_metrics_answer_to_the_loopback_by_its_own_names_only(
    metrics: tuple[Publisher, str],
) -> None:
    _, address = metrics
    for headers, path, expected in (
        ({"Host": "evil.example"}, "", 403), ({"Host": "127.0.0.1:1"}, "", 200),
        ({"Host": "localhost"}, "/other", 404), ({"Host": "[::1]:9"}, "", 200),
    ):  # fmt: skip
        request = urllib.request.Request(address + path, headers=headers)
        assert status(request) == expected
    port = int(address.rpartition(":")[2].partition("/")[0])
    listening = Path("/proc/net/tcp").read_text()
    assert f"0100007F:{port:04X} 00000000:0000 0A" in listening
    assert f"00000000:{port:04X} 00000000:0000 0A" not in listening


def test_a_port_that_is_taken_is_one_line_and_no_reason_not_to_go_on(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        settings = Settings(metrics_port=taken.getsockname()[1])
        with pytest.raises(UsageError, match=r"outward\.metrics_port.*in use"):
            Publisher(settings, tmp_path)
        outward = Publisher(settings, tmp_path, strict=False)
        assert "in use" in outward.troubles()[0]
        outward.close()


def test_a_label_is_escaped() -> None:
    table = Table()
    table.add("alarms_total", kind='a"b\\c\nd')
    assert 'kind="a\\"b\\\\c\\nd"} 1' in table.text()
