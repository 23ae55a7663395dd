"""The kernels do what `scipy.signal` does, most to the last bit; so does the way around them."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from scipy import signal

from dsp import kernels
from dsp.filter import AT_REST, SECTIONS

CHANCE = np.random.default_rng(5)
WAYS = {"compiled": kernels.compiled, "public": kernels.public}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("size", [1, 7, 1000])
def test_second_order_sections(way, size):
    sections, _ = WAYS[way]()
    x, state = CHANCE.normal(size=size), CHANCE.normal(size=(3, 2))
    before = x.copy(), state.copy()
    for one, other in zip(
        sections(SECTIONS, x, state), signal.sosfilt(SECTIONS, x, zi=state), strict=True
    ):
        assert np.array_equal(one, other)
    assert np.array_equal(x, before[0])
    assert np.array_equal(state, before[1])


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(("up", "down"), [(1, 1), (1, 2), (20, 441), (3, 2), (2, 3)])
@pytest.mark.parametrize("size", [1, 50, 999])
def test_resampled(way, up, down, size):
    _, resampled = WAYS[way]()
    taps, x = CHANCE.normal(size=301), CHANCE.normal(size=size)
    assert np.array_equal(resampled(taps, x, up, down), signal.upfirdn(taps, x, up, down))


@pytest.mark.parametrize("down", [1, 2, 3, 8])
@pytest.mark.parametrize("size", [1, 50, 999])
def test_decimated(down, size):
    taps, x = CHANCE.normal(size=301), CHANCE.normal(size=size)
    found = kernels.decimated(taps, x, down)
    assert found == pytest.approx(signal.upfirdn(taps, x, 1, down), rel=0, abs=1e-12)
    # A value does not depend on where the sound was cut.
    later = kernels.decimated(taps, x[down:], down)[taps.size - 1 :]
    assert np.array_equal(found[taps.size :][: later.size], later)


@pytest.mark.parametrize("size", [1, 20, 600])
def test_fir(size):
    taps, x, state = CHANCE.normal(size=101), CHANCE.normal(size=size), CHANCE.normal(size=100)
    for one, other in zip(
        kernels.fir(taps, x, state), signal.lfilter(taps, [1.0], x, zi=state), strict=True
    ):
        assert np.array_equal(one, other)


def test_the_band_pass_is_the_one_of_the_paper():
    wanted = signal.butter(3, [20, 400], "bandpass", fs=2000, output="sos")
    assert pytest.approx(wanted, rel=1e-13) == SECTIONS
    assert pytest.approx(signal.sosfilt_zi(wanted), rel=1e-12, abs=1e-13) == AT_REST


@pytest.mark.parametrize(("half", "cut"), [(30, 0.4), (500, 0.05), (4410, 0.002)])
def test_the_low_pass_of_the_resampler(half, cut):
    beta = signal.kaiser_beta(80.0)
    wanted = signal.firwin(2 * half + 1, cut, window=("kaiser", beta))
    assert kernels.kaiser_low_pass(half, cut, 80.0) == pytest.approx(wanted, rel=1e-9, abs=1e-16)
    for width in (0.5, 0.01, 0.0321):
        assert kernels.kaiser_length(80.0, width) == signal.kaiserord(80.0, width)[0]


@pytest.mark.parametrize("rate_hz", [2000, 4000, 44_100])
@pytest.mark.parametrize("band", [(15.0, 150.0), (120.0, 400.0), (150.0, 900.0)])
def test_the_noises_of_phantoms_are_filtered_as_by_scipy(band, rate_hz):
    sos = kernels.band_pass(*band, rate_hz)
    wanted = signal.butter(2, band, "bandpass", fs=rate_hz, output="sos")
    assert sos == pytest.approx(wanted, rel=1e-12)
    hz = np.linspace(20, 400, 50)
    found = kernels.response(sos, hz, rate_hz)
    assert found == pytest.approx(signal.sosfreqz(wanted, hz, fs=rate_hz)[1], rel=1e-9)
    for count in (1, 4, 5):
        places = CHANCE.uniform(-0.9, 0.9, (2, count))
        sos = kernels.sections_of(*places)
        wanted = signal.zpk2sos(*places, 1.0)
        found = kernels.response(sos, hz, rate_hz)
        assert found == pytest.approx(signal.sosfreqz(wanted, hz, fs=rate_hz)[1], rel=1e-9)


def test_replays_and_phantoms_load_no_signal_package():
    rooms = "monitor.replay.batch, monitor.live.core, monitor.capture.phantom_device"
    code = f"import sys, {rooms}; print('scipy.signal' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
