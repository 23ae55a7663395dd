"""The command line: quick help, lazy imports, one line for each error."""

from __future__ import annotations

import os
import subprocess
import sys

import click
import pytest
from store_rows import a_session

from dsp.phantom import PRESETS
from monitor.cli import main
from monitor.cli.draw import mirrored
from monitor.cli.main import COMMANDS, run
from monitor.cli.words import clock
from monitor.clock import SystemClock
from monitor.errors import (
    ApexbeatError,
    DeviceError,
    InputError,
    ModelError,
    NoInputError,
    RecordError,
    UsageError,
)
from monitor.record.store import Store


def loaded_by(code):
    """Modules that a fresh interpreter holds after ``code``."""
    probe = f"{code}\nimport sys; print('\\n'.join(sys.modules), file=sys.stderr)"
    result = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    return set(result.stderr.split())


HEAVY = {"torch", "numpy", "scipy", "textual", "sounddevice", "soundfile", "librosa", "matplotlib"}


@pytest.mark.parametrize("arguments", [["--help"], ["--version"]])
def test_help_and_version_load_nothing_heavy(arguments):
    assert not HEAVY & loaded_by(f"from monitor.cli.main import run\nrun({arguments!r})")


def test_replay_loads_neither_screen_nor_sound_devices_nor_training():
    modules = loaded_by("import monitor.replay.batch, monitor.cli.replay")
    assert not {"torch", "textual", "sounddevice", "librosa", "matplotlib", "training"} & modules


def test_help_lists_every_command_and_what_this_is_not(capsys):
    assert run(["--help"]) == 0
    out = capsys.readouterr().out
    assert "not a medical device" in out
    for name, (_, words) in COMMANDS.items():
        assert f"  {name} " in out
        assert words.split(":")[0] in " ".join(out.split())


def test_no_command_is_a_usage_error_and_shows_the_help(capsys):
    assert run([]) == 2
    assert "Commands:" in capsys.readouterr().err


def test_an_unknown_command_is_one_line(capsys):
    assert run(["zzz"]) == 2
    assert capsys.readouterr().err == "apexbeat: No such command 'zzz'.\n"


def test_on_windows_what_needs_another_system_says_so_in_one_line(capsys, monkeypatch):
    monkeypatch.setattr(main, "ON_WINDOWS", True)
    assert main.run(["live"]) == 2
    said = capsys.readouterr().err
    assert said == (
        "apexbeat: 'apexbeat live' needs Linux or macOS; on Windows, replay recordings\n"
    )
    assert main.run(["replay", "--help"]) == 0


@pytest.mark.parametrize(
    ("kind", "code"),
    [(ApexbeatError, 1), (InputError, 1), (UsageError, 2), (NoInputError, 3), (DeviceError, 4),
     (ModelError, 5), (RecordError, 6)],
)  # fmt: skip
def test_each_error_is_one_line_and_its_exit_code(kind, code, capsys, monkeypatch):
    @click.command()
    def fail() -> None:
        raise kind("it broke\nhere", "mend it")

    monkeypatch.setattr(main.Commands, "get_command", lambda *_: fail)
    assert run(["fail"]) == code
    assert capsys.readouterr().err == "apexbeat: it broke here; mend it\n"
    with pytest.raises(kind):
        run(["--debug", "fail"])


def test_the_alarm_table_is_printed_from_its_single_source(capsys):
    from monitor.alarms.table import TABLE

    assert run(["config", "--alarms", "--set", "alarms.rate_delay_s=7"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == len(TABLE) + 2
    for rule, line in zip(TABLE, lines[2:], strict=True):
        assert line.startswith(f"| {rule.kind} | {rule.alarm_class}, {rule.priority}")
    assert "| 7 s |" in lines[3]
    assert "low, medium after 30 s" in "\n".join(lines)


def test_a_picture_has_the_size_asked_for_in_braille_and_in_ascii():
    values = [0.0] * 20 + [1.0] * 4 + [0.0] * 40 + [0.2] * 4 + [0.0] * 28
    for unicode in (True, False):
        rows = mirrored(values, 48, 3, unicode)
        assert [len(row) for row in rows] == [48, 48, 48]
        assert rows[0][10:13].strip("⠀ ")
        assert not rows[0][30:].strip("⠀ ")
        assert all(ch.strip("⠀ ") for ch in rows[1])


def test_times_are_read_in_minutes_and_seconds():
    assert [clock(s) for s in (0, 59.96, 61.25, 3661.0)] == [
        "0:00.0",
        "1:00.0",
        "1:01.2",
        "1:01:01.0",
    ]


def test_a_misspelt_command_is_told_which_is_near(capsys):
    assert run(["reply", "x.wav"]) == 2
    assert capsys.readouterr().err == "apexbeat: no command reply; is it 'replay'?\n"


def test_a_shell_completes_commands_synthetic_hearts_settings_and_sessions(tmp_path):
    code = "import sys; from monitor.cli.main import entry; sys.argv[0] = 'apexbeat'; entry()"
    expected = {
        "apexbeat re": ["replay", "report"],
        "apexbeat live --phantom mu": ["murmur", "murmur_tachycardia"],
        "apexbeat replay --set verdict.f": ["verdict.few="],
        f"apexbeat report --store {tmp_path} l": ["last"],
        f"apexbeat log show --store {tmp_path} 2026": ["20260504-1"],
        f"apexbeat export --store {tmp_path} else.jsonl": ["else.jsonl"],
        "apexbeat export --store /nowhere else.jsonl": ["else.jsonl"],
    }
    store = Store(tmp_path, SystemClock())
    store.begin(a_session("20260504-1"))
    assert store.close(30)
    for words, found in expected.items():
        asked = {"COMP_WORDS": words, "COMP_CWORD": str(len(words.split()) - 1)}
        done = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True,
            env=os.environ | asked | {"_APEXBEAT_COMPLETE": "bash_complete"},
        )  # fmt: skip
        assert [line.partition(",")[2] for line in done.stdout.splitlines()] == found


def test_the_help_of_live_names_every_synthetic_heart(capsys):
    assert run(["live", "--help"]) == 0
    words = " ".join(capsys.readouterr().out.split())
    assert all(name in words for name in PRESETS)
