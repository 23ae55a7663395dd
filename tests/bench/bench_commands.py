"""Commands as a person starts them: time to the first line, CPU, resident memory."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
APEXBEAT = (sys.executable, "-m", "monitor.cli.main")


@dataclass(frozen=True)
class Start:
    """Wall seconds to the first line on stdout and to the end, CPU seconds, MiB at the most."""

    first_s: float
    whole_s: float
    cpu_s: float
    rss_mib: float
    code: int


def start(*arguments: str) -> Start:
    """Run one command, output into a pipe."""
    begun = time.perf_counter()
    with subprocess.Popen(
        [*APEXBEAT, *arguments], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        first_s = time.perf_counter() - begun
        process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    return Start(
        first_s,
        time.perf_counter() - begun,
        usage.ru_utime + usage.ru_stime,
        usage.ru_maxrss / (1024 if sys.platform != "darwin" else 2**20),
        process.returncode,
    )


def best(times: int, *arguments: str) -> Start:
    """The quickest of a few: what the command needs when nobody is in its way."""
    return min((start(*arguments) for _ in range(times)), key=lambda s: s.first_s)
