"""Levels as the meter program writes them: a microphone that is tapped now and then, and others.

python tests/support/fake_meter.py [tapped | none | trouble]
"""

from __future__ import annotations

import json
import sys
import threading

MIC = {"identity": "ALSA:usb", "name": "USB Stethoscope", "rate_hz": 4000, "channels": 1}
OTHERS = [
    {"identity": "ALSA:laptop", "name": "Built-in Microphone", "rate_hz": 48000, "channels": 2,
     "default": True, "peak_db": -90.3, "rms_db": -96.0, "clipped": 0, "trouble": ""},
    {"identity": "ALSA:busy", "name": "Camera", "rate_hz": 16000, "channels": 1,
     "default": False, "peak_db": None, "rms_db": None, "clipped": 0, "trouble": "is in use"},
]  # fmt: skip


def told(kind: str, number: int) -> object:
    """The line ``number``."""
    if kind == "trouble":
        return "PortAudio is missing"
    if kind == "none":
        return []
    peak = -8.0 if number % 8 >= 6 else -45.0
    level = {"default": False, "peak_db": peak, "rms_db": peak - 12, "clipped": 0, "trouble": ""}
    return [MIC | level, *OTHERS]


def main() -> None:
    """Write until standard input closes."""
    closed = threading.Event()

    def wait() -> None:
        sys.stdin.buffer.read()
        closed.set()

    threading.Thread(target=wait, daemon=True).start()
    kind, number = (sys.argv[1:] or ["tapped"])[0], 0
    while not closed.is_set():
        print(json.dumps(told(kind, number)), flush=True)
        number += 1
        if kind == "trouble":
            return
        closed.wait(0.05)


if __name__ == "__main__":
    main()
