"""A wall clock of processes under test that can be set, by a library loaded before libc.

Nothing but the wall clock is touched: clocks that only go on (monotonic, boot) are the machine's.
Needs Linux and a C compiler.
"""

from __future__ import annotations

import functools
import os
import shutil
import struct
import subprocess
import sys
import tempfile
from pathlib import Path

SOURCE = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static int64_t seconds(void) {
    static const volatile int64_t *set;
    const char *path = getenv("SET_WALL_CLOCK");
    if (!set && path) {
        int file = open(path, O_RDONLY | O_CLOEXEC);
        void *page = file < 0 ? MAP_FAILED : mmap(NULL, 8, PROT_READ, MAP_SHARED, file, 0);
        if (file >= 0) close(file);
        if (page != MAP_FAILED) set = page;
    }
    return set ? *set : 0;
}

int clock_gettime(clockid_t id, struct timespec *at) {
    static int (*real)(clockid_t, struct timespec *);
    if (!real) real = dlsym(RTLD_NEXT, "clock_gettime");
    int failed = real(id, at);
    if (!failed && (id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE)) at->tv_sec += seconds();
    return failed;
}

int gettimeofday(struct timeval *at, void *zone) {
    struct timespec now;
    (void)zone;
    if (clock_gettime(CLOCK_REALTIME, &now)) return -1;
    at->tv_sec = now.tv_sec;
    at->tv_usec = now.tv_nsec / 1000;
    return 0;
}

time_t time(time_t *at) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (at) *at = now.tv_sec;
    return now.tv_sec;
}
"""


class WallClock:
    """The clock of all processes that are started with `environment`.

    Parameters
    ----------
    folder
        For the file that holds how far the clock is set.
    """

    def __init__(self, folder: Path) -> None:
        self._file = folder / "wall-clock"
        self._file.write_bytes(struct.pack("q", 0))
        library = _library()
        if library is None:
            raise OSError("no C compiler, or not Linux: the clock cannot be set")
        self.environment = {"LD_PRELOAD": str(library), "SET_WALL_CLOCK": str(self._file)}

    def set(self, seconds: int) -> None:
        """Set it so far ahead of the machine's."""
        with self._file.open("r+b") as file:
            file.write(struct.pack("q", seconds))


@functools.cache
def _library() -> Path | None:
    compiler = shutil.which("cc") or shutil.which("gcc")
    if sys.platform != "linux" or compiler is None:
        return None
    out = Path(tempfile.gettempdir()) / f"wall-clock-{os.getuid()}-{os.getpid()}.so"
    subprocess.run(
        [compiler, "-shared", "-fPIC", "-O1", "-x", "c", "-", "-o", str(out), "-ldl"],
        input=SOURCE, text=True, check=True, capture_output=True,
    )  # fmt: skip
    return out


def cannot_set() -> str:
    """Why no wall clock can be set here; empty if one can."""
    return "" if _library() is not None else "setting a clock needs Linux and a C compiler"
