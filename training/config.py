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
    """

    response_db: float = 6.0
    noise: float = 0.5
    burst: float = 0.0
    stretch: float = 1.5
    warp: float = 0.1
    mask: float = 0.5
    mix: float = 0.0
    shift: int = 1


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
    """

    teacher: str = ""
    seeds: tuple[int, ...] = (0,)
    temperature: float = 3.0
    alpha: float = 0.3
    literal: bool = False


@dataclass(frozen=True, slots=True)
class Config:
    """A system and how it is trained."""

    name: str = "student"
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
    epochs: int = 10
    windows_per_epoch: int = 12_000
    batch: int = 64
    rate: float = 2e-3
    decay: float = 1e-2
    smoothing: float = 0.0
    average: bool = True

    def key(self) -> str:
        """Hash of everything but the name, 12 hex digits."""
        content = dataclasses.asdict(self)
        del content["name"]
        if self.balanced:  # younger than the first finished cells: left out while at its default
            del content["balanced"]
        text = json.dumps(content, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:12]


def load_config(path: Path) -> Config:
    """Read one configuration.

    Raises
    ------
    TrainingError
        If the file is missing, is not TOML, or has an unknown key or a wrong type.
    """
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
        return parse_config(content)
    except OSError as error:
        raise TrainingError(f"{path} cannot be read ({error})") from error
    except (tomllib.TOMLDecodeError, TrainingError) as error:
        raise TrainingError(f"{path}: {error}") from error


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
