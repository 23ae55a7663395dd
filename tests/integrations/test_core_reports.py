"""A real core with a phantom heart reports to a real broker, over a kill, to its orderly end."""

from __future__ import annotations

import contextlib
import json
import socket
import urllib.request
from pathlib import Path

import pytest
from mosquitto import Listener, Mosquitto
from waiting import free_port
from whole_monitor import monitor


@pytest.mark.mqtt
def test_a_core_reports_over_its_own_death_and_says_when_it_ends(
    mosquitto: Mosquitto, tmp_path: Path
) -> None:
    listener = Listener(mosquitto.broker, "apexbeat/#")
    port = free_port()
    settings = ("sound.alarms=false", "outward.bed=b", "outward.mqtt_host=127.0.0.1",
                f"outward.mqtt_port={mosquitto.port}",
                f"outward.metrics_port={port}", "alarms.tachycardia=70",
                "alarms.rate_delay_s=1")  # fmt: skip
    options = [word for setting in settings for word in ("--set", setting)]
    service = {"NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "600000"}

    def states() -> list[dict[str, object]]:
        return [json.loads(body) for body in listener.bodies("/state")]

    def alarms() -> list[dict[str, object]]:
        return [json.loads(body) for body in listener.bodies("/alarm")]

    systemd = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    systemd.bind(str(tmp_path / "notify"))
    systemd.setblocking(False)
    words: list[str] = []

    def said() -> list[str]:
        with contextlib.suppress(BlockingIOError):
            while True:
                words.append(systemd.recv(1000).decode().partition("\n")[0])
        return words

    with monitor(tmp_path, *options, phantom="tachycardia", environment=service) as run:
        listener.until(lambda: "READY=1" in said(), "the begin", 60)
        listener.until(lambda: any(s["rate"] for s in states()), "a heart rate", 60)
        listener.until(lambda: any(a["state"] == "active" for a in alarms()), "an alarm", 60)
        metrics = urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5).read()
        assert b'apexbeat_heart_rate_per_minute{slot="1"}' in metrics
        assert b"apexbeat_outward_connected 1" in metrics
        before = len(states())
        run.kill_core()
        listener.until(
            lambda: (
                listener.bodies("/availability")[-2:] == [b"offline", b"online"]
                and len(states()) > before
            ),
            "the next core",
            60,
        )
        run.process.terminate()
        listener.until(lambda: bool(states()[-1].get("ended")), "its end", 30)
        listener.until(lambda: listener.bodies("/availability")[-1] == b"offline", "its leave")
    assert said().count("WATCHDOG=1") > 5
    systemd.close()
    # An alarm whose confirmation the kill forestalled comes again: the same message, in its place.
    messages = listener.bodies("/alarm")
    numbers = [int(str(alarm["id"]).rpartition(":")[2]) for alarm in alarms()]
    assert numbers == sorted(numbers)
    assert len(set(messages)) == len(set(numbers))
    assert len({s["session"] for s in states()}) == 1
    listener.close()
