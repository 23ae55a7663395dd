"""Commands as a person starts them: time to the first line, CPU, resident memory."""

from __future__ import annotations

import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
APEXBEAT = (sys.executable, "-m", "monitor.cli.main")

SMALL = """
import os, sys
actions = [(os.POSIX_SPAWN_OPEN, 2, os.devnull, os.O_WRONLY, 0)]
pid = os.posix_spawn(sys.argv[1], sys.argv[1:], os.environ, file_actions=actions)
_, status, usage = os.wait4(pid, 0)
code = os.waitstatus_to_exitcode(status)
sys.stderr.write(f"{usage.ru_utime + usage.ru_stime} {usage.ru_maxrss} {code}")
"""
"""A small process between: a child's highest memory counts what its parent had at the fork."""


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
        [sys.executable, "-I", "-S", "-c", SMALL, *APEXBEAT, *arguments],
        cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        first_s = time.perf_counter() - begun
        process.stdout.read()
        cpu, rss, code = process.stderr.read().split()
    return Start(
        first_s,
        time.perf_counter() - begun,
        float(cpu),
        int(rss) / (1024 if sys.platform != "darwin" else 2**20),
        int(code),
    )


def best(times: int, *arguments: str) -> Start:
    """The quickest of a few: what the command needs when nobody is in its way."""
    return min((start(*arguments) for _ in range(times)), key=lambda s: s.first_s)
