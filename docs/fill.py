"""Fills the marked blocks of README.md and docs/*.md; nothing between the marks is typed by hand.

    python docs/fill.py            fill all
    python docs/fill.py --check    say which are out of date (exit code 1), write nothing
    python docs/fill.py --quick    leave out `demo`, which runs ``apexbeat replay``

A block stands between ``<!-- NAME:begin (COMMAND) -->`` and ``<!-- NAME:end -->``. Tables come
from the code (settings, event file, alarms, exit codes) and figures from docs/results/*.json.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import typing
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import msgspec

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "docs" / "results"
BLOCK = re.compile(r"(<!-- (\w[\w-]*):begin[^>]*-->\n)(.*?)(<!-- \2:end -->)", re.DOTALL)
DEMO = ("recordings/normal.wav", "recordings/tachycardia.flac", "recordings/noisy_contact_loss.wav")
SLOW = frozenset({"demo"})


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Markdown table; a bar inside a cell is escaped."""
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    for row in rows:
        lines.append("| " + " | ".join(str(cell).replace("|", "\\|") for cell in row) + " |")
    return "\n".join(lines) + "\n"


def read(name: str) -> Any:
    """A file of docs/results, None where it is not there."""
    path = RESULTS / name
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else None


# ---------------------------------------------------------------- from the code


def settings() -> str:
    """One table per section of the settings file."""
    from monitor import sections
    from monitor.settings import Settings, describe

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
    """What ``make demo`` prints."""
    return f"```\n$ apexbeat replay {' '.join(DEMO)}\n{_apexbeat('replay', *DEMO).rstrip()}\n```\n"


def _apexbeat(*arguments: str) -> str:
    code = "import sys; from monitor.cli.main import entry; sys.exit(entry())"
    # -X utf8: the drawing must not depend on the locale of who fills.
    done = subprocess.run(
        [sys.executable, "-X", "utf8", "-c", code, *arguments, "--config", os.devnull],
        cwd=ROOT, capture_output=True, encoding="utf-8", check=True,
    )  # fmt: skip
    return done.stdout


# ---------------------------------------------------------------- from the results


def figures() -> str:
    """The figures of the README: one line each, with conditions and command."""
    rows = [*_cycle_rows(), *_quality_rows(), *_verdict_rows(), *_machine_rows()]
    return table(("what", "figure", "conditions", "made by"), rows)


def _span(pair: Sequence[float], digits: int = 3) -> str:
    return f"{pair[0]:.{digits}f}–{pair[1]:.{digits}f}"


def _cycle_rows() -> list[tuple[str, ...]]:
    found = read("segmentation.json")
    if found is None:
        return []
    every = found["streaming"]["all"]
    where = f"{every['recordings']} recordings of cinc2016, five folds by group, streaming"
    by = "`apexbeat-train evaluate-segmentation`"
    f100 = f"{every['f1 onset 100']:.3f} ({_span(every['interval onset 100'])})"
    f60 = f"{every['f1 onset 60']:.3f} ({_span(every['interval onset 60'])})"
    lag = found["run"]["worst lag of S1, samples"] / 2000
    return [
        ("S1 and S2 found, F1, onset within 100 ms", f100, where, by),
        ("the same, within 60 ms", f60, where, by),
        ("S1 and S2 taken for each other, per cycle", f"{every['swaps per cycle']:.4f}", where, by),
        ("longest time from an S1 to its decision", f"{lag:.2f} s", where, by),
    ]


def _quality_rows() -> list[tuple[str, ...]]:
    found = read("quality.json")
    if found is None:
        return []
    by = "`python -m training.quality`"
    own = found["quality_0_against_1"]
    far = found["database_held_out"]["quality_0_against_1"]
    text = "quality 0 against 1 of cinc2016, "
    return [
        ("signal quality, AUC", f"{own['auc']:.3f} ({_span(own['interval_95'])})",
         text + "five folds by group", by),
        ("signal quality, AUC", f"{far['auc']:.3f} ({_span(far['interval_95'])})",
         text + "each database left out in turn", by),
        ("clean seconds rejected", f"{found['seconds']['clean']['not_good']:.1%}",
         "hand-annotated seconds of cinc2016", by),
    ]  # fmt: skip


FIGURES = (
    ("mean_auc", "AUC, mean over databases"),
    ("weighted_auc_no_e", "AUC, weighted over databases without e"),
    ("mean_macc", "MAcc, mean over databases"),
)
"""e is left out of one of them: its two classes come from different equipment."""


def _cells(name: str, protocol: str) -> str:
    """How many folds and recordings stand behind a figure (seed 0)."""
    found = sorted((RESULTS / "cells").glob(f"{name}__{protocol}__*__0.json"))
    count = sum(len(json.loads(p.read_text(encoding="utf-8"))["records"]) for p in found)
    return f"{count} recordings in {len(found)} folds" if found else "cells not stored"


def _verdict_rows() -> list[tuple[str, ...]]:
    rows = []
    systems = (
        ("kd-student-2d", "distilled student"),
        ("student-2d", "student, not distilled"),
        ("light-kd", "light student, distilled"),
    )
    for name, words in systems:
        for protocol, split in (("S", "five folds by group"), ("D", "one database left out")):
            found = read(f"{name}__{protocol}.json")
            if found is None:
                continue
            by = f"`apexbeat-train evaluate {name} --protocol {protocol}`"
            where = f"cinc2016, {split}, {_cells(name, protocol)}"
            for key, title in FIGURES:
                span = f" ({_span(found[f'{key}_95'])})" if f"{key}_95" in found else ""
                rows.append((f"{words}: {title}", f"{found[key]:.3f}{span}", where, by))
    if not rows:
        said = ("verdict", "see docs/results", "no evaluation is stored here", "`apexbeat-train`")
        rows.append(said)
    return rows


def _machine_rows() -> list[tuple[str, ...]]:
    rows = []
    bench = read("bench.json") or {"rows": {}}
    for title, lines in bench["rows"].items():
        for line in lines:
            if line["target"].startswith("≥"):
                aim = f"aim {line['target']}: {'held' if line['held'] else 'not held'}"
                place = f"{title}; {bench['conditions']['processor']}; {aim}"
                rows.append((line["what"], line["figure"], place, f"`{bench['command']}`"))
    if archive := read("archive.json"):
        rows.append((
            "archive on 1, 2 cores, a cluster with a killed worker: same bytes",
            "yes" if archive["same_bytes"] else "no",
            f"{archive['sound_s'] / 3600:.1f} h of sound",
            "`python tests/bench/archive.py`",
        ))  # fmt: skip
    if ward := read("ward.json"):
        rows.append((
            "alarms of simulated beds: raised, missing, shown twice on the ward screen",
            f"{ward['alarms_raised']}, {ward['alarms_missing']}, {ward['alarms_shown_twice']}",
            f"{ward['beds']} beds, {ward['seconds'] / 60:.0f} min; {ward['conditions']}",
            f"`{ward['command']}`",
        ))  # fmt: skip
    return rows


def cycles() -> str:
    """F1 of the cycles by database."""
    found = read("segmentation.json")
    if found is None:
        return "Not measured in this state of the repository.\n"
    rows = []
    for name in ("a", "b", "c", "d", "e", "f", "all"):
        one = found["streaming"][name]
        rows.append((
            name, one["recordings"], one["groups"],
            f"{one['f1 onset 100']:.3f} ({_span(one['interval onset 100'])})",
            f"{one['f1 onset 60']:.3f}", f"{one['sensitivity S1']:.3f}",
            f"{one['sensitivity S2']:.3f}", f"{one['swaps per cycle']:.4f}",
        ))  # fmt: skip
    head = ("database", "recordings", "groups", "F1, 100 ms (95 %)", "F1, 60 ms",
            "sensitivity S1", "sensitivity S2", "swaps per cycle")  # fmt: skip
    return table(head, rows)


def checks() -> str:
    """The verdict of the whole monitor, against that at annotated S1, and on other data."""
    found = read("checks.json")
    if found is None:
        return "Not measured in this state of the repository.\n"
    rows = []
    if inside := found.get("through the monitor"):
        for key, words in (
            ("mean_auc", "mean AUC"),
            ("weighted_auc_no_e", "weighted AUC without e"),
            ("mean_macc", "mean MAcc"),
        ):
            pair = inside[key]
            rows.append((words, f"{pair['monitor']:.3f}", f"{pair['evaluate']:.3f}",
                         inside["what"], f"`{inside['command']}`"))  # fmt: skip
        for outside in found.get("elsewhere, through the monitor", ()):
            rows.append(("AUC", f"{outside['auc']:.2f}", "–", outside["what"],
                         f"`{inside['command']}`"))  # fmt: skip
    return table(("figure", "through the monitor", "at annotated S1", "on what", "by"), rows)


def peers() -> str:
    """Other programs on the same recordings."""
    found = (read("segmentation.json") or {}).get("other programs")
    if not found:
        return "Not measured in this state of the repository.\n"
    rows = []
    for name, one in found.items():
        if isinstance(one, str):
            rows.append((name, one, "–", "–", "–"))
        elif name.endswith(", all"):
            speed = one.get("times real time")
            rows.append((
                name.removesuffix(", all"), f"{one['f1 centre 100']:.3f}",
                f"{one['f1 centre 60']:.3f}", one["failed"],
                "–" if speed is None else f"{speed:.0f}",
            ))  # fmt: skip
    head = ("program", "F1, 100 ms", "F1, 60 ms", "recordings it failed on", "times real time")
    return table(head, rows)


def noise() -> str:
    """F1 and share of sound not called good, by noise."""
    found = read("noise.json")
    if found is None:
        return "Not measured in this state of the repository.\n"
    rows = []
    for row in found["rows"]:
        if row["snr_db"] not in (None, 20.0, 10.0, 5.0, 0.0, -5.0):
            continue
        level = "–" if row["snr_db"] is None else f"{row['snr_db']:.0f} dB"
        relied = "–" if row["f1_accepted"] is None else f"{row['f1_accepted']:.3f}"
        rows.append((row["noise"], level, f"{row['f1']:.3f}", f"{row['not_good']:.0%}", relied))
    head = ("noise", "signal to noise", "F1, all sound", "not called good", "F1, good sound only")
    return table(head, rows)


def verdicts() -> str:
    """Every stored evaluation of a system."""
    rows = []
    for path in sorted(RESULTS.glob("*__[SDP].json")):
        name, protocol = path.stem.split("__")
        one = json.loads(path.read_text(encoding="utf-8"))
        if "mean_auc" not in one:
            continue
        span = f" ({_span(one['mean_auc_95'])})" if "mean_auc_95" in one else ""
        unsure = f"{one['unsure']:.0%}" if "unsure" in one else "–"
        weighted = f"{one['weighted_auc_no_e']:.3f}" if "weighted_auc_no_e" in one else "–"
        mean = f"{one['mean_auc']:.3f}{span}"
        of = _cells(name, protocol)
        rows.append((name, protocol, of, mean, weighted, f"{one['mean_macc']:.3f}", unsure))
    if not rows:
        return "No evaluation is stored in this state of the repository.\n"
    return table(
        (
            "system",
            "protocol",
            "of",
            "mean AUC (95 %)",
            "weighted AUC without e",
            "mean MAcc",
            "unsure",
        ),
        rows,
    )


def delays() -> str:
    """From the first sound of a condition to the signal, step by step."""
    from dsp.chain import Chain
    from dsp.cycles.decoder import CycleDecoder
    from dsp.quality import QualityIndex
    from dsp.stage import RATE_HZ, STEP
    from dsp.windows import WINDOW
    from monitor.analysis.alarm_table import RULES
    from monitor.analysis.vitals import LEAST
    from monitor.settings import Settings
    from monitor.supervisor import TICK_S

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


def alarm_quality() -> str:
    """What the alarms did to subjects that neither model nor thresholds had met."""
    found, longer = read("alarms.json"), read("alarms-long.json")
    if found is None:
        return "No figures are stored in this state of the repository.\n"
    default = found["at default"]
    pooled, within, chosen = default["pooled"], default["mean_within"], found["choice"]
    rates, times = pooled["rate_alarms"], pooled["seconds_to_alarm"]
    kinds = ", ".join(f"{n} {kind}" for kind, n in pooled["false_kinds"].items())
    unseen = chosen["on unseen folds"]

    def share(value: float) -> str:
        return f"{100 * value:.1f} %"

    rows = [
        ("normal subjects, hours", f"{pooled['normal']}, {pooled['normal_hours']:g} h", ""),
        ("share of repeated sound", share(pooled["repeated"]), ""),
        ("false physiological episodes an hour",
         f"{pooled['false_per_hour']:g} ({kinds})", "≤ 0.5"),
        ("normal subjects with an abnormal-sound alarm, within databases and pooled",
         f"{share(within['normal_alarmed'])}, {share(pooled['normal_alarmed'])}", "≤ 10 %"),
        ("abnormal subjects alarmed, within databases and pooled",
         f"{share(within['abnormal_alarmed'])}, {share(pooled['abnormal_alarmed'])}",
         "≥ 70 % within"),
        ("seconds to the alarm, median and 95 %", f"{times['median']:g}, {times['p95']:g}",
         "≤ 30 (median)"),
        ("the same with a rule chosen on other folds: normal, abnormal within databases",
         f"{share(unseen['normal_alarmed_within'])}, {share(unseen['abnormal_alarmed_within'])}",
         ""),
        ("rate alarms against the annotated rate: right, false, unknown, missed",
         ", ".join(str(rates[k]) for k in ("right", "false", "unknown", "missed")), "none false"),
    ]  # fmt: skip
    if longer is not None:
        far = longer["at default"]["pooled"]
        by = far["normal_alarmed_by_minute"]
        kinds = ", ".join(f"{n} {kind}" for kind, n in far["false_kinds"].items()) or "none"
        rows += [
            (f"longer streams: {far['normal']} normal subjects, {far['normal_hours']:g} h: "
             "false episodes an hour", f"{far['false_per_hour']:g} ({kinds})", "≤ 0.5"),
            ("and normal subjects alarmed up to minute " + ", ".join(by),
             ", ".join(share(value) for value in by.values()), "≤ 10 %"),
        ]  # fmt: skip
    return table(("figure", "value", "aim"), rows) + f"\nMade by `{found['command'].strip()}`.\n"


def alarm_proofs() -> str:
    """Alarms and record under attack: what was done, and what came of it."""
    rows = []
    if found := read("mutants.json"):
        rows.append((
            "mutation score of alarm engine and verdict (aim 85 %)",
            f"{100 * found['score']:.1f} % of {found['mutants']}", f"`{found['command']}`",
        ))  # fmt: skip
    if found := read("alarm_kills.json"):
        rows.append((
            f"{found['kills']} times kill -9 while alarms are raised and acknowledged: raised, "
            "acknowledged; lost, twice",
            f"{found['raised']}, {found['acknowledged']}; {found['lost']}, {found['twice']}",
            f"`{found['command']}`",
        ))  # fmt: skip
    if found := read("disk.json"):
        full, hang, order = found["full"], found["hang"], found["order"]
        by = f"`{found['command']}`"
        rows += [
            ("a disk of 2 MB that is full: `cannot_record` after, writes again after, lines lost",
             f"{full['cannot_record_after_s']} s, {full['writes_again_after_s']} s, "
             f"{full['missing']}", by),
            (f"every sync takes {hang['each_sync_s']:g} s: the same",
             f"{hang['cannot_record_after_s']} s, {hang['writes_again_after_s']} s, "
             f"{hang['missing']}", by),
            ("acknowledgements answered only after a sync (strace)",
             f"{order['synced_before_answer']} of {order['acknowledgements']}", by),
        ]  # fmt: skip
    if found := read("damage.json"):
        rows.append((
            f"a store damaged at {found['places']} random places: crashed starts, overwritten",
            f"{found['crashed']}, {found['overwritten']}", f"`{found['command']}`",
        ))  # fmt: skip
    if found := read("big_store.json"):
        times = "; ".join(
            f"{name}: {one['wall_s']:.2f} s, {one['cpu_s']:.2f} s of processor"
            for name, one in found["figures"].items()
        )
        rows.append((
            f"a store of {found['bytes'] / 2**30:.1f} GB, {found['sessions']} sessions "
            f"(load of the machine {found['load']})", times, f"`{found['command']}`",
        ))  # fmt: skip
    return table(("what", "figure", "made by"), rows)


RUNS = {
    "one": "one core",
    "two": "two cores",
    "resumed": "two cores, {resumed}",
    "cluster": "a cluster on the same cores: {cluster}",
}


def archive() -> str:
    """An archive on cores and a cluster: time, speed-up and cost."""
    found = read("archive.json")
    if found is None:
        return "Not measured in this state of the repository.\n"
    took, rows = found["seconds"], []
    for name, words in RUNS.items():
        cost = found.get("processor_s_per_recording", {}).get(name)
        rows.append((
            words.format(**found), f"{took[name]:.0f} s", f"{took['one'] / took[name]:.2f}",
            f"{found['times_real_time'][name]:.0f}",
            f"{1000 * found['cost_per_recording_s'][name]:.0f} ms",
            "–" if cost is None else f"{1000 * cost:.0f} ms",
        ))  # fmt: skip
    head = ("where", "time", "speed-up", "times real time", "per recording",
            "processor, per recording")  # fmt: skip
    same = "the same byte for byte" if found["same_bytes"] else "**not** the same"
    return table(head, rows) + (
        f"\n{found['recordings']} recordings, {found['sound_s'] / 3600:.1f} h, {found['failed']}"
        f" failed; all four results are {same}. On"
        f" {found['conditions']}. Made by `{found['command']}`.\n"
    )


def ward() -> str:
    """Simulated beds on a real broker."""
    found = read("ward.json")
    if found is None:
        return "Not measured in this state of the repository.\n"
    return (
        f"{found['beds']} simulated beds for {found['seconds'] / 60:.0f} minutes on a real broker"
        f" ({found['conditions']}): {found['alarms_raised']} alarms raised,"
        f" {found['alarms_missing']} missing, {found['alarms_shown_twice']} shown twice;"
        f" {found['beds_silenced']} times a bed fell silent, shown as an alarm after"
        f" {found['silent_median_s']:.1f} s (median), {found['silent_worst_s']:.1f} s (longest)."
        f" Made by `{found['command']}`.\n"
    )


def screen_cost() -> str:
    """What the screen takes of a machine."""
    found = read("screen.json")
    if found is None:
        return "Not measured in this state of the repository.\n"
    parts = ("screen", "core", "supervisor")
    rows = [
        (
            f"{row['frames_per_s']:.0f}",
            *(f"{row['percent_of_a_core'][p]:.1f} %, {row['memory_mb'][p]} MB" for p in parts),
        )
        for row in found["cost"]
    ]
    key = found["key_to_screen"]
    return table(("frames a second", *(f"{p}: of one core, memory" for p in parts)), rows) + (
        f"\nFrom a key to the changed screen: {key['p50_ms']:.0f} ms (median),"
        f" {key['worst_ms']:.0f} ms (longest of {key['presses']})."
        f" Conditions: {found['conditions']};"
        f" made by `{found['command']}`.\n"
    )


MAKERS: dict[str, Callable[[], str]] = {
    "settings": settings,
    "events": events,
    "alarms": alarms,
    "delays": delays,
    "alarm_quality": alarm_quality,
    "alarm_proofs": alarm_proofs,
    "exits": exits,
    "demo": demo,
    "figures": figures,
    "cycles": cycles,
    "peers": peers,
    "checks": checks,
    "noise": noise,
    "verdicts": verdicts,
    "archive": archive,
    "ward": ward,
    "screen-cost": screen_cost,
}


def pages() -> list[Path]:
    """The files that may hold blocks."""
    return [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def filled(text: str, made: dict[str, str], leave: frozenset[str] = frozenset()) -> str:
    """``text`` with its blocks made anew; ``made`` keeps them between files."""

    def replace(found: re.Match[str]) -> str:
        name = found[2]
        if name not in MAKERS or name in leave:
            return found[0]
        if name not in made:
            made[name] = MAKERS[name]()
        return f"{found[1]}{made[name]}{found[4]}"

    return BLOCK.sub(replace, text)


def main(arguments: Sequence[str] | None = None) -> int:
    """Fill, or check."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--quick", action="store_true")
    asked = parser.parse_args(arguments)
    made: dict[str, str] = {}
    stale = []
    for path in pages():
        before = path.read_text(encoding="utf-8")
        after = filled(before, made, SLOW if asked.quick else frozenset())
        if after != before:
            stale.append(path)
            if not asked.check:
                path.write_text(after, encoding="utf-8")
    for path in stale:
        word = "out of date" if asked.check else "filled"
        sys.stderr.write(f"{path.relative_to(ROOT)}: {word}\n")
    return int(asked.check and bool(stale))


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    sys.exit(main())
