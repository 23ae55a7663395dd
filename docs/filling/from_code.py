"""Blocks made from the code: settings, event file, alarms, exit codes, demo, delays."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import typing

import msgspec

from filling.common import ROOT, table

DEMO = "recordings/tachycardia.flac"
FIRST = "recordings/noisy_contact_loss.wav"


def settings() -> str:
    """One table per section of the settings file."""
    from monitor.config import schema as sections
    from monitor.config.load import Settings, describe

    words, parts = describe(), []
    for section in msgspec.structs.fields(Settings):
        own = getattr(sections, section.type.__name__)
        parts.append(f"## [{section.name}]\n\n{own.__doc__}\n")
        rows = [
            (f"`{field.name}`", f"`{_toml(field.default)}`", words[f"{section.name}.{field.name}"])
            for field in msgspec.structs.fields(section.type)
        ]
        parts.append(table(("key", "default", "meaning"), rows))
    return "\n".join(parts)


def _toml(value: object) -> str:
    return json.dumps(list(value) if isinstance(value, tuple) else value)


def events() -> str:
    """Types of lines of the event file with their keys."""
    from monitor import events as ev

    rows = []
    for kind in typing.get_args(ev.Event):
        keys = [
            f"`{field.name}`{' (or null)' if type(None) in typing.get_args(field.type) else ''}"
            for field in msgspec.structs.fields(kind)
            if field.name != "index"
        ]
        words = " ".join((kind.__doc__ or "").split())
        rows.append((f"`{kind.__struct_config__.tag}`", ", ".join(keys), words))
    values = [
        ("quality", ev.QualityValue),
        ("verdict", ev.VerdictValue),
        ("alarm priority", ev.Priority),
        ("alarm state", ev.AlarmState),
    ]
    said = table(("value of", "one of"), [(n, ", ".join(typing.get_args(v))) for n, v in values])
    return table(("type", "keys", "what"), rows) + "\n" + said


def alarms() -> str:
    """The alarm table, as ``apexbeat config --alarms`` prints it."""
    return _apexbeat("config", "--alarms")


def bedside() -> str:
    """What to do at each alarm, most urgent first."""
    from monitor.alarms.table import RANK, TABLE

    rules = sorted(TABLE, key=lambda rule: -RANK[rule.priority])
    return table(("message", "priority", "do"), [(r.title, r.priority, r.remedy) for r in rules])


def exits() -> str:
    """Exit codes."""
    from monitor import errors as er

    return table(
        ("code", "meaning"),
        [
            (er.EXIT_OK, "fine"),
            (er.EXIT_SOME_FAILED, "some inputs failed"),
            (er.EXIT_USAGE, "usage: an option, a setting, two inputs of one name"),
            (er.EXIT_NO_INPUT, "no usable input: none given, or all failed"),
            (er.EXIT_DEVICE, "device: unknown, ambiguous, in use or gone"),
            (er.EXIT_MODEL, "model refused"),
            (er.EXIT_RECORD, "cannot record"),
            (er.EXIT_INTERRUPTED, "interrupted"),
        ],
    )


def demo() -> str:
    """The words, without the drawing, that replay prints of one recording."""
    lines = re.findall(r"^(?:\S|  [a-z]).*", _apexbeat("replay", DEMO), re.MULTILINE)
    return "\n".join(["```", f"$ apexbeat replay {DEMO}", *lines, "```", ""])


def first_heart() -> str:
    """Everything that replay prints of a recording with gaps in the contact."""
    done = _apexbeat("replay", FIRST).rstrip()
    return f"```\n$ apexbeat replay {FIRST}\n{done}\n```\n"


def _apexbeat(*arguments: str) -> str:
    code = "import sys; from monitor.cli.main import entry; sys.exit(entry())"
    # -X utf8: the drawing must not depend on the locale of who fills.
    done = subprocess.run(
        [sys.executable, "-X", "utf8", "-c", code, *arguments, "--config", os.devnull],
        cwd=ROOT, capture_output=True, encoding="utf-8", check=True,
    )  # fmt: skip
    return done.stdout


def delays() -> str:
    """From the first sound of a condition to the signal, step by step."""
    from dsp.chain import Chain
    from dsp.cycles.decoder import CycleDecoder
    from dsp.quality import QualityIndex
    from dsp.stage import RATE_HZ, STEP
    from dsp.windows import WINDOW
    from monitor.alarms.table import RULES
    from monitor.analysis.vitals import LEAST
    from monitor.config.load import Settings
    from monitor.supervise.supervisor import TICK_S

    alarms, verdict = Settings().alarms, Settings().verdict
    onset_s = 2.0  # CycleDecoder.delay, a property of its contract
    assert CycleDecoder.delay.fget is not None
    end_s = Chain(RATE_HZ, 1).delay / RATE_HZ + STEP / RATE_HZ + TICK_S
    windows_s = verdict.windows + WINDOW / RATE_HZ  # a window for each cycle, at 60/min
    most = LEAST  # of five cycles, three make the median
    conditions = {
        "abnormal_sound": (windows_s, QualityIndex.delay / RATE_HZ),
        "tachycardia": (most * 60 / alarms.tachycardia, onset_s),
        "tachycardia_extreme": (most * 60 / alarms.tachycardia_extreme, onset_s),
        "bradycardia": (most * 60 / alarms.bradycardia, onset_s),
        "bradycardia_extreme": (most * 60 / alarms.bradycardia_extreme, onset_s),
        "heart_lost": (alarms.heart_lost_s, onset_s),
        "poor_signal": (0.0, QualityIndex.delay / RATE_HZ),
        "signal_lost": (2.0, 0.0),
    }
    rows = []
    for kind, (condition, decision) in conditions.items():
        signal = RULES[kind].delay(alarms) / RATE_HZ
        total = condition + decision + end_s + signal
        cells = (condition, decision, end_s, signal, total)
        rows.append((kind, *(f"{value:.1f} s" for value in cells)))
    head = ("kind", "the condition", "until it is decided", "end of the step, filter, tone",
            "delay of the signal", "sum, at most")  # fmt: skip
    return table(head, rows)
