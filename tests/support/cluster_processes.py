"""A real Dask cluster of processes: a scheduler and workers that can be killed and started."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

from waiting import free_port

ROOT = Path(__file__).parents[2]


class Cluster:
    """Started by its command lines, like one on several machines."""

    def __init__(self, folder: Path, workers: int) -> None:
        self.port = free_port()
        self.address = f"tcp://127.0.0.1:{self.port}"
        self._folder, self._count = folder, workers
        self.scheduler: subprocess.Popen[bytes] | None = None
        self.workers: list[subprocess.Popen[bytes]] = []

    def start(self) -> None:
        """Start the scheduler and its workers."""
        self.scheduler = self._run(
            "scheduler", "--host", "127.0.0.1", "--port", str(self.port), "--no-dashboard"
        )
        for _ in range(self._count):
            self.workers.append(
                self._run(
                    "worker", self.address, "--nworkers", "1", "--nthreads", "1", "--no-dashboard",
                    "--no-nanny", "--host", "127.0.0.1", "--death-timeout", "60",
                    "--local-directory", str(self._folder),
                )
            )  # fmt: skip

    def wait(self, limit_s: float = 60.0) -> None:
        """Until the scheduler answers."""
        end_s = time.monotonic() + limit_s
        while time.monotonic() < end_s:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1.0).close()
            except OSError:
                time.sleep(0.05)
            else:
                return
        raise AssertionError("no scheduler")

    def kill_worker(self) -> None:
        """Kill one with -9."""
        self._kill(self.workers.pop())

    def restart(self) -> None:
        """Kill the scheduler with -9, and the workers, which are nothing without it."""
        self.stop()
        self.start()

    def stop(self) -> None:
        """Kill all."""
        for process in (self.scheduler, *self.workers):
            if process is not None:
                self._kill(process)
        self.scheduler, self.workers = None, []

    def _run(self, *command: str) -> subprocess.Popen[bytes]:
        env = os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "PYTHONWARNINGS": ""}
        return subprocess.Popen(
            [str(Path(sys.executable).with_name("dask")), *command],
            cwd=self._folder, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip

    @staticmethod
    def _kill(process: subprocess.Popen[bytes]) -> None:
        process.send_signal(signal.SIGKILL)
        process.wait()
