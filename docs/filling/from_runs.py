"""Blocks made from the results of runs: alarms, faults, archive, ward, screen."""

from __future__ import annotations

from typing import Any

from filling.common import read, stored, table


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


@stored("formats.json")
def formats(found: Any) -> str:
    """Every format, written by another program and read here."""
    rows = []
    for one in found["formats"]:
        before = one["p before coding"]
        rows.append((
            one["format"], f"`{one['suffix']}`", one["written by"], one["read"],
            f"{one['beats']}, {one['beats of the WAV']}",
            f"{one['p']:.4f}, {one['p of the WAV']:.4f}",
            "" if before is None else f"{before:.4f}",
        ))  # fmt: skip
    head = ("format", "suffix", "written by", "read", "beats, of the WAV", "p, of the WAV",
            "p before coding")  # fmt: skip
    return table(head, rows) + (
        f"\nOne phantom heart of {found['seconds']:g} s. *Of the WAV*: the same sound as a WAV; of"
        " a lossy format, what the program that wrote it (or FFmpeg) decodes from it."
        f" Made by `{found['command']}`.\n"
    )


@stored("bench.json")
def speed(found: Any) -> str:
    """The figures of the benchmark that have an aim."""
    rows = [
        (line["what"], title, line["figure"], line["target"], "yes" if line["held"] else "no")
        for title, lines in found["rows"].items()
        for line in lines
        if line["target"].startswith("≥") or line["target"].startswith("≤")
    ]
    where = f"{found['conditions']['processor']}, {found['conditions']['system']}"
    head = ("figure", "of", "value", "aim", "held")
    return table(head, rows) + f"\nOn {where}. Made by `{found['command']}`.\n"


@stored("library.json")
def library(found: Any) -> str:
    """The library beside the command, start-up, and the wheel."""
    rows = [
        (line["what"], title, line["figure"], line["target"])
        for title, lines in found["rows"].items()
        for line in lines
    ]
    where = f"{found['conditions']['processor']}, {found['conditions']['system']}"
    head = ("what", "of", "value", "aim")
    return table(head, rows) + f"\nOn {where}. Made by `{found['command']}`.\n"


RUNS = {
    "one": "one core",
    "two": "two cores",
    "resumed": "two cores, {resumed}",
    "calm": "a cluster on the same cores: {calm}",
    "cluster": "a cluster on the same cores: {cluster}",
}
MILLION = 1_000_000


@stored("archive.json")
def archive(found: Any) -> str:
    """An archive on cores and a cluster: time, speed-up and cost."""
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
        f" failed; all {len(RUNS)} results are {same}. On"
        f" {found['conditions']}. Made by `{found['command']}`.\n"
    )


@stored("archive.json")
def million(found: Any) -> str:
    """What a million recordings take."""
    cost, size = found["processor_s_per_recording"], found["bytes_per_recording"]
    length_s = found["sound_s"] / found["recordings"]
    rows = [
        (
            f"{cores} cores" if cores > 1 else "1 core",
            _hours(MILLION * cost["one"] / cores),
            _hours(MILLION * cost["calm"] / cores) if cores > 2 else "–",
        )
        for cores in (1, 2, 16, 64, 256)
    ]
    gigabytes = {name: f"{MILLION * size[name] / 1e9:.0f} GB" for name in size}
    return table(("processor cores of the kind measured", "one machine", "a cluster"), rows) + (
        f"\nRecordings of {length_s:.0f} s. One costs {1000 * cost['one']:.0f} ms of a processor,"
        f" on a cluster {1000 * (cost['calm'] - cost['one']):.0f} ms more. A million of them are"
        f" {gigabytes['sound']} of sound (FLAC and WAV as they were), {gigabytes['result']} of"
        f" results, and {gigabytes['events']} of event files, if those are kept. Measured on"
        f" {found['recordings']} recordings by `{found['command']}`.\n"
    )


def _hours(seconds: float) -> str:
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"


@stored("ward.json")
def ward(found: Any) -> str:
    """Simulated beds on a real broker."""
    return (
        f"{found['beds']} simulated beds for {found['seconds'] / 60:.0f} minutes on a real broker"
        f" ({found['conditions']}): {found['alarms_raised']} alarms raised,"
        f" {found['alarms_missing']} missing, {found['alarms_shown_twice']} shown twice;"
        f" {found['beds_silenced']} times a bed fell silent, shown as an alarm after"
        f" {found['silent_median_s']:.1f} s (median), {found['silent_worst_s']:.1f} s (longest)."
        f" Made by `{found['command']}`.\n"
    )


@stored("screen.json")
def screen_cost(found: Any) -> str:
    """What the screen takes of a machine."""
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
