"""Markdown tables of the segmentation results (`docs/results/segmentation.json`)."""

from __future__ import annotations

from typing import Any

TITLES = {
    "streaming": "Streaming, as the product decodes",
    "offline": "Offline: everything decided at the end",
    "logistic": "Logistic regression on Springer's envelopes, the same decoder, streaming",
    "development groups": "Development groups, the shipped model",
}
NOTES = {
    "logistic": "Five folds by group of cinc2016.",
    "development groups": "Every seventh group; nothing was learnt from them but the confidence.",
}


def _cell(value: Any) -> str:
    return f"{value:.4f}" if isinstance(value, float) else str(value)


def table(rows: dict[str, dict[str, Any]]) -> str:
    """One table of per-database rows."""
    head = (
        "| database | recordings | onsets | F1 30 ms | F1 60 ms | F1 100 ms (95 %) | centres 60 | "
        "swaps per cycle | rate error | rate off by > 10 % |\n"
        "|---|---|---|---|---|---|---|---|---|---|\n"
    )
    lines = []
    for name, row in rows.items():
        low, high = row["interval onset 100"]
        rate = row.get("rate error per minute", {}).get("median absolute", "–")
        cells = [
            name, row["recordings"], row["wanted"], row["f1 onset 30"], row["f1 onset 60"],
            f"{row['f1 onset 100']:.4f} ({low:.3f}–{high:.3f})", row["f1 centre 60"],
            row["swaps per cycle"], rate,
            row.get("rate of recordings", {}).get("off by more than 10 %", "–"),
        ]  # fmt: skip
        lines.append("| " + " | ".join(_cell(c) for c in cells) + " |")
    return head + "\n".join(lines) + "\n"


def compare_table(rows: dict[str, Any]) -> str:
    """Centres found by each program, database by database."""
    lines = [f"{rows['recordings']} recordings", ""]
    lines += ["| program, database | F1 60 ms | F1 100 ms | failed |", "|---|---|---|---|"]
    for name, row in rows.items():
        if isinstance(row, dict):
            lines.append(
                f"| {name} | {row['f1 centre 60']:.4f} | {row['f1 centre 100']:.4f} "
                f"| {row['failed']} |"
            )
    return "\n".join(lines) + "\n"


def calibration_table(row: dict[str, Any]) -> str:
    """Said against was."""
    lines = ["| said | right | cycles |", "|---|---|---|"]
    for said, was, count in row["bins (said, was, cycles)"]:
        lines.append(f"| {said:.3f} | {was:.3f} | {count} |")
    return "\n".join(lines) + "\n"


def hearts_table(rows: list[dict[str, Any]], first: str) -> str:
    """Phantoms of hard kinds, or like reported hearts."""
    lines = [
        f"| {first} | hearts | F1 60 ms | F1 100 ms | timing ms, median, 95 % | swaps per cycle "
        "| half or twice the rate | pauses, shown, beats within |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        timing = ", ".join(str(v) for v in row.get("timing ms, median and 95 %", ["–"]))
        pauses = ", ".join(str(v) for v in row["pauses, shown, beats within"])
        lines.append(
            f"| {row[first]} | {row['hearts']} | {row['f1 60']:.4f} | {row['f1 100']:.4f} "
            f"| {timing} | {row['swaps per cycle']:.4f} | {row['halved or doubled']} | {pauses} |"
        )
    return "\n".join(lines) + "\n"


def shares_table(rows: list[dict[str, Any]]) -> str:
    """Rates told over the share of the cycle that systole takes."""
    names = [name for name in rows[0] if name not in ("share", "hearts")]
    lines = [f"| systole's share | hearts | {' | '.join(names)} |"]
    lines.append("|---" * (len(names) + 2) + "|")
    for row in rows:
        cells = [f"{row['share']:.2f}", row["hearts"], *(row[name] for name in names)]
        lines.append("| " + " | ".join(str(cell) for cell in cells) + " |")
    return "\n".join(lines) + "\n"


def _folds(variant: dict[str, Any]) -> str:
    """What the folds of the first tables were fitted on."""
    return (
        f"Folds by person, {variant['folds']} of five: {variant['steps']} steps over cinc2016, "
        "CirCor, phantoms and sounds without a heart."
    )


def markdown(result: dict[str, Any]) -> str:
    """All tables."""
    parts = []
    for section, title in TITLES.items():
        if section in result:
            note = NOTES.get(section) or _folds(result["variant"])
            parts.append(f"### {title}\n\n{note}\n\n{table(result[section])}")
    if "streaming" in result:
        row = result["streaming"]["all"]["calibration"]
        parts.append(f"### Confidence\n\n{calibration_table(row)}")
    if "phantom kinds" in result:
        kinds = hearts_table(result["phantom kinds"], "kind")
        parts.append("### Hard kinds of phantoms, the shipped model\n\n" + kinds)
    if "phantom siblings" in result:
        cases = hearts_table(result["phantom siblings"], "case")
        parts.append("### Twenty phantoms like each reported heart\n\n" + cases)
    if "systole's share" in result:
        told = shares_table(result["systole's share"])
        parts.append("### The rate on the screen, over the share of systole\n\n" + told)
    if "other programs" in result:
        parts.append("### Beside other programs\n\n" + compare_table(result["other programs"]))
    if "phantom rates" in result:
        lines = ["| rate /min | F1 60 ms |", "|---|---|"]
        lines += [f"| {r['rate']:.0f} | {r['f1 60']:.4f} |" for r in result["phantom rates"]]
        lines += ["", "| step /min | s until within 5 % |", "|---|---|"]
        lines += [
            f"| {r['from']:.0f} → {r['to']:.0f} | {r['s']} |" for r in result["phantom steps"]
        ]
        parts.append("### Rates of phantoms\n\n" + "\n".join(lines) + "\n")
    return "\n".join(parts)
