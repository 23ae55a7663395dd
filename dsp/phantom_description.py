"""What a phantom heart is made of: frozen descriptions, no behaviour."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from dsp.phantom_beat import Murmur, Sounds
from dsp.phantom_noise import NoiseKind

HEART_RMS = 0.0218
"""RMS (20-400 Hz) of the default heart at 70/min without anything else: the reference of all
signal-to-noise ratios."""


@dataclass(frozen=True, slots=True)
class Noise:
    """A noise over a span of time.

    Attributes
    ----------
    kind
        white, pink, speech, rubbing or hum.
    snr_db
        Power of the undisturbed heart (`HEART_RMS`) over that of the noise, within 20-400 Hz.
    start_s, end_s
        Where it is heard.
    """

    kind: NoiseKind
    snr_db: float
    start_s: float = 0.0
    end_s: float = np.inf


@dataclass(frozen=True, slots=True)
class Phantom:
    """Everything about one phantom heart.

    Attributes
    ----------
    duration_s
        Length of `render`; a stream is endless.
    rate_per_min
        Heart rate where ``profile`` is empty.
    profile
        (time in s, rate per minute), linear between points, held after the last; two points at
        one time are a step.
    variability
        Standard deviation of the cycle length, relative (slow and beat-to-beat together).
    respiratory
        Amplitude of the respiratory sinus arrhythmia, relative to the cycle.
    irregularity
        Deviation of independent, log-normal cycle lengths (atrial fibrillation: about 0.2).
    ectopic
        Probability that a beat comes early, with a pause after it.
    pattern
        Lengths of successive cycles against the mean, repeated: (0.65, 1.35) is bigeminy.
    systole_share
        S1 to S2 as a share of the usual cycle, None for the share that people have at the rate.
    stops
        (from, to) in s: no beat begins there (asystole).
    sounds, murmurs
        What the valves sound like.
    breaths_per_min, breath_depth, breath_snr_db
        Breathing: its rate, its modulation of loudness, and the loudness of its noise.
    noises
        Ambient and other noises.
    floor_db
        Level of the device's own white noise against the heart; it is never absent.
    spikes_per_min, spike_db
        Clicks, and their peak against that of S1.
    contact_loss
        (from, to) in s: the chest piece is off the chest.
    gain_db
        (time in s, dB): steps of the gain of everything.
    repeat_s
        If given, profile, stops, noises, contact losses and gain begin again after it.
    seed
        Of every random draw.
    """

    duration_s: float = 60.0
    rate_per_min: float = 70.0
    profile: tuple[tuple[float, float], ...] = ()
    variability: float = 0.02
    respiratory: float = 0.03
    irregularity: float = 0.0
    ectopic: float = 0.0
    pattern: tuple[float, ...] = ()
    systole_share: float | None = None
    stops: tuple[tuple[float, float], ...] = ()
    sounds: Sounds = field(default_factory=Sounds)
    murmurs: tuple[Murmur, ...] = ()
    breaths_per_min: float = 15.0
    breath_depth: float = 0.12
    breath_snr_db: float = 24.0
    noises: tuple[Noise, ...] = ()
    floor_db: float = -36.0
    spikes_per_min: float = 0.0
    spike_db: float = 6.0
    contact_loss: tuple[tuple[float, float], ...] = ()
    gain_db: tuple[tuple[float, float], ...] = ()
    repeat_s: float | None = None
    seed: int = 1
