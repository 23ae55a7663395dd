"""The scenes that tests and pictures of the screen show, by name."""

from __future__ import annotations

from collections.abc import Callable

from scene import Scene, alarm

from monitor.link import messages as ms


def _past() -> list[ms.AlarmLine]:
    over = {"state": "inactive", "condition": False}
    return [
        alarm(3, "poor_signal", "low", 250, "rubbing, 12 s", cleared=2000 * 262, **over),
        alarm(
            2,
            "tachycardia",
            "medium",
            120,
            "124/min for 10 s",
            cleared=2000 * 170,
            acknowledged=2000 * 130,
            count=3,
            **over,
        ),
        alarm(
            9,
            "heart_lost",
            "high",
            400,
            "6 s without a beat, signal good",
            cleared=2000 * 450,
            earlier_session="20261122-190000-f3",
            **over,
        ),
    ]


_ABNORMAL = alarm(
    7, "abnormal_sound", "medium", 751, "12 of 15 windows ≥ 0.80, signal good, 78/min"
)
_FAST = alarm(8, "tachycardia_extreme", "high", 758, "158/min for 5 s, limit 150")
_POOR = alarm(6, "poor_signal", "low", 740, "noisy: rubbing, 14 s")
_LOST = alarm(8, "signal_lost", "high", 756, "no samples for 2 s from USB Stethoscope")
_HEARD: dict[str, object] = {
    "verdict": "abnormal",
    "p": 0.91,
    "verdict_evidence": "12 of 15 windows ≥ 0.80, signal good",
}


NOTHING: dict[str, object] = {
    "verdict": "none", "p": None, "windows": 0, "verdict_age_s": None,
    "rate": None, "rate_age_s": None, "spread": None, "systole_ms": None,
}  # fmt: skip
"""No verdict and no rate."""


def _murmur(**over: object) -> Scene:
    return Scene(bpm=78, murmur=0.05, alarms=[_ABNORMAL], past=_past(), status=_HEARD | over)


def _several() -> Scene:
    noisy = {"quality": "noisy", "quality_reason": "rubbing, 14 s", "quality_s": 14.0}
    scene = _murmur(**noisy, level_db=-0.4, clipped=31)
    scene.bpm, scene.alarms = 158, [_FAST, _ABNORMAL, _POOR]
    return scene


def _lost() -> Scene:
    health = {"health": "alarmed", "health_reason": "no samples for 6 s"}
    sound = {"level_db": None, "quality": None, "verdict_evidence": "no signal"}
    return Scene(alarms=[_LOST], past=_past(), stops_at_s=754.0, status=NOTHING | health | sound)


def _replay() -> Scene:
    play = ms.Play(
        paused=True, speed=2.0, at=760 * 2000, analysed=1100 * 2000,
        raised=[(751 * 2000, "medium"), (1010 * 2000, "high")],
    )  # fmt: skip
    scene = _murmur(source="replay", device="murmur.flac", duration_s=1200.0, play=play)
    scene.past, scene.gaps = scene.past[:2], [(500.0, 2.0)]
    return scene


def _unsure() -> Scene:
    verdict = {
        "verdict": "unsure", "p": 0.5, "windows": 4,
        "verdict_evidence": "few: 4 windows, between the thresholds",
    }  # fmt: skip
    return Scene(status=verdict | {"source": "phantom", "device": "phantom murmur-early"})


def _young() -> Scene:
    quality = {"quality": "no_heart", "quality_reason": "no heart found yet", "quality_s": 2.0}
    return Scene(
        status=NOTHING | quality | {"verdict_evidence": "0 of 3 windows", "drift_ppm": None}
    )


_SCENES: dict[str, Callable[[], Scene]] = {
    "normal": lambda: Scene(past=_past()),
    "alarm": _murmur,
    "several": _several,
    "paused": lambda: _murmur(audio_paused_s=103.4, recording=True),
    "gap": lambda: Scene(past=_past(), gaps=[(757.0, 1.5), (700.0, 0.5)]),
    "lost": _lost,
    "recording": lambda: Scene(past=_past(), status={"recording": True}),
    "unsure": _unsure,
    "young": _young,
    "replay": _replay,
}
NAMES = tuple(_SCENES)


def scene(name: str) -> Scene:
    """A scene by its name (`NAMES`)."""
    return _SCENES[name]()
