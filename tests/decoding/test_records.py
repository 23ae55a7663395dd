"""Records of several signals, arrays, and media without a reader."""

from __future__ import annotations

import subprocess
from pathlib import Path

import field_files as ff
import numpy as np
import pytest
import soundfile as sf

from monitor.capture.files import FileSource
from monitor.cli.main import run
from monitor.decoding import media
from monitor.decoding.decoder import Hints, Missing
from monitor.decoding.opening import open_decoder
from monitor.errors import InputError
from monitor.events import Block, Lost
from monitor.replay.inputs import search

ROOT = Path(__file__).resolve().parents[2]


def same(one, other):
    assert one.beats == pytest.approx(other.beats, abs=1)
    assert one.rate == pytest.approx(other.rate, abs=1)
    assert one.verdict.p == pytest.approx(other.verdict.p, abs=0.005)


def everything(decoder):
    """All frames of a decoder, missing ones as NaN."""
    parts = []
    while True:
        piece = decoder.read(999)
        if isinstance(piece, Missing):
            parts.append(np.full((piece.frames, decoder.channels), np.nan, np.float32))
        elif len(piece):
            parts.append(piece)
        else:
            return np.concatenate(parts)


# ------------------------------------------------------------ WFDB, as PhysioNet writes it


def wav_bytes(sound, rate_hz):
    data = ff.pcm(sound)
    return ff.riff(data, rate_hz, len(data))


def test_physionet_2016_has_the_sound_in_a_wav_and_an_ecg_beside_it(hear, made, plain, tmp_path):
    beats = made.per_minute
    wave = ff.ecg(1, 16.0, 2000, beats, 0.35)
    header = (
        f"a0001 2 2000 {len(made.sound)}\n"
        "a0001.wav 16+44 1 16 0 0 0 0 PCG\na0001.dat 16 1000 16 0 0 367 0 ECG\n# Normal\n"
    )
    files = {"a0001.wav": wav_bytes(made.sound, 2000), "a0001.dat": ff.pcm(wave)}
    path = ff.write_wfdb(tmp_path, "a0001", header, files)
    summary = hear(path)
    same(summary, plain)
    assert summary.complete
    assert summary.reference.rate == pytest.approx(beats, rel=0.03)
    # in a folder the WAV is the recording, as it always was, and the others belong to it
    found = search(tmp_path)
    assert [p.name for p in found.files] == ["a0001.wav"]
    assert found.words() == ""


def test_circor_names_the_sound_by_its_place(hear, made, plain, tmp_path):
    header = f"13918_AV 1 2000 {len(made.sound)}\n13918_AV.wav 16+44 1 16 0 0 0 0 AV\n"
    files = {"13918_AV.wav": wav_bytes(made.sound, 2000)}
    same(hear(ff.write_wfdb(tmp_path, "13918_AV", header, files)), plain)


def test_ephnogram_has_sound_ecg_and_auxiliary_channels_in_one_file(hear, made, plain, tmp_path):
    wave = ff.ecg(2, 16.0, 2000, made.per_minute, 0.35)
    noise = 0.1 * np.random.default_rng(0).standard_normal(len(wave))
    names = ("ECG", "PCG", "PCG AUX1", "PCG AUX2")
    lines = [f"ECGPCG0003.dat 16 26200/mV 16 0 0 0 0 {name}" for name in names]
    header = f"ECGPCG0003 4 2000 {len(wave)}\n" + "\n".join(lines) + "\n"
    frames = np.stack([wave, made.sound, noise, noise[::-1]], axis=1)
    path = ff.write_wfdb(tmp_path, "ECGPCG0003", header, {"ECGPCG0003.dat": ff.pcm(frames)})
    summary = hear(path)
    same(summary, plain)
    assert summary.reference.rate == pytest.approx(made.per_minute, rel=0.03)
    same(hear(tmp_path / "ECGPCG0003.dat"), plain)  # the header is found beside it


@pytest.mark.parametrize("form", ["8", "16", "24", "32", "61", "80", "212"])
def test_signals_are_read_as_the_reference_reads_them(form, tmp_path):
    wfdb = pytest.importorskip("wfdb")
    rng = np.random.default_rng(int(form))
    bits = {"8": 7, "80": 7, "212": 11}.get(form, 14)
    values = rng.integers(-(2**bits) + 9, 2**bits - 9, (5001, 1))
    if form == "8":
        values = np.cumsum(rng.integers(-90, 90, (5001, 1)), axis=0)
    record = {"fs": 2000, "units": ["NU"], "sig_name": ["PCG"], "fmt": [form],
              "adc_gain": [1.0], "baseline": [0], "write_dir": str(tmp_path)}  # fmt: skip
    if form in ("8", "61"):
        raw = {"8": lambda v: np.diff(v[:, 0], prepend=v[0, 0]).astype("i1").tobytes(),
               "61": lambda v: v.astype(">i2").tobytes()}[form](values)  # fmt: skip
        header = f"r 1 2000 5001\nr.dat {form} 1/NU 16 0 {values[0, 0]} 0 0 PCG\n"
        ff.write_wfdb(tmp_path, "r", header, {"r.dat": raw})
    else:
        wfdb.wrsamp("r", d_signal=values, **record)
    expected = wfdb.rdrecord(str(tmp_path / "r"), physical=False).d_signal
    with open_decoder(tmp_path / "r.hea") as decoder:
        ours = everything(decoder)
    scale = {"80": 2**7, "212": 2**11, "24": 2**23, "32": 2**31}.get(form, 2**15)
    assert decoder.frames == 5001
    np.testing.assert_allclose(ours * scale, expected, atol=0.02 if form != "32" else 300)


def test_a_record_that_cannot_be_read_says_why(tmp_path, made):
    wrong = {
        "m/3 1 2000 9\n": "several segments",
        "r 1 2000 9\nr.dat 516 1 16 0 0 0 0 PCG\n": "format 516",
        "r 1 2000 9\nnone.dat 16 1 16 0 0 0 0 PCG\n": "none.dat is not beside it",
        "r 1 2000 9\n../r.dat 16 1 16 0 0 0 0 PCG\n": "elsewhere",
        "r 1 2000 9\nr.dat 16 1 16 0 0 0 0 ECG\n": "no heart sound",
        "r 0 2000 9\n": "no heart sound",
        "not a header": "no WFDB header",
    }
    (tmp_path / "r.dat").write_bytes(ff.pcm(made.sound))
    for text, words in wrong.items():
        (tmp_path / "r.hea").write_text(text)
        with pytest.raises(InputError, match=words):
            open_decoder(tmp_path / "r.hea")
    (tmp_path / "r.hea").write_text("r 1 2000 99999\nr.dat 16 1 16 0 0 0 0 PCG\n")
    with FileSource(tmp_path / "r.hea") as source:
        assert sum(len(b.samples) for b in source if isinstance(b, Block)) == len(made.sound)
        assert not source.complete
        assert "cut short" in source.warnings[0]


# ------------------------------------------------------------ our own exports


def test_our_own_exports_are_read_back_with_their_gaps(hear, made, tmp_path, capsys):
    pytest.importorskip("edfio")
    sound = np.round(made.sound * 32767) / 32768
    sound[15_000:15_400] = 0  # a dropout: a gap
    path = tmp_path / "a.wav"
    sf.write(path, sound, 2000)
    events = tmp_path / "ev"
    assert run(["replay", str(path), "--events", str(events)]) == 0
    first = hear(path)
    assert first.gaps == 1
    for to, name in (("wfdb", "a_wav.hea"), ("edf", "a_wav.edf")):
        call = ["export", str(events / "a.jsonl"), "--to", to, "--audio", str(path)]
        assert run([*call, "-o", str(tmp_path / to)]) == 0
        again = hear(tmp_path / to / name)
        assert again.gaps == 1
        assert again.complete
        assert again.duration_s == first.duration_s
        assert again.beats == pytest.approx(first.beats, abs=1)
        assert again.rate == pytest.approx(first.rate, abs=1)
    capsys.readouterr()


# ------------------------------------------------------------ EDF


def test_an_interrupted_edf_has_gaps(hear, made, tmp_path):
    head = b"0       " + b" " * 160 + b"01.01.2601.02.03" + b"768     " + b"EDF+D".ljust(44)
    head += b"10      " + b"1       " + b"2   "
    fields = (
        (b"PCG".ljust(16), b"EDF Annotations "), (b" " * 80,) * 2, (b" " * 8,) * 2,
        (b"-1      ",) * 2, (b"1       ",) * 2, (b"-32768  ",) * 2, (b"32767   ",) * 2,
        (b" " * 80,) * 2, (b"2000    ", b"20      "), (b" " * 32,) * 2,
    )  # fmt: skip
    body = b""
    for k in range(10):
        onset = k if k < 5 else k + 2.5
        note = f"+{onset}\x14\x14".encode().ljust(40, b"\0")
        body += ff.pcm(made.sound[2000 * k : 2000 * (k + 1)]) + note
    path = tmp_path / "d.edf"
    path.write_bytes(head + b"".join(b"".join(pair) for pair in fields) + body)
    with FileSource(path) as source:
        items = list(source)
    [lost] = [item for item in items if isinstance(item, Lost)]
    assert (lost.start, lost.length) == (10_000, 5000)
    assert sum(len(b.samples) for b in items if isinstance(b, Block)) == 20_000
    path.write_bytes(path.read_bytes()[:-7000])
    summary = hear(path)
    assert not summary.complete
    assert "cut short" in summary.warnings[0]


# ------------------------------------------------------------ arrays


def test_an_array_without_a_rate_is_refused_in_one_line(made, plain, hear, tmp_path):
    from scipy.io import savemat

    np.save(tmp_path / "a.npy", made.sound.astype(np.float32))
    savemat(tmp_path / "a.mat", {"x": made.sound})
    for name in ("a.npy", "a.mat"):
        with pytest.raises(InputError, match="--rate"):
            open_decoder(tmp_path / name)
        same(hear(tmp_path / name, hints=Hints(rate_hz=2000)), plain)
    savemat(tmp_path / "s.mat", {"data": {"fs": 2000, "pcg": made.sound}})
    same(hear(tmp_path / "s.mat"), plain)
    (tmp_path / "new.mat").write_bytes(
        b"MATLAB 7.3 MAT-file" + b" " * 105 + b"\x00\x02IM" + b"x" * 99
    )
    with pytest.raises(InputError, match="-v7"):
        open_decoder(tmp_path / "new.mat")
    np.save(tmp_path / "o.npy", np.array([{"a": 1}], dtype=object), allow_pickle=True)
    with pytest.raises(InputError, match="objects"):
        open_decoder(tmp_path / "o.npy", Hints(rate_hz=2000))
    content = (tmp_path / "a.npy").read_bytes()
    (tmp_path / "a.npy").write_bytes(content[:-9999])
    assert "cut short" in hear(tmp_path / "a.npy", hints=Hints(rate_hz=2000)).warnings[0]
    # in a folder, arrays that are no recordings are left out
    assert [p.name for p in search(tmp_path).files] == ["s.mat"]


# ------------------------------------------------------------ media


def test_without_ffmpeg_the_extra_is_named(monkeypatch, tmp_path):
    monkeypatch.setattr(media, "available", lambda: False)
    path = tmp_path / "phone.m4a"
    path.write_bytes(b"\0\0\0\x20ftypM4A " + bytes(100))
    with pytest.raises(InputError, match=r"install the extra apexbeat\[media\], or ffmpeg"):
        open_decoder(path)
    (tmp_path / "x.txt").write_bytes(b"hello")
    with pytest.raises(InputError, match="not a sound file"):
        open_decoder(tmp_path / "x.txt")


@pytest.mark.parametrize("reader", ["AvDecoder", "FfmpegDecoder"])
@pytest.mark.parametrize("suffix", ["m4a", "webm", "mka"])
def test_media_are_read_alike_and_cut_ones_noticed(reader, suffix, made, tmp_path):
    import shutil

    if reader == "AvDecoder":
        pytest.importorskip("av")
    if not shutil.which("ffmpeg"):
        pytest.skip("ffmpeg is not here")
    wav, path = tmp_path / "a.wav", tmp_path / f"a.{suffix}"
    sf.write(wav, np.repeat(made.sound, 24), 48_000)
    more = ["-movflags", "+faststart"] if suffix == "m4a" else []
    subprocess.run(["ffmpeg", "-v", "error", "-i", wav, *more, path], check=True)
    for share in (1.0, 0.6):
        content = path.read_bytes()
        path.write_bytes(content[: round(share * len(content))])
        decoder = media.AvDecoder(path.open("rb")) if reader == "AvDecoder" else (
            media.FfmpegDecoder(path))  # fmt: skip
        with decoder:
            frames = everything(decoder)
            assert decoder.rate_hz == 48_000
            assert len(frames) / 48_000 == pytest.approx(16.0 * share, abs=1.2)
            assert bool(decoder.trouble) == (share < 1)


def test_a_playlist_opens_no_other_file(tmp_path, made):
    secret = tmp_path / "secret.wav"
    sf.write(secret, made.sound, 2000)
    for name, text in (
        ("a.m4a", f"#EXTM3U\n#EXTINF:10,\nfile://{secret}\n"),
        ("b.m4a", f"ffconcat version 1.0\nfile {secret}\n"),
    ):
        (tmp_path / name).write_text(text)
        with pytest.raises(InputError):
            open_decoder(tmp_path / name)


def test_a_phone_recording_without_its_index_is_told(tmp_path):
    if not media.available():
        pytest.skip("neither PyAV nor ffmpeg is here")
    path = tmp_path / "dead.m4a"
    path.write_bytes(
        b"\0\0\0\x20ftypM4A \0\0\0\0M4A mp42isom\0\0\0\0" + b"\0\0\xff\xffmdat" + bytes(9999)
    )
    with pytest.raises(InputError, match="before its index was written"):
        open_decoder(path)
