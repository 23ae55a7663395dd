"""The same recording through other people's tools, if an environment that has them is named.

    python tests/bench/run.py --peers /path/to/venv/bin/python      (pip install apexbeat[compare])

Only segmentation is compared: none of them is a monitor. Each runs in a process of its own; CPU
seconds of the call alone are counted, its imports are not.
"""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

_READ = """
import json, sys, time, warnings
warnings.simplefilter("ignore")
import numpy as np, soundfile
"""

_BIOSPPY = """
from biosppy.signals import pcg, tools
def biosppy_peaks(x, rate):
    f = tools.filter_signal(x, ftype="butter", band="bandpass", order=2, frequency=[25, 400], sampling_rate=rate)
    pcg.find_peaks(signal=f["signal"], sampling_rate=rate)
"""  # noqa: E501 - a script for another interpreter

# Its HSMM needs a package that no longer installs; the peaks do not use it.
_PYPCG = """
try: import hsmmlearn.hsmm
except ImportError:
    from unittest.mock import MagicMock
    sys.modules |= {name: MagicMock() for name in ("hsmmlearn", "hsmmlearn.hsmm", "hsmmlearn.emissions")}
    sys.modules["hsmmlearn.emissions"].AbstractEmissions = object
import pyPCG, pyPCG.preprocessing as pre, pyPCG.segment as seg
def pypcg_peaks(x, rate):
    s = pyPCG.normalize(pyPCG.pcg_signal(x, rate))
    env = pre.envelope(pre.filter(pre.filter(s, 6, 100, "LP"), 6, 20, "HP"))
    seg.adv_peak(pyPCG.zero_center(env) if hasattr(pyPCG, "zero_center") else env)
"""  # noqa: E501 - a script for another interpreter

_EACH = """
failed = 0
for name in sys.argv[1:]:
    try: PEAKS(*soundfile.read(name))
    except Exception: failed += 1
print(failed)
"""

BIOSPPY = _READ + _BIOSPPY + _EACH.replace("PEAKS", "biosppy_peaks")
"""Script: peaks of every file that is named."""
PYPCG = _READ + _PYPCG + _EACH.replace("PEAKS", "pypcg_peaks")


def _tried(name: str, code: str) -> str:
    body = "".join(f"    {line}\n" for line in code.strip().splitlines())
    words = f'found["{name}"] = "not measured: " + str(e)[:100]'
    return f"try:\n{body}except Exception as e: {words}\n"


CODE = (
    _READ
    + """
x, rate = soundfile.read(sys.argv[1])
x = x[: 120 * rate]
def took(call):
    begun = time.process_time(); call(); return time.process_time() - begun
found = {"sound_s": len(x) / rate}
"""
    + _tried("BioSPPy", _BIOSPPY + """
found["BioSPPy, peaks"] = took(lambda: biosppy_peaks(x, rate))
y = x[: 40 * rate]
found["BioSPPy, pcg() of 40 s"] = took(lambda: pcg.pcg(signal=y, sampling_rate=rate, show=False)) * len(x) / len(y)
""")  # noqa: E501 - a script for another interpreter
    + _tried("pyPCG", _PYPCG + """
found["pyPCG, peaks of the envelope"] = took(lambda: pypcg_peaks(x, rate))
""")
    + "print(json.dumps(found))\n"
)  # fmt: skip


def measure(python: str | None, sound: Path) -> dict[str, float | str]:
    """CPU seconds per second of sound by tool, or why it was not measured."""
    if not python:
        return {"BioSPPy, pyPCG": "skipped: no --peers PYTHON given"}
    done = subprocess.run(
        [python, "-c", CODE, str(sound)], capture_output=True, text=True, timeout=600
    )
    if done.returncode:
        words = (done.stderr.strip().splitlines() or ["it failed"])[-1][:100]
        return {"BioSPPy, pyPCG": f"not measured: {words}"}
    found: dict[str, float | str] = json.loads(done.stdout.splitlines()[-1])
    sound_s = float(found.pop("sound_s"))
    return {k: v / sound_s if isinstance(v, int | float) else v for k, v in found.items()}
