"""The electrocardiogram beside a sound, read as a reference: its R waves."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from dsp.ecg import RPeaks
from dsp.stage import RATE_HZ
from monitor.decoding.channels import choose
from monitor.decoding.decoder import Missing
from monitor.decoding.look import LOOK_S, begin, joined
from monitor.decoding.opening import open_decoder

BLOCK_S = 10.0


def ecg_of(path: Path) -> list[int] | None:
    """Return the R waves of the electrocardiogram beside a sound, None where there is none.

    Raises
    ------
    InputError
        If the recording cannot be read.
    """
    with open_decoder(path) as decoder:
        if not decoder.rereadable or (decoder.channels < 2 and not decoder.has_ecg):
            return None
        column = None
        if not decoder.has_ecg:
            block = round(BLOCK_S * decoder.rate_hz)
            frames = joined(list(begin(decoder, LOOK_S, block)))
            if frames is None:
                return None
            column = choose(frames, decoder.rate_hz, decoder.labels).ecg
            if column is None:
                return None
    return r_waves_of(path, column)


def r_waves_of(path: Path, column: int | None, start_s: float = 0.0) -> list[int]:
    """Return the R waves of a recording, as samples at 2 kHz from ``start_s`` on.

    Parameters
    ----------
    column
        Channel of the electrocardiogram, counted from 1; None where the format names it.
    start_s
        Seconds to leave out.

    Raises
    ------
    InputError
        If it cannot be read.
    """
    with open_decoder(path, ecg=column is None) as decoder:
        decoder.skip(round(start_s * decoder.rate_hz))
        peaks, found, at = RPeaks(decoder.rate_hz), list[int](), 0
        origin = 0
        while True:
            piece = decoder.read(round(BLOCK_S * decoder.rate_hz))
            if isinstance(piece, Missing):
                found += [origin + wave for wave in peaks.flush()]
                at += piece.frames
                origin = -(-at * RATE_HZ // decoder.rate_hz)
                peaks = RPeaks(decoder.rate_hz)
                continue
            if not len(piece):
                break
            peaks.push(piece[:, 0 if column is None else column - 1].astype(np.float64))
            at += len(piece)
        return found + [origin + wave for wave in peaks.flush()]
