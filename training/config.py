"""One TOML file describes a system: features, network, augmentation, sampling, distillation.

Every field has its default here; an unknown key or a wrong type is one clear line. The key of a
configuration (hash of its content) names its runs and cells.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from models.mfcc import MfccSettings
from training.errors import TrainingError


@dataclass(frozen=True, slots=True)
class Augment:
    """Random changes of a training window; 0 switches one off.

    Attributes
    ----------
    response_db
        Deviation of a smooth random frequency response.
    noise
        Share of windows with a noise floor added, at -30..+5 dB of each band's mean.
    burst
        Share of windows with a passage of loud noise.
    stretch
        Largest time stretch as a factor (1.6: rates from 1/1.25 to 1.6 of the true one).
    warp
        Largest relative shift of the frequency axis.
    mask
        Share of windows with one band mask and one time mask.
    mix
        Alpha of mixup's beta distribution (mixed in the log spectrum).
    shift
        Largest shift of the window's start, in frames.
    murmur
        Share of normal windows that get a made-up murmur in systole or diastole, and with it the
        label abnormal.
    diastolic
        The same with the murmurs of diastole alone: the rumble of mitral stenosis, the fading
        murmur of aortic regurgitation.
    """

    response_db: float = 6.0
    noise: float = 0.5
    burst: float = 0.0
    stretch: float = 1.5
    warp: float = 0.1
    mask: float = 0.5
    mix: float = 0.0
    shift: int = 1
    murmur: float = 0.0
    diastolic: float = 0.0

    @property
    def still(self) -> bool:
        """Whether a window always comes out the same."""
        return self == Augment(0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0, 0.0, 0.0)


@dataclass(frozen=True, slots=True)
class Distil:
    """Where the teacher comes from and how it teaches.

    Attributes
    ----------
    teacher
        Name of the teacher's configuration, or several with commas; empty: no distillation.
    seeds
        Seeds of its runs; the mean logits of all teachers and seeds teach.
    temperature, alpha
        alpha · CE + (1 - alpha) · T² · KL.
    literal
        Cross-entropy without T², as the paper writes it.
    peers
        Students that are trained together, each taught by the mean logits of the others (online
        distillation, Zhang 2018); the first is kept. 0: none.
    of_recordings
        The teacher's mean logit of a whole recording teaches each of its windows, always from a
        teacher that never trained on that recording (``training/soft_targets.py``). Such a
        teacher may hear other features and longer windows than its student.
    """

    teacher: str = ""
    seeds: tuple[int, ...] = (0,)
    temperature: float = 3.0
    alpha: float = 0.3
    literal: bool = False
    peers: int = 0
    of_recordings: bool = False


YOUNGER: dict[str, dict[str, Any]] = {
    "": {"balanced": True, "loss": "ce", "sound": False, "also": (), "view_s": 2.5},
    "augment": {"murmur": 0.0, "diastolic": 0.0},
    "distil": {"peers": 0, "of_recordings": False},
}
"""Fields younger than the first finished cells: no part of the key while at their default."""


@dataclass(frozen=True, slots=True)
class Config:
    """A system and how it is trained.

    ``title`` is its row in the tables; ``loss`` is ``ce`` or ``focal``; ``sound``: the network
    hears the sound itself, not its coefficients; ``also``: further sets that train (``circor``,
    ``pascal``, ``yaseen2018``), in folders beside that of cinc2016; ``view_s``: seconds that the
    network hears from each S1 (a student 2.5; a shorter rest of a recording is heard again from
    its S1). A file may name a ``base``, another system of its folder whose values hold where it
    gives none.
    """

    name: str = "student"
    title: str = ""
    mfcc: MfccSettings = field(default_factory=MfccSettings)
    bands: bool = True
    deviation: str = "none"
    mean: bool = True
    network: str = "student"
    options: dict[str, Any] = field(default_factory=dict)
    augment: Augment = field(default_factory=Augment)
    distil: Distil = field(default_factory=Distil)
    weights: dict[str, float] = field(default_factory=dict)
    qualities: tuple[int, ...] = (0, 1)
    by_group: float = 0.0
    balanced: bool = True
    loss: str = "ce"
    sound: bool = False
    also: tuple[str, ...] = ()
    view_s: float = 2.5
    epochs: int = 10
    windows_per_epoch: int = 12_000
    batch: int = 64
    rate: float = 2e-3
    decay: float = 1e-2
    smoothing: float = 0.0
    average: bool = True

    def key(self) -> str:
        """Hash of everything but name and title, 12 hex digits."""
        content = dataclasses.asdict(self)
        del content["name"], content["title"]
        for part, fields in YOUNGER.items():
            place = content[part] if part else content
            for name, default in fields.items():
                if place[name] == default:
                    del place[name]
        text = json.dumps(content, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:12]


def load_config(path: Path) -> Config:
    """Read one configuration, on top of its base where it names one.

    Raises
    ------
    TrainingError
        If the file is missing, is not TOML, or has an unknown key or a wrong type.
    """
    try:
        return parse_config(_content(path))
    except OSError as error:
        raise TrainingError(f"{path} cannot be read ({error})") from error
    except (tomllib.TOMLDecodeError, TrainingError) as error:
        raise TrainingError(f"{path}: {error}") from error


def _content(path: Path) -> dict[str, Any]:
    own = tomllib.loads(path.read_text(encoding="utf-8"))
    if "base" not in own:
        return own
    base = own.pop("base")
    if base == path.stem:
        raise TrainingError("a system cannot be its own base")
    merged = _content(path.with_name(f"{base}.toml"))
    for name, value in own.items():
        table = isinstance(value, dict) and isinstance(merged.get(name), dict)
        merged[name] = merged[name] | value if table else value
    return merged


def parse_config(content: dict[str, Any]) -> Config:
    """Build a configuration from plain values.

    Raises
    ------
    TrainingError
        For an unknown key or a wrong type.
    """
    _check_keys(content, Config, "")
    for name, kind in (("mfcc", MfccSettings), ("augment", Augment), ("distil", Distil)):
        if name in content:
            _check_keys(content[name], kind, f"{name}.")
    try:
        return msgspec.convert(content, Config)
    except msgspec.ValidationError as error:
        raise TrainingError(str(error)) from error


def _check_keys(content: dict[str, Any], kind: type, prefix: str) -> None:
    known = {f.name for f in dataclasses.fields(kind)}
    for key in content:
        if key not in known:
            raise TrainingError(
                f"unknown key '{prefix}{key}'", f"known: {', '.join(sorted(known))}"
            )
