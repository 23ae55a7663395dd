"""Apexbeat as a library: heart sounds in, heart cycles, quality, verdict and alarms out.

    import apexbeat

    result = apexbeat.analyze("heart.wav")        # or analyze(samples, rate=4000)
    print(result.summary())
    result.beats.head()                           # a pandas DataFrame, in seconds
    result.plot().savefig("heart.png")            # needs matplotlib

============================  ===============================================================
``analyze(source, rate)``     one recording, or an array of samples
``analyze_many(paths)``       many recordings, on several processes
``judge_person(results)``     one verdict over all recordings of a person
``stream(rate)``              sound as it comes: ``push(block)``, then ``finish()``
``read_events(file)``         an event file that ``apexbeat replay --events`` wrote
``read_session(folder)``      a recorded live session
============================  ===============================================================

What stands here is kept stable by semantic versioning; the packages `dsp`, `models`, `monitor`
and `training` beneath it are not. Research and teaching only: not a medical device.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from apexbeat.analysis import (
        Stream,
        analyze,
        analyze_many,
        judge_person,
        read_events,
        read_session,
        stream,
    )
    from apexbeat.result import Result
    from monitor.analysis.person import PersonVerdict
    from monitor.errors import ApexbeatError, InputError
    from monitor.version import version as _version

    __version__ = _version()

__all__ = [
    "ApexbeatError",
    "InputError",
    "PersonVerdict",
    "Result",
    "Stream",
    "__version__",
    "analyze",
    "analyze_many",
    "judge_person",
    "read_events",
    "read_session",
    "stream",
]

_HOME = {
    "ApexbeatError": "monitor.errors",
    "InputError": "monitor.errors",
    "PersonVerdict": "monitor.analysis.person",
    "Result": "apexbeat.result",
    "__version__": "apexbeat.analysis",
}


def __getattr__(name: str) -> Any:
    """Load what is asked for when it is asked for: importing this package costs nothing."""
    if name not in __all__:
        raise AttributeError(f"module 'apexbeat' has no attribute {name!r}")
    from importlib import import_module

    _refuse_strangers()
    found = getattr(import_module(_HOME.get(name, "apexbeat.analysis")), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted(__all__)


def _refuse_strangers() -> None:
    """Raise ImportError if another package of the same name hides one of ours."""
    from importlib.util import find_spec
    from pathlib import Path

    here = Path(__file__).resolve().parents[1]
    for name in ("dsp", "models", "monitor"):
        spec = find_spec(name)
        origin = None if spec is None or spec.origin is None else Path(spec.origin).resolve()
        if origin is None or origin.parents[1] != here:
            where = "is missing" if origin is None else f"is hidden by {origin.parent}"
            raise ImportError(f"Apexbeat's package {name!r} {where}: use an environment of its own")
