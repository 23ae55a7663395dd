"""What ``apexbeat selftest`` checks: this machine's libraries against a phantom heart.

A refused model is an error of its own (exit code 5); everything else is a check that passes, in
words, or fails.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from importlib.metadata import PackageNotFoundError, version
from itertools import pairwise

import numpy as np

from dsp.phantom import PRESETS, Rendering, render
from monitor import events as ev
from monitor.assembly import Models, build_pipeline, open_models
from monitor.config.load import Settings
from monitor.record.eventfile import encode

TOLERANCE = 120
"""Samples at 2 kHz (60 ms) within which a sound counts as found."""

LIBRARIES = ("numpy", "scipy", "torch", "soundfile", "sounddevice", "textual")

RATE_HZ = 4000


class Failed(Exception):
    """A check did not pass; the message says what was found."""


@dataclass
class _Bench:
    settings: Settings
    heart: Rendering = field(default_factory=lambda: render(PRESETS["normal"], RATE_HZ))

    @cached_property
    def models(self) -> Models:
        return open_models(self.settings)

    def lines(self, block: int) -> list[ev.Event]:
        """Events of the phantom, cut into blocks of so many frames."""
        models = self.models
        pipe = build_pipeline(self.settings, models, "phantom", RATE_HZ, 1)
        sound = self.heart.sound.astype(np.float32)[:, None]
        found: list[ev.Event] = []
        for at in range(0, len(sound), block):
            found += pipe.push(ev.Block(sound[at : at + block], RATE_HZ, at)).events
        return [*found, *pipe.finish().events]

    @cached_property
    def events(self) -> list[ev.Event]:
        return self.lines(RATE_HZ)

    def versions(self) -> str:
        words = []
        for name in LIBRARIES:
            try:
                words.append(f"{name} {version(name)}")
            except PackageNotFoundError:
                raise Failed(f"{name} is not installed") from None
        return ", ".join(words)

    def model(self) -> str:
        engine = self.models.engine
        assert engine is not None
        p = float(engine.probability(np.zeros((1, 5000), dtype=np.float32))[0])
        if not 0 <= p <= 1:
            raise Failed(f"p of silence is {p}")
        return ", ".join(f"{name} {digest[:12]}" for name, digest in self.models.hashes.items())

    def cycles(self) -> str:
        found = [line for line in self.events if isinstance(line, ev.Beat)]
        words = []
        for name in ("s1", "s2"):
            truth = [v for b in self.heart.beats if (v := getattr(b, name)) is not None]
            heard = [v for b in found if (v := getattr(b, name)) is not None]
            missed = [t for t in truth if not any(abs(t - h) <= TOLERANCE for h in heard)]
            extra = [h for h in heard if not any(abs(t - h) <= TOLERANCE for t in truth)]
            if missed or extra:
                raise Failed(f"{len(missed)} {name} missed, {len(extra)} invented")
            words.append(f"{len(truth)} {name.upper()}")
        return f"{' and '.join(words)} within 60 ms, none invented"

    def rate(self) -> str:
        onsets = [b.s1 for b in self.heart.beats if b.s1 is not None]
        truth = 120_000 / float(np.median([b - a for a, b in pairwise(onsets)]))
        rates = [v.rate for v in self.events if isinstance(v, ev.Vitals) and v.rate is not None]
        if not rates or abs(float(np.median(rates)) - truth) > 3:
            raise Failed(f"{np.median(rates) if rates else None}, it is {truth:.0f}/min")
        return f"{np.median(rates):.0f}/min"

    def quiet(self) -> str:
        kinds = {"abnormal_sound"}  # what the student says of a phantom is not asserted
        raised = [a.kind for a in self.events if isinstance(a, ev.Alarm) and a.kind not in kinds]
        faults = [f.what for f in self.events if isinstance(f, ev.Fault)]
        if raised or faults:
            raise Failed(", ".join([*raised, *faults]))
        return "none"

    def repeatable(self) -> str:
        ours = b"".join(map(encode, self.events))
        if ours != b"".join(map(encode, self.lines(997))):
            raise Failed("events depend on how the sound is cut")
        return f"{len(self.events)} events, the same however the sound is cut"


def checks(settings: Settings) -> list[tuple[str, Callable[[], str]]]:
    """Return title and check, in order; a check returns words or raises ``Failed``."""
    bench = _Bench(settings)
    return [
        ("libraries", bench.versions),
        ("models", bench.model),
        ("cycles", bench.cycles),
        ("rate", bench.rate),
        ("false alarms and faults", bench.quiet),
        ("repeatable", bench.repeatable),
    ]
