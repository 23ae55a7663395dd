"""Whether an alarm tone could be heard on this machine now, as far as the machine can tell.

PortAudio knows whether there is an output. Only the sound server knows whether it is muted, turned
down, or a dummy that stands in for a card that is gone; ``pactl`` asks PulseAudio and PipeWire.
Whether the loudspeaker is switched on, nobody can tell.
"""

from __future__ import annotations

import os
import re
import subprocess
import time
from collections.abc import Callable

from monitor.sound.speaker import Speaker

ASK_S = 2.0
"""Time limit of one question to the sound server."""

DEVICES_S = 60.0
"""Seconds between two looks at PortAudio's list of outputs."""

DUMMY = "auto_null"
"""The sink that PulseAudio and PipeWire make up when there is none."""

FAINT = 5
"""A volume under so many per cent is not heard across a room."""

_PERCENT = re.compile(r"(\d+)%")


def audible(speaker: Speaker, output: str) -> Callable[[], str]:
    """A function that says why an alarm through ``output`` could not be heard; "" if it could.

    Parameters
    ----------
    speaker
        Asked whether there is an output.
    output
        Part of a device's name; empty for the system's.
    """
    looked_s = float("-inf")
    last = ""

    def check() -> str:
        nonlocal looked_s, last
        now_s = time.monotonic()
        if last or now_s - looked_s > DEVICES_S:
            found = speaker.look()
            if found is not None:
                looked_s, last = now_s, found
        return last or _server(output)

    return check


def _server(output: str) -> str:
    """What the sound server says; "" where there is none that tells."""
    name = _pactl("get-default-sink")
    if name is None:
        return ""
    sinks = [line.split("\t")[1] for line in (_pactl("list", "short", "sinks") or "").splitlines()
             if "\t" in line]  # fmt: skip
    meant = [sink for sink in sinks if output and output.lower() in sink.lower()] or [name.strip()]
    if meant == [DUMMY] or not sinks:
        return "the sound server has no output device"
    if "yes" in (_pactl("get-sink-mute", meant[0]) or ""):
        return f"the output {meant[0]} is muted"
    volumes = [
        int(number) for number in _PERCENT.findall(_pactl("get-sink-volume", meant[0]) or "")
    ]
    if volumes and max(volumes) < FAINT:
        return f"the output {meant[0]} is turned down to {max(volumes)} %"
    return ""


def _pactl(*words: str) -> str | None:
    try:
        done = subprocess.run(
            ["pactl", *words], capture_output=True, text=True, errors="replace", timeout=ASK_S,
            check=True, env={**os.environ, "LC_ALL": "C"},
        )  # fmt: skip
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout
