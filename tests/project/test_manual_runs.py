"""Every command that the manual tells its reader to type is run by a test.

The plain ones are run here, page by page, in their order and in an empty folder, as a reader would
who follows the page; only the recordings are shorter. Those that need a device, a network, a
terminal, a cluster or an empty account stand in `ELSEWHERE` with the test that runs them, or that
drives what is behind them. A command that is new on a page and stands in neither list fails.
"""

from __future__ import annotations

import io
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import msgspec
import pexpect
import pytest
import soundfile
from click.testing import CliRunner
from store_rows import put_session
from test_manual import PAGES, PROGRAMS, ROOT, shell_lines

from dsp.phantom import PRESETS, render
from monitor import events as ev
from monitor.cli.main import run
from monitor.clock import SystemClock
from monitor.config.load import Settings
from monitor.record.store import Store

TERMINAL = "tests/project/test_manual_runs.py::test_the_screen_is_opened_left_found_again_and_ended"
MICROPHONE = (
    "tests/live/test_virtual_microphone.py"
    "::test_a_heart_is_heard_an_alarm_answered_the_microphone_taken_away_and_given_back"
)
TRAINING = (
    "tests/training/test_training_end_to_end.py"
    "::test_a_distilled_student_tells_murmur_from_normal_through_the_monitor"
)
CLUSTER = (
    "tests/replay/test_archive.py"
    "::test_a_cluster_with_a_worker_killed_and_the_scheduler_restarted_gives_the_same_bytes"
)
RESUMED = (
    "tests/replay/test_archive.py"
    "::test_a_process_that_is_killed_with_9_is_resumed_to_the_same_bytes"
)
GATE = (
    "tests/training/test_gate.py"
    "::test_a_recording_without_a_verdict_is_undecided_and_unlabelled_ones_are_left_out"
)
DIASTOLIC = (
    "tests/training/test_murmur.py"
    "::test_a_diastolic_murmur_lies_in_diastole_and_in_a_band_of_its_own"
)
FIRST_VERDICT = (
    "tests/training/test_first_verdict.py"
    "::test_only_windows_that_end_within_five_seconds_of_their_recording_count"
)
PACKAGE = "tests/project/test_packaging.py::test_a_stranger_installs_with_pipx_and_runs"
EMPTY = "tests/project/test_packaging.py::test_the_wheel_installs_in_an_empty_environment"
UNIT = "tests/project/test_service_files.py::test_the_unit_is_understood_by_systemd"
MAKE = "tests/project/test_manual_runs.py::test_a_target_of_make_exists"
NEWCOMER = "tests/live/test_newcomer.py::test_from_the_first_start_to_an_export"
FETCH = "tests/training/test_fetch.py::test_what_is_wanted_arrives_whole_and_once"
WATCH = "tests/capture/test_levels.py::test_a_line_shows_a_bar_or_why_there_is_none"
LISTEN = "tests/sound/test_listen.py::test_waves_of_the_first_session_are_played_once"
GATE = "tests/training/test_gate.py::test_noise_alone_is_forgiven_where_the_beats_are_sure"
FOLLOW = "tests/record/test_log_commands.py::test_the_log_follows_until_the_session_ends"
SHIFT = "tests/record/test_log_commands.py::test_a_shift_and_the_suppressed_are_printed"
PDF = "tests/record/test_report.py::test_a_pdf_holds_the_page_and_fetches_nothing"
FOLDER = "tests/live/test_live_session.py::test_a_recorded_session_replayed_says_the_same"
STREAM = "tests/decoding/test_streams.py::test_streams_are_heard_as_files_are"
FILLED = (
    "tests/decoding/test_streams.py::test_watching_writes_event_files_and_ends_with_an_interrupt"
)
TABLES = "tests/replay/test_tables.py::test_labels_and_persons_are_scored"
ROWS = "tests/replay/test_tables.py::test_json_csv_and_the_library_give_the_same_rows"
EXAM = "tests/exam/test_exam.py::test_the_command_asks_listens_and_says_where_the_page_is"
FINETUNED = "tests/training/test_own.py::test_the_shipped_student_is_trained_further_and_guarded"
OWN_DATA = (
    "tests/training/test_own.py::test_a_plain_folder_is_trained_on_evaluated_exported_and_replayed"
)
PART = "tests/replay/test_field_files.py::test_a_part_of_a_long_file_is_that_part"
ARRAY = "tests/decoding/test_records.py::test_an_array_without_a_rate_is_refused_in_one_line"
REPLAYED = (
    "tests/replay/test_replay_screen.py"
    "::test_over_a_socket_a_replay_is_paused_moved_and_told_what_it_cannot"
)
BED = "tests/integrations/test_core_reports.py::test_a_core_reports_over_its_own_death_and_says_when_it_ends"  # noqa: E501
WARD = (
    "tests/integrations/test_ward.py"
    "::test_fifty_beds_over_a_restart_of_the_broker_show_each_alarm_once_and_none_as_silent"
)
BROWSER = (
    "tests/web/test_web_browser.py"
    "::test_a_browser_shows_the_screen_reads_only_and_never_believes_a_frozen_picture"
)

ELSEWHERE = (
    (r"make \w+", MAKE),
    (r"python -m training\.experiments\.gate .*", GATE),
    (r"apexbeat live", NEWCOMER),
    (r"apexbeat exam .*", EXAM),
    (r"apexbeat live --phantom murmur_tachycardia", TERMINAL),
    (r"apexbeat attach( --read-only)?", TERMINAL),
    (r"apexbeat live .*--listen .*|apexbeat listen .*", LISTEN),
    (r"apexbeat live .*--set outward\..*", BED),
    (r"apexbeat (live|attach) .*--web.*", BROWSER),
    (r"apexbeat live .*", MICROPHONE),
    (r"apexbeat devices", MICROPHONE),
    (r"apexbeat devices --watch", WATCH),
    (r"apexbeat ward .*", WARD),
    (r"apexbeat log --follow", FOLLOW),
    (r"apexbeat log shift .*", SHIFT),
    (r"apexbeat report .*\.pdf", PDF),
    (r"apexbeat replay SESSION_FOLDER", FOLDER),
    (r"arecord .*", STREAM),
    (r"apexbeat replay .*--watch.*", FILLED),
    (r"apexbeat replay .*--start.*", PART),
    (r"apexbeat replay .*--(labels|person) .*", TABLES),
    (r"apexbeat replay study/ --json .*", ROWS),
    (r"apexbeat replay .*\.npy .*", ARRAY),
    (r"apexbeat replay --screen .*", REPLAYED),
    (r"apexbeat archive .* --cluster .*|dask .*", CLUSTER),
    (r"apexbeat archive .*", RESUMED),
    (r"apexbeat-train finetune .*", FINETUNED),
    (r"apexbeat-train \w+ .*--data study .*", OWN_DATA),
    (r"apexbeat-train fetch .*", FETCH),
    (r"apexbeat-train (grid|evaluate|compare|export|report|phantoms|prepare)( .*)?", TRAINING),
    (r"apexbeat replay .* --model trial/my.pt", TRAINING),
    (r"python -m training.experiments.gate .*", GATE),
    (r"python -m training.experiments.diastolic .*", DIASTOLIC),
    (r"python -m training.experiments.first_verdict .*", FIRST_VERDICT),
    (r"(export|unset) APEXBEAT_\w+(=\S+)?", TRAINING),
    (r"pipx install .*", PACKAGE),
    (r"python3 -m venv .*|\S*pip install .*|source .*/activate", EMPTY),
    (r"useradd .*|cp packaging/.*|echo .*/etc/default/apexbeat|systemctl .*", UNIT),
)
SEEN: set[str] = set()
"""Commands that only read and print, and have run on an earlier page."""
STAND_INS = {
    "FILE": "recordings/normal.wav",
    "DIR": "events",
}
SECONDS = {"normal.wav": (0, 5), "tachycardia.flac": (50, 62), "noisy_contact_loss.wav": (0, 5)}
SESSION = "20260504T030201-abc123"


def told(page: Path) -> list[str]:
    """Commands of a page without their comments, in order."""
    lines = []
    for line in shell_lines(page):
        if words := shlex.split(line, comments=True):
            first = Path(words[0]).name
            shown = [first if first in PROGRAMS else words[0], *words[1:]]
            lines.append(" ".join(shown))
    return lines


def elsewhere(command: str) -> str | None:
    """The test that runs a command, None where it is run here."""
    if re.fullmatch(r"apexbeat(-train)? .*--help", command):
        return None
    return next((test for words, test in ELSEWHERE if re.fullmatch(words, command)), None)


COMMANDS = {command for page in PAGES for command in told(page)}
FOLLOWED = [page for page in PAGES if any(elsewhere(command) is None for command in told(page))]


@pytest.mark.parametrize("test", sorted({test for _, test in ELSEWHERE}))
def test_a_test_that_runs_commands_of_the_manual_is_there(test: str) -> None:
    path, _, name = test.partition("::")
    assert f"def {name}(" in (ROOT / path).read_text(encoding="utf-8"), test


def test_no_row_stands_for_a_command_that_no_page_has() -> None:
    used = {test for command in COMMANDS if (test := elsewhere(command))}
    assert used == {test for _, test in ELSEWHERE}


def test_a_target_of_make_exists() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = {c.split()[1] for c in COMMANDS if c.startswith("make ")}
    assert {"demo", "test", "docs"} <= targets
    for target in targets:
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target


@pytest.fixture
def reader(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An account with short recordings, one session in the record, and nothing else."""
    monkeypatch.chdir(tmp_path)
    for name in ("DATA", "CONFIG", "STATE", "RUNTIME", "CACHE"):
        monkeypatch.setenv(f"XDG_{name}_{'DIR' if name == 'RUNTIME' else 'HOME'}", str(tmp_path))
    Path("recordings").mkdir()
    for name, (start_s, end_s) in SECONDS.items():
        sound, rate = soundfile.read(ROOT / "recordings" / name)
        soundfile.write(Path("recordings") / name, sound[start_s * rate : end_s * rate], rate)
    shutil.copy(ROOT / "models" / "shipped" / "student.pt", "my.pt")
    Path("ward.toml").write_text("[alarms]\ntachycardia = 130.0\n")
    return tmp_path


def fill_record(folder: Path) -> None:
    """One session of a phantom, as `apexbeat live` leaves it."""
    recording = folder / "seen.flac"
    soundfile.write(recording, render(PRESETS["normal"]).sound[:30_000] * 0.3, 2000)
    assert run(["replay", str(recording), "--events", str(folder / "seen")]) == 0
    lines = (folder / "seen" / "seen.jsonl").read_bytes().splitlines()
    events = [msgspec.json.decode(line, type=ev.Event) for line in lines]
    from monitor.config.paths import store_folder

    store = Store(store_folder(None, Settings()), SystemClock())
    put_session(store, SESSION, events, "stopped", name="phantom", started=1777863721.0)
    assert store.close()


def expanded(command: str) -> list[str]:
    """Words of a command as a shell gives them."""
    for name, stand_in in STAND_INS.items():
        command = re.sub(rf"(?<=\s){name}(?=\s|$)", stand_in, command)
    found = re.search(r"\$\(.*\)", command)
    if found:
        said = subprocess.run(["sh", "-c", f"printf %s {found[0]}"], capture_output=True, text=True)
        command = command.replace(found[0], said.stdout)
    return shlex.split(command)


@pytest.mark.parametrize("page", FOLLOWED, ids=lambda page: str(page.relative_to(ROOT)))
def test_a_page_can_be_followed_word_by_word(
    page: Path, reader: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    commands = [command for command in told(page) if elsewhere(command) is None]
    if any(re.search(r"apexbeat log|\blast\b", command) for command in commands):
        fill_record(reader)
    for command in commands:
        if command in SEEN:
            continue
        if re.match(r"apexbeat (selftest|replay(?!.*--events)|config(?!.*--save))", command):
            SEEN.add(command)
        program, *words = expanded(command)
        if program == "apexbeat-train":
            from training.cli import cli

            result = CliRunner().invoke(cli, words)
            assert result.exit_code == 0, f"{command}: {result.output}"
            continue
        assert program == "apexbeat", f"{command}: say in ELSEWHERE which test runs it"
        monkeypatch.setattr(sys, "stdin", io.StringIO("y\n"))
        if "--all" in words and "purge" in words:
            fill_again(reader)
        assert run(words) == 0, command


PROGRAM = re.compile(r"^```python\n(.*?)^```", re.DOTALL | re.MULTILINE)
EXAMPLES = [(page, code) for page in PAGES for code in PROGRAM.findall(page.read_text("utf-8"))]


@pytest.mark.parametrize(("page", "code"), EXAMPLES, ids=[page.name for page, _ in EXAMPLES])
def test_a_program_of_the_manual_runs(
    page: Path, code: str, reader: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    exec(compile(code, str(page), "exec"), {"__name__": "__main__"})
    assert capsys.readouterr().out


def fill_again(folder: Path) -> None:
    """A page may delete a session and then all of them."""
    shutil.rmtree(folder / "seen")
    fill_record(folder)


@pytest.fixture
def alone(tmp_path: Path) -> dict[str, str]:
    """Environment of an account of its own."""
    names = ("XDG_DATA_HOME", "XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_RUNTIME_DIR")
    return {**os.environ, **dict.fromkeys(names, str(tmp_path)), "TERM": "xterm-256color",
            "LANG": "C.UTF-8", "PYTHONPATH": str(ROOT)}  # fmt: skip


@pytest.mark.skipif(os.name != "posix", reason="needs a pseudo-terminal")
def test_the_screen_is_opened_left_found_again_and_ended(alone: dict[str, str]) -> None:
    def open_screen(*words: str) -> pexpect.spawn[bytes]:
        program = ["-m", "monitor.cli.main", *words]
        child = pexpect.spawn(sys.executable, program, env=alone, dimensions=(34, 100), timeout=120)
        child.expect("PHANTOM")
        return child

    def leave(child: pexpect.spawn[bytes], key: str) -> None:
        child.send("q")
        child.expect("LEAVE THE SCREEN")
        child.send(key)
        child.expect(pexpect.EOF)
        child.close()
        assert child.exitstatus == 0

    leave(open_screen("live", "--phantom", "murmur_tachycardia"), "k")
    leave(open_screen("attach", "--read-only"), "k")
    leave(open_screen("attach"), "e")
