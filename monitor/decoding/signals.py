"""Which signal of a record with several is the sound, and which an electrocardiogram.

By their names, as PhysioNet 2016 (``PCG``, ``ECG``), CirCor (the place: ``AV``), EPHNOGRAM
(``PCG``, ``PCG AUX1``, ``ECG``), stethoscopes and sleep laboratories write them.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

_SOUND = re.compile(
    r"(?i)pcg|phono|heart.?sound|steth|auscult|\bhs\d*\b|\bmic|audio|\bsound\b|^(AV|PV|TV|MV|Phc)$"
)
_BEST = re.compile(r"(?i)^pcg\d*$|phonocard|heart.?sound")
_ECG = re.compile(r"(?i)ecg|ekg|electrocard|\blead\b|^(I{1,3}|V[1-6]|aV[RLF]|ML?II|MCL1)$")
_OTHER = re.compile(r"(?i)aux|ambient|noise|present|rate|annot")


def is_ecg(label: str) -> bool:
    """Whether a name is that of an electrocardiogram."""
    return bool(_ECG.search(label.strip()))


def is_sound(label: str) -> bool:
    """Whether a name is that of a heart sound."""
    label = label.strip()
    return bool(_SOUND.search(label)) and not is_ecg(label)


def pick_sound(labels: Sequence[str], rates_hz: Sequence[float]) -> list[int]:
    """Return the signals that are the sound, of one rate, at least 1 kHz; empty if there is none.

    Named ones first, the very best name alone before them; else every signal that is not named
    as something else.
    """
    able = [k for k, rate_hz in enumerate(rates_hz) if rate_hz >= 1000]
    for fits in (
        lambda label: bool(_BEST.search(label.strip())),
        lambda label: is_sound(label) and not _OTHER.search(label),
        is_sound,
        lambda label: not is_ecg(label) and not _OTHER.search(label),
    ):
        found = [k for k in able if fits(labels[k])]
        if found:
            return [k for k in found if rates_hz[k] == rates_hz[found[0]]]
    return []


def pick_ecg(labels: Sequence[str]) -> list[int]:
    """Return the first signal named as an electrocardiogram, if there is one."""
    return [k for k, label in enumerate(labels) if is_ecg(label)][:1]
