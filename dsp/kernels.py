"""The filters of SciPy that the stream needs, without the package around them.

``import scipy.signal`` takes a second, most of it for pages of documentation that `scipy.stats`
puts together, and each call of its functions looks anew at what kind of arrays it was given. Here
its compiled kernels are loaded by themselves, for float64 in one dimension. Where a release of
SciPy has them no more, or otherwise, its public functions are called; the results are the same to
the last bit.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib.machinery import PathFinder
from importlib.util import module_from_spec
from pathlib import Path
from typing import Any

import numpy as np
import scipy
from numpy.lib.stride_tricks import as_strided
from numpy.polynomial.polynomial import polyval
from numpy.typing import NDArray

from dsp.stage import FloatArray

Sections = Callable[[FloatArray, FloatArray, FloatArray], tuple[FloatArray, FloatArray]]
Resampled = Callable[[FloatArray, FloatArray, int, int], FloatArray]


def fir(taps: FloatArray, x: FloatArray, state: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Filter ``x`` [n] with ``taps`` [m] from ``state`` [m − 1]; gives output and state after it.

    As `scipy.signal.lfilter` with a denominator of one.
    """
    y = np.convolve(taps, x)
    y[: state.size] += state
    cut = y.size - state.size
    return y[:cut], y[cut:]


def decimated(taps: FloatArray, x: FloatArray, down: int) -> FloatArray:
    """Every ``down``-th value of the convolution of ``x`` with ``taps``.

    As `scipy.signal.upfirdn`, but for rounding: each is a product of its own, and three times as
    fast.
    """
    edge = np.zeros(taps.size - 1)
    line = np.concatenate([edge, x, edge])
    count, item = (x.size + taps.size - 2) // down + 1, line.itemsize
    seen = as_strided(line, (count, 1, taps.size), (down * item, item, item))
    out: FloatArray = (seen @ taps[::-1].copy()[:, None]).reshape(-1)
    return out


def kaiser_low_pass(half: int, cut: float, attenuation_db: float) -> FloatArray:
    """Taps [2 · half + 1] of a low-pass, with gain 1 at 0 Hz.

    As `scipy.signal.firwin`: a sinc under the window of J. F. Kaiser (1974).

    Parameters
    ----------
    cut
        −6 dB point as a share of half the rate.
    attenuation_db
        In the stop band; more than 50.
    """
    at = np.arange(-half, half + 1)
    window = np.i0(0.1102 * (attenuation_db - 8.7) * np.sqrt(1 - (at / half) ** 2))
    taps = window * np.sinc(cut * at)
    out: FloatArray = taps / taps.sum()
    return out


def kaiser_length(attenuation_db: float, width: float) -> int:
    """Taps that a transition of ``width`` (share of half the rate) needs."""
    return int(np.ceil((attenuation_db - 7.95) / 2.285 / (np.pi * width) + 1))


def band_pass(low_hz: float, high_hz: float, rate_hz: float) -> FloatArray:
    """Sections of a Butterworth band-pass of order 2.

    As `scipy.signal.butter`: poles on a half circle, moved to the band, and onto the unit circle
    by the bilinear transform.
    """
    warped = 4.0 * np.tan(np.pi * (2.0 * np.array([low_hz, high_hz]) / rate_hz) / 2.0)
    width, middle = warped[1] - warped[0], np.sqrt(warped[0] * warped[1])
    half = -np.exp(1j * np.pi * np.array([-1, 1]) / 4) * width / 2
    root = np.sqrt(half**2 - middle**2)
    analog = np.concatenate([half + root, half - root])
    poles = (4.0 + analog) / (4.0 - analog)
    far, near = sorted(poles[poles.imag > 0], key=lambda pole: -abs(1 - abs(pole)))
    zero = 1.0 if near.real > 0 else -1.0
    zeros = np.array([-zero, -zero, zero, zero])
    sos = sections_of(zeros, np.array([far, far.conj(), near, near.conj()]))
    sos[0, :3] *= width**2 * np.real(4.0**2 / np.prod(4.0 - analog))
    return sos


def sections_of(zeros: NDArray[Any], poles: NDArray[Any]) -> FloatArray:
    """Sections [n, 6] of as many zeros as poles, two by two in their order; an odd one first."""
    odd = [0.0] * (len(poles) % 2)
    z, p = (np.reshape([*x[:1], *odd, *x[1:]], (-1, 2)) for x in (zeros, poles))
    return np.array([np.r_[np.poly(a).real, np.poly(b).real] for a, b in zip(z, p, strict=True)])


def response(sos: FloatArray, hz: FloatArray, rate_hz: float) -> NDArray[np.complex128]:
    """Frequency response at ``hz``. As `scipy.signal.freqz_sos`."""
    z = np.exp(-1j * (2 * np.pi * hz / rate_hz))
    out: NDArray[np.complex128] = np.prod([polyval(z, s[:3]) / polyval(z, s[3:]) for s in sos], 0)
    return out


def _compiled(module: str, function: str) -> Callable[..., Any]:
    folder = Path(scipy.__file__).parent / "signal"
    spec = PathFinder.find_spec(f"scipy.signal.{module}", [str(folder)])
    if spec is None or spec.loader is None:
        raise ImportError(f"scipy.signal.{module}")
    loaded = module_from_spec(spec)
    spec.loader.exec_module(loaded)
    found: Callable[..., Any] = getattr(loaded, function)
    return found


def compiled() -> tuple[Sections, Resampled]:
    """`second_order_sections` and `resampled` by the kernels, tried once.

    Raises
    ------
    Exception
        Whatever this release of SciPy does not have, or does otherwise.
    """
    recursion, polyphase = _compiled("_sosfilt", "_sosfilt"), _compiled("_upfirdn_apply", "_apply")

    def sections(
        sos: FloatArray, x: FloatArray, state: FloatArray
    ) -> tuple[FloatArray, FloatArray]:
        y, after = np.array(x[None], np.float64), np.array(state[None], np.float64)
        recursion(sos, y, after)
        return y[0], after[0]

    def resample(taps: FloatArray, x: FloatArray, up: int, down: int) -> FloatArray:
        phases = np.zeros(-(-taps.size // up) * up)
        phases[: taps.size] = taps
        flipped = np.ascontiguousarray(phases.reshape(-1, up).T[:, ::-1].ravel())
        out = np.zeros(((x.size - 1) * up + taps.size - 1) // down + 1)
        polyphase(np.asarray(x, np.float64), flipped, out, up, down, 0, 0, 0.0)
        return out

    y, after = sections(np.array([[1.0, 2.0, 0, 1.0, 0, 0]]), np.ones(2), np.zeros((1, 2)))
    z = resample(np.array([1.0, 2.0]), np.array([3.0, 4.0]), 2, 1)
    if (*y, *after[0], *z) != (1.0, 3.0, 2.0, 0.0, 3.0, 6.0, 4.0, 8.0):
        raise ValueError("the kernels of SciPy do something else")
    return sections, resample


def public() -> tuple[Sections, Resampled]:
    """The same by the functions of `scipy.signal`."""
    from scipy.signal import sosfilt, upfirdn

    def sections(
        sos: FloatArray, x: FloatArray, state: FloatArray
    ) -> tuple[FloatArray, FloatArray]:
        y, after = sosfilt(sos, x, zi=state)
        return y, after

    return sections, upfirdn


try:
    second_order_sections, resampled = compiled()
except Exception:  # noqa: BLE001 - then slower, and the same
    second_order_sections, resampled = public()
