"""Damaged input in seconds, and every file that ever failed."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from fuzz_forks import Case, run
from fuzz_kinds import Kind, one_line
from fuzz_mutate import mutate

from monitor.errors import InputError

ROOT = Path(__file__).resolve().parents[2]

pytestmark = pytest.mark.filterwarnings("ignore:.*multi-threaded:DeprecationWarning")


@pytest.mark.timeout(600)  # twenty seconds of computing, on a machine that others use too
def test_damaged_files_are_refused_or_read_and_any_chunking_is_bit_equal(tmp_path: Path) -> None:
    # A process of its own: it forks, which one that runs tests with threads must not.
    command = (sys.executable, "tests/fuzz/run.py", "--count", "60", "--out", str(tmp_path))
    env = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, env=env)
    assert done.returncode == 0, f"{done.stdout[-3000:]}{done.stderr[-2000:]}"
    assert (tmp_path / "fuzz.json").is_file()


def test_a_crash_a_hang_and_an_exception_are_told_from_a_refusal(tmp_path: Path) -> None:
    def judge(path: Path) -> str:
        what = path.read_bytes()
        if what == b"crash":
            os.kill(os.getpid(), 11)
        if what == b"exit":
            os._exit(3)
        if what == b"raise":
            raise ValueError("two\nlines")
        if what == b"hunger":
            np.ones(2**27)  # 1 GiB
        return "refused: so" if what == b"refuse" else "fine"

    whats = ("fine", "crash", "refuse", "raise", "exit", "hunger", "fine")
    found = run([Case(what, what.encode()) for what in whats], judge, tmp_path)
    bad = {case.name: words for case, words in found.bad}
    assert dict(found.outcomes) == {"fine": 2, "refused": 1, "bad": 4}
    assert set(bad) == {"crash", "raise", "exit", "hunger"}
    assert bad["crash"].endswith("SIGSEGV")
    assert bad["raise"] == "ValueError: two lines"
    assert "MemoryError" in bad["hunger"]


def test_a_hang_ends_with_its_child(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fuzz_forks.SECONDS", 1)

    def judge(path: Path) -> str:
        if path.read_bytes() == b"hang":
            time.sleep(3600)
        return "fine"

    found = run([Case("hang", b"hang"), Case("after", b"")], judge, tmp_path)
    [(case, words)] = found.bad
    assert (case.name, words) == ("hang", "hung for 1 s")
    assert found.outcomes["fine"] == 1


def test_a_case_can_be_made_again_from_its_name() -> None:
    kind = Kind({"a.wav": bytes(range(200)), "b.wav": bytes(300)}, lambda path: "fine")
    assert kind.cases(20, 3) == kind.cases(20, 3)
    assert kind.cases(20, 3) != kind.cases(20, 4)
    rng = np.random.default_rng(0)
    assert sum(mutate(bytes(500), rng, b"other") != bytes(500) for _ in range(100)) > 90


def test_an_error_of_two_lines_is_a_finding() -> None:
    assert one_line(InputError("a", "b")) == "refused: a; b"
    with pytest.raises(AssertionError):
        one_line(InputError("a\nb"))
