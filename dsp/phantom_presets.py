"""Named phantoms, for `apexbeat live --phantom NAME`, drills, recordings and tests."""

from __future__ import annotations

from dsp.phantom_beat import Murmur, Sounds
from dsp.phantom_description import Noise, Phantom

_SYSTOLIC = Murmur("systolic", "holo", "diamond", (100.0, 350.0), 3)

PRESETS: dict[str, Phantom] = {
    "normal": Phantom(rate_per_min=72.0, noises=(Noise("pink", 22.0),), seed=11),
    "murmur": Phantom(
        rate_per_min=76.0, murmurs=(_SYSTOLIC,), noises=(Noise("pink", 22.0),), seed=12
    ),
    "diastolic": Phantom(
        rate_per_min=70.0,
        murmurs=(Murmur("diastolic", "early", "decrescendo", (150.0, 400.0), 3),),
        noises=(Noise("pink", 22.0),),
        seed=13,
    ),
    "tachycardia": Phantom(
        duration_s=90.0,
        profile=((20.0, 75.0), (25.0, 135.0), (60.0, 135.0), (65.0, 82.0)),
        noises=(Noise("pink", 22.0),),
        repeat_s=120.0,
        seed=14,
    ),
    "bradycardia": Phantom(
        duration_s=90.0,
        profile=((20.0, 68.0), (24.0, 44.0), (55.0, 44.0), (60.0, 66.0)),
        noises=(Noise("pink", 22.0),),
        repeat_s=120.0,
        seed=15,
    ),
    "stop": Phantom(
        duration_s=75.0,
        rate_per_min=74.0,
        stops=((35.0, 50.0),),
        noises=(Noise("pink", 22.0),),
        repeat_s=120.0,
        seed=16,
    ),
    "noisy": Phantom(
        duration_s=90.0,
        rate_per_min=78.0,
        noises=(
            Noise("pink", 14.0),
            Noise("speech", 12.0, 12.0, 18.0),
            Noise("rubbing", -8.0, 62.0, 76.0),
        ),
        spikes_per_min=6.0,
        contact_loss=((30.0, 46.0),),
        gain_db=((54.0, 4.0),),
        repeat_s=120.0,
        seed=17,
    ),
    "murmur_tachycardia": Phantom(
        duration_s=90.0,
        profile=((20.0, 84.0), (25.0, 136.0), (60.0, 136.0), (65.0, 88.0)),
        murmurs=(Murmur("systolic", "holo", "plateau", (120.0, 380.0), 4),),
        noises=(Noise("pink", 22.0),),
        repeat_s=120.0,
        seed=18,
    ),
    "irregular": Phantom(
        rate_per_min=88.0, irregularity=0.2, noises=(Noise("pink", 22.0),), seed=19
    ),
    "ectopic": Phantom(rate_per_min=70.0, ectopic=0.12, noises=(Noise("pink", 22.0),), seed=20),
    "gallop": Phantom(
        rate_per_min=92.0,
        sounds=Sounds(s3_db=-9.0, s4_db=-12.0),
        noises=(Noise("pink", 22.0),),
        seed=21,
    ),
    "fast": Phantom(rate_per_min=200.0, variability=0.01, respiratory=0.01, seed=22),
    "slow": Phantom(rate_per_min=35.0, seed=23),
}
"""Name to phantom. Those with ``repeat_s`` run their course again and again in a stream."""
