"""Whether the rate is halved or doubled, whatever share of the cycle systole takes.

Phantoms of 30 to 220/min whose systole takes 0.25 to 0.55 of the cycle, a third each with ordinary
sounds, with S1 and S2 alike, and teaching tones, go through the whole monitor. Counted are the
rates on its screen: at half or twice the true rate, with the true one beside it ("79 or 158") or
not, and alarms of an extreme rate that a wrong rate raised. None of these hearts is learnt from.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from dsp.cycles.model import CycleModel
from dsp.phantom import Phantom, Sounds, Tone, render
from dsp.stage import RATE_HZ
from monitor import events as ev
from monitor.analysis.pipeline import Pipeline
from monitor.config.load import Settings
from training.segmentation.hearts import FASTEST, LONGEST_SYSTOLE_S, SLOWEST, plain

SHARES = (0.25, 0.3, 0.35, 0.4, 0.45, 0.48, 0.5, 0.52, 0.55)
"""Shares of systole of the cycle."""
SOUNDS = ("ordinary", "alike", "tones")
SECONDS = 40.0
NEAR = 0.15
"""Rates that differ less, relatively, are the same; so are half and twice the rate."""
MOST = 0.5
"""Share of the values from which a rate is wrong, or told beside another."""
_FAMILY = 4
Row = dict[str, object]


def heart(share: float, place: int) -> tuple[str, Phantom]:
    """Kind of sounds and description of one heart."""
    rng = np.random.default_rng((_FAMILY, round(100 * share), place))
    drawn = plain(rng, SECONDS)
    slowest = max(SLOWEST, 60 * share / LONGEST_SYSTOLE_S)
    rate = float(np.exp(rng.uniform(np.log(slowest), np.log(FASTEST))))
    drawn = replace(drawn, rate_per_min=rate, systole_share=share)
    kind = SOUNDS[place % len(SOUNDS)]
    hz = float(rng.uniform(40, 90))
    if kind == "alike":
        sounds = replace(
            drawn.sounds, s1_hz=hz, s2_hz=hz * float(rng.uniform(0.9, 1.15)),
            s2_db=float(rng.normal(0, 1.5)),
        )  # fmt: skip
        return kind, replace(drawn, sounds=sounds)
    if kind == "tones":
        return kind, replace(
            drawn, sounds=_tones(rng, drawn.sounds, hz), variability=0.0, respiratory=0.0,
            breath_depth=0.0, breath_snr_db=40.0,
        )  # fmt: skip
    return kind, drawn


def _tones(rng: np.random.Generator, sounds: Sounds, hz: float) -> Sounds:
    one = Tone(hz, float(rng.uniform(0.06, 0.13)))
    two = Tone(hz * float(rng.uniform(0.85, 1.4)), one.length_s * float(rng.uniform(0.6, 1.0)))
    return replace(sounds, s1_tone=one, s2_tone=two, s2_db=float(rng.normal(-1, 2)), variation=0.05)


def said(model: CycleModel, described: Phantom) -> list[ev.Event]:
    """Events of the monitor, without a verdict's model."""
    sound = render(described).sound.astype(np.float32)[:, None]
    pipeline = Pipeline(Settings(), None, model, "phantom", RATE_HZ, 1)
    events: list[ev.Event] = []
    for at in range(0, len(sound), 10 * RATE_HZ):
        events += pipeline.push(ev.Block(sound[at : at + 10 * RATE_HZ], RATE_HZ, at)).events
    events += pipeline.finish().events
    return events


def judged(events: list[ev.Event], rate: float) -> str:
    """ "none", "right", "right or another", "wrong or right", "wrong", or "alarm" (extreme)."""
    lines = [e for e in events if isinstance(e, ev.Vitals) and e.rate is not None]
    if not lines:
        return "none"
    ratio = np.array([line.rate for line in lines], float) / rate
    other = np.array([line.other or np.nan for line in lines], float) / rate
    wrong = (np.abs(ratio / 2 - 1) < NEAR) | (np.abs(2 * ratio - 1) < NEAR)
    if not _extreme(rate) and wrong.any() and any(
        isinstance(e, ev.Alarm) and e.state == "active" and e.kind.endswith("cardia_extreme")
        for e in events
    ):  # fmt: skip
        return "alarm"
    if wrong.mean() < MOST:
        return "right" if np.isnan(other).mean() >= MOST else "right or another"
    covered = np.abs(other[wrong] - 1) < NEAR
    return "wrong or right" if covered.mean() >= MOST else "wrong"


def _extreme(rate: float) -> bool:
    """Whether the true rate itself is beyond the limits of the extreme alarms."""
    limits = Settings().alarms
    return not limits.bradycardia_extreme <= rate <= limits.tachycardia_extreme


def shares(model: CycleModel, each: int = 60) -> list[Row]:
    """How the rates of ``each`` hearts of every share were told."""
    rows: list[Row] = []
    for share in SHARES:
        told = []
        for place in range(each):
            _, described = heart(share, place)
            told.append(judged(said(model, described), described.rate_per_min))
        row: Row = {"share": share, "hearts": each}
        for what in ("right", "right or another", "wrong or right", "wrong", "alarm", "none"):
            row[what] = told.count(what)
        rows.append(row)
    return rows
