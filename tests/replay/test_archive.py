"""An archive judged: the same result however many workers, nothing lost, nothing twice."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
import soundfile
from cluster_processes import Cluster
from msgspec.structs import replace
from waiting import free_port, until

from monitor.cli.main import run as apexbeat
from monitor.config.load import Settings
from monitor.errors import ModelError, RecordError, UsageError
from monitor.replay.archive import judge as judging
from monitor.replay.archive.judge import Task
from monitor.replay.archive.result import ResultFile, run_path
from monitor.replay.archive.run import Plan, plan, run

ROOT = Path(__file__).parents[2]
SECONDS = 4

pytestmark = pytest.mark.timeout(600)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twenty-four short recordings in folders, two that are broken, one that is no audio."""
    root = tmp_path_factory.mktemp("archive")
    sounds = sorted((ROOT / "recordings").glob("*.wav"))
    for number in range(24):
        sound, rate = soundfile.read(sounds[number % len(sounds)], dtype="float32")
        start = number // len(sounds) * 2 * rate
        path = root / "abc"[number % 3] / f"r{number:02d}.wav"
        path.parent.mkdir(exist_ok=True)
        soundfile.write(path, sound[start : start + SECONDS * rate], rate)
    (root / "a" / "broken.wav").write_bytes(b"no audio")
    (root / "b" / "empty.flac").write_bytes(b"")
    (root / "c" / "notes.txt").write_text("nothing")
    return root


@pytest.fixture(scope="module")
def wanted(folder: Path) -> Plan:
    return plan(folder, Settings())


@pytest.fixture(scope="module")
def expected(wanted: Plan, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The result of one process."""
    path = tmp_path_factory.mktemp("expected") / "result.jsonl"
    assert judged(wanted, path, jobs=1) == 26
    return path.read_bytes()


def judged(
    wanted: Plan,
    path: Path,
    *,
    jobs: int = 1,
    cluster: str = "",
    resume: bool = False,
    each: Callable[[int], None] = lambda count: None,
) -> int:
    """Judge; gives how many lines came, each of another recording."""
    result = ResultFile(path, wanted.head, resume=resume)
    try:
        names = []
        for line in run(wanted, result, jobs=jobs, cluster=cluster):
            names.append(line.name)
            each(len(names))
        assert len(set(names)) == len(names)
        return len(names)
    finally:
        result.close()


def children_of(pid: int) -> list[int]:
    """Worker processes of a pool."""
    found = subprocess.run(["pgrep", "-P", str(pid), "-f", "spawn_main"], capture_output=True)
    return [int(line) for line in found.stdout.split()]


def test_every_recording_has_one_line_and_a_failure_says_why(expected: bytes) -> None:
    lines = [json.loads(line) for line in expected.splitlines()]
    names = [line["name"] for line in lines]
    assert names == sorted(names)
    assert len(names) == 26
    failed = {line["name"]: line["error"] for line in lines if line["error"]}
    assert failed == {
        "a/broken.wav": "a/broken.wav: not a sound file that can be read",
        "b/empty.flac": "b/empty.flac: empty file",
    }
    good = [line for line in lines if not line["error"]]
    assert {line["duration_s"] for line in good} == {SECONDS}
    assert any(line["rate"] for line in good)


@pytest.mark.parametrize("count", [0, 5])
def test_a_run_that_was_killed_leaves_a_readable_file_and_goes_on_from_it(
    count: int, wanted: Plan, expected: bytes, tmp_path: Path
) -> None:
    path = tmp_path / "r.jsonl"
    lines = expected.splitlines(keepends=True)
    cut = lines[count][:40]
    path.write_bytes(b"".join(lines[:count]) + cut)  # killed in the middle of a line
    run_path(path).write_bytes(msgspec.json.encode(wanted.head))
    assert judged(wanted, path, resume=True) == 26 - count
    assert path.read_bytes() == expected


def test_a_process_that_is_killed_with_9_is_resumed_to_the_same_bytes(
    folder: Path, expected: bytes, tmp_path: Path
) -> None:
    path = tmp_path / "r.jsonl"
    command = [sys.executable, "-m", "monitor.cli.main", "archive", str(folder), "-o", str(path)]
    process = subprocess.Popen([*command, "--jobs", "2"], cwd=ROOT, stderr=subprocess.PIPE)
    until(lambda: path.exists() and path.read_bytes().count(b"\n") > 3, limit_s=240)
    workers = children_of(process.pid)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert len(workers) == 2
    until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in workers))
    for line in path.read_bytes().splitlines()[:-1]:
        json.loads(line)
    done = subprocess.run([*command, "--jobs", "1", "--resume"], cwd=ROOT, capture_output=True)
    assert done.returncode == 1  # two are broken
    assert b"known from before, 2 failed" in done.stderr
    assert path.read_bytes() == expected


def test_a_worker_that_is_killed_loses_nothing(
    wanted: Plan, expected: bytes, tmp_path: Path
) -> None:
    def kill(count: int) -> None:
        if count == 3:
            os.kill(children_of(os.getpid())[0], signal.SIGKILL)

    path = tmp_path / "r.jsonl"
    assert judged(wanted, path, jobs=2, each=kill) == 26
    assert path.read_bytes() == expected


def test_a_result_never_takes_the_place_of_a_device(wanted: Plan, tmp_path: Path) -> None:
    """As root, `-o /dev/null --overwrite` made a plain file of it."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with pytest.raises(UsageError, match="no regular file"):
        ResultFile(pipe, wanted.head, resume=False, overwrite=True)
    assert pipe.is_fifo()


def test_a_result_is_neither_overwritten_nor_mixed_with_another_model(
    wanted: Plan, expected: bytes, tmp_path: Path
) -> None:
    path = tmp_path / "r.jsonl"
    path.write_bytes(expected)
    with pytest.raises(RecordError, match="not the result"):
        ResultFile(path, wanted.head, resume=True)
    run_path(path).write_bytes(msgspec.json.encode(wanted.head))
    with pytest.raises(UsageError, match="exists"):
        ResultFile(path, wanted.head, resume=False)
    other = replace(wanted.head, models={"student": "x", "cycles": "y"})
    with pytest.raises(UsageError, match="another model"):
        ResultFile(path, other, resume=True)
    changed = wanted.head.settings | {"alarms.tachycardia": 99.0}
    with pytest.raises(UsageError, match=r"another setting \(alarms.tachycardia\)"):
        ResultFile(path, replace(wanted.head, settings=changed), resume=True)
    assert path.read_bytes() == expected
    result = ResultFile(path, wanted.head, resume=True)
    with pytest.raises(RecordError, match="another run"):
        ResultFile(path, wanted.head, resume=True)
    result.close()
    path.write_bytes(b'{"type":"session"}\n')
    with pytest.raises(RecordError, match="not the result"):
        ResultFile(path, wanted.head, resume=True)


def test_a_name_that_is_no_text_is_judged_and_shown(tmp_path: Path, expected: bytes) -> None:
    raw = os.fsencode(tmp_path) + b"/in/\xff\x1b[2J.wav"
    os.makedirs(os.path.dirname(raw))
    sound = soundfile.read(sorted((ROOT / "recordings").glob("*.wav"))[0], frames=8000)
    soundfile.write(tmp_path / "x.wav", *sound)
    os.rename(tmp_path / "x.wav", raw)
    path = tmp_path / "r.jsonl"
    judged(plan(tmp_path / "in", Settings()), path)
    [line] = [json.loads(line) for line in path.read_text().splitlines()]
    assert line["name"] == "\\xff\x1b[2J.wav"
    assert line["duration_s"] > 0
    assert "\x1b" not in path.read_text()


def test_names_that_differ_in_undecodable_bytes_alone_are_two() -> None:
    names = [b"a\xff.wav", b"a\xfe.wav", b"a\\xff.wav", b"a\\\\xff.wav", "aÿ.wav".encode()]
    assert len({judging.shown(name) for name in names}) == len(names)


def test_a_recording_that_has_changed_is_judged_again_and_no_other(tmp_path: Path) -> None:
    """Its old line was taken for that of the new file."""
    folder = tmp_path / "in"
    folder.mkdir()
    sound, rate = soundfile.read(ROOT / "recordings" / "normal.wav", frames=8000)
    for name in ("one.wav", "two.wav"):
        soundfile.write(folder / name, sound, rate)
    wanted, path = plan(folder, Settings()), tmp_path / "r.jsonl"
    assert judged(wanted, path) == 2
    before = path.read_bytes()
    assert judged(wanted, path, resume=True) == 0
    assert path.read_bytes() == before
    times = (folder / "two.wav").stat()
    soundfile.write(folder / "two.wav", sound[::-1], rate)  # as large as it was
    os.utime(folder / "two.wav", ns=(times.st_atime_ns, times.st_mtime_ns))
    assert judged(wanted, path, resume=True) == 1
    assert judged(wanted, tmp_path / "fresh.jsonl") == 2
    assert path.read_bytes() == (tmp_path / "fresh.jsonl").read_bytes() != before


def test_a_worker_with_other_models_is_refused(wanted: Plan) -> None:
    task = Task(msgspec.json.encode(wanted.settings), {"student": "x"}, b"/", [b"x"])
    with pytest.raises(ModelError, match="other models"):
        judging.judge_encoded(msgspec.json.encode(task))


def test_what_cannot_be_is_said_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = str(tmp_path / "r.jsonl")
    (tmp_path / "none").mkdir()
    for arguments, code, words in (
        ([str(tmp_path / "missing"), "-o", out], 3, "not a folder"),
        ([str(tmp_path / "none"), "-o", out], 1, "no audio in this folder"),
        ([str(tmp_path), "-o", out, "--resume", "--overwrite"], 2, "cannot be used together"),
        ([str(tmp_path), "-o", out, "--jobs", "2", "--cluster", "x"], 2, "give only one of them"),
    ):
        assert apexbeat(["archive", *arguments]) == code
        assert words in capsys.readouterr().err
    assert not Path(out).exists()


@pytest.mark.timeout(400)
def test_a_cluster_with_a_worker_killed_and_the_scheduler_restarted_gives_the_same_bytes(
    wanted: Plan, expected: bytes, tmp_path: Path
) -> None:
    pytest.importorskip("distributed")
    cluster = Cluster(tmp_path, 2)
    cluster.start()
    cluster.wait()
    restarting: list[threading.Thread] = []

    def trouble(count: int) -> None:
        if count == 4:
            cluster.kill_worker()
        elif count == 12:
            cluster.stop()
            restarting.append(threading.Thread(target=cluster.start))
            restarting[0].start()

    path = tmp_path / "r.jsonl"
    try:
        assert judged(wanted, path, cluster=cluster.address, each=trouble) == 26
        assert restarting
        assert path.read_bytes() == expected
    finally:
        cluster.stop()


def test_a_cluster_that_is_not_there_is_one_line(
    wanted: Plan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("distributed")
    monkeypatch.setattr("monitor.replay.archive.cluster.CONNECT_S", 0.5)
    result = ResultFile(tmp_path / "r.jsonl", wanted.head, resume=False)
    address = f"tcp://127.0.0.1:{free_port()}"
    with pytest.raises(UsageError, match="no scheduler at"):
        list(run(wanted, result, jobs=1, cluster=address))
    result.close()
