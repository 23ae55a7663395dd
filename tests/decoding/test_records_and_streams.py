"""Records of several signals, arrays, streams, media without a reader, damaged containers."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from pathlib import Path

import field_files as ff
import numpy as np
import pytest
import soundfile as sf

from monitor.assembly import open_models
from monitor.capture.dropouts import DropoutFinder
from monitor.capture.files import FileSource
from monitor.cli.main import run
from monitor.config.load import Settings
from monitor.decoding import media, opening
from monitor.decoding.decoder import Hints, Missing
from monitor.decoding.opening import open_decoder
from monitor.errors import InputError
from monitor.events import Block, Lost
from monitor.replay.batch import Options, replay_file
from monitor.replay.inputs import collect, search
from monitor.replay.watch import PATIENCE_S, SETTLED_S, whole_files

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def models():
    return open_models(Settings())


@pytest.fixture(scope="module")
def made():
    return ff.heart(11, 16.0, 2000)


@pytest.fixture
def hear(models):
    def hearing(path, **options):
        return replay_file(path, Settings(), models, Options(**options))

    return hearing


@pytest.fixture(scope="module")
def plain(models, made, tmp_path_factory):
    """What is said of a WAV of the heart."""
    path = tmp_path_factory.mktemp("plain") / "plain.wav"
    sf.write(path, made.sound, 2000)
    return replay_file(path, Settings(), models, Options())


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


# ------------------------------------------------------------ streams


def piped(data: bytes, *arguments: str) -> tuple[int, str, str]:
    call = [sys.executable, "-m", "monitor.cli.main", "replay", *arguments]
    done = subprocess.run(call, input=data, capture_output=True, cwd=ROOT)
    return done.returncode, done.stdout.decode(), done.stderr.decode()


def test_streams_are_heard_as_files_are(made, plain, tmp_path):
    data = ff.pcm(made.sound)
    size = len(data)
    flac = tmp_path / "a.flac"
    sf.write(flac, made.sound, 2000)
    streams = {
        "a WAV": (ff.riff(data, 2000, size), []),
        "a WAV with a tail": (ff.riff(data, 2000, size) + b"LIST\x04\0\0\0abcd", []),
        "no length": (ff.riff(data, 2000, 0xFFFFFFFF), []),
        "arecord": (ff.riff(data, 2000, 0x80000000), []),
        "FLAC": (flac.read_bytes(), []),
        "raw": (data, ["--raw", "2000:S16_LE:1"]),
    }
    for name, (content, more) in streams.items():
        code, out, err = piped(content, "-", "--json", *more)
        assert (code, err) == (0, ""), name
        summary = json.loads(out)
        assert summary["name"] == "stdin"
        assert summary["complete"], name
        assert summary["beats"] == pytest.approx(plain.beats, abs=1)
        assert summary["p"] == pytest.approx(plain.verdict.p, abs=0.005)


def test_a_stream_that_ends_early_or_late_is_told(made):
    data = ff.pcm(made.sound)
    code, out, err = piped(ff.riff(data[:40_000], 2000, len(data)), "-", "--json")
    assert code == 0
    assert "cut short, 10.0 s of 16.0 s" in err
    assert not json.loads(out)["complete"]
    code, out, err = piped(ff.riff(data, 2000, 20_000), "/dev/stdin", "--json")
    assert code == 0
    assert "less sound than came" in err
    assert json.loads(out)["duration_s"] == 16.0
    assert piped(b"", "-")[0] == 3
    assert piped(b"nothing that is known", "-")[0] == 3


def test_a_fifo_is_heard_while_it_is_written(made, models, tmp_path):
    path = tmp_path / "pipe"
    os.mkfifo(path)
    data = ff.riff(ff.pcm(made.sound), 2000, 0x7FFFF000)

    def write():
        with path.open("wb") as pipe:
            for at in range(0, len(data), 1001):
                pipe.write(data[at : at + 1001])

    writer = threading.Thread(target=write)
    writer.start()
    summary = replay_file(path, Settings(), models, Options(events=tmp_path / "ev"))
    writer.join()
    assert summary.duration_s == 16.0
    assert summary.complete
    assert (tmp_path / "ev" / "pipe.jsonl").is_file()


def test_decoders_are_silent_on_standard_error(tmp_path, made):
    path = tmp_path / "a.mp3"
    try:
        sf.write(path, np.repeat(made.sound, 8), 16_000, format="MP3")
    except (TypeError, ValueError, sf.LibsndfileError):
        pytest.skip("this libsndfile writes no MP3")
    content = bytearray(path.read_bytes())
    rng = np.random.default_rng(1)
    for at in rng.integers(3000, len(content), 60):
        content[at] = int(rng.integers(256))
    path.write_bytes(content[: len(content) * 2 // 3])
    call = [sys.executable, "-m", "monitor.cli.main", "replay", str(path), "--json"]
    done = subprocess.run(call, capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0
    assert all(line.startswith("apexbeat: ") for line in done.stderr.splitlines()), done.stderr
    assert not json.loads(done.stdout)["complete"]


# ------------------------------------------------------------ blocks, gaps and dropouts


@pytest.mark.parametrize("block", [1, 7, 333, 4000, 10**6])
def test_what_is_found_does_not_depend_on_the_cut(block, made):
    sound = (np.round(made.sound * 32767) / 32768).astype(np.float32)
    sound[4000:4300] = 0
    sound[9000:9200] = sound[8999]
    sound[15_000:15_200] = sound[14_800:15_000]
    finder, at, found = DropoutFinder(2000), 0, []
    stretches = [s for a in range(0, len(sound), block) for s in finder.push(sound[a : a + block])]
    for stretch in [*stretches, *finder.flush()]:
        if stretch.words:
            found.append((at, at + stretch.frames, stretch.words))
        at += stretch.frames
    assert at == len(sound)
    assert [words for *_, words in found] == ["zeros", "one value held", "a buffer repeated"]
    for (first, last, _), (begin, end) in zip(
        found, ((4000, 4300), (8999, 9200), (15_000, 15_200)), strict=True
    ):
        assert first == pytest.approx(begin, abs=3)
        assert last == pytest.approx(end, abs=3)


def test_shipped_recordings_have_no_dropouts_and_no_warnings():
    for path in search(ROOT / "recordings").files:
        with FileSource(path) as source:
            assert all(isinstance(item, Block) for item in source)
            assert source.complete
            assert source.warnings == []


# ------------------------------------------------------------ folders


def test_every_kind_of_a_folder_is_taken_and_the_rest_counted(made, tmp_path):
    for name in ("a.wav", "b.FLAC", "c.ogg", "d.aiff"):
        sf.write(tmp_path / name, made.sound, 2000)
    for name in ("e.m4a", "f.3gp", "notes.txt", "g.csv", "h.csv", "i"):
        (tmp_path / name).write_bytes(b"x")
    found = collect([tmp_path])
    assert [item.name for item in found.files] == [
        "a.wav", "b.FLAC", "c.ogg", "d.aiff", "e.m4a", "f.3gp",
    ]  # fmt: skip
    [words] = found.told
    assert words.endswith("4 other files left out (2 .csv, 1 without a suffix, 1 .txt)")
    assert {".m4a", ".amr"} <= opening.MEDIA


class Steps:
    """A clock that runs a step of a story each time somebody sleeps."""

    def __init__(self, *story):
        self._story, self._now = list(story), 0.0

    def monotonic(self):
        return self._now

    def sleep(self, seconds):
        self._now += seconds
        if self._story:
            self._story.pop(0)()


def test_a_folder_that_is_filled_is_followed(made, tmp_path):
    data = ff.pcm(made.sound)
    whole = ff.riff(data, 2000, len(data))
    slow, quick = tmp_path / "slow.wav", tmp_path / "deep" / "quick.wav"

    def begin():
        quick.parent.mkdir()
        quick.write_bytes(whole)
        slow.write_bytes(whole[:5000])

    def more():
        slow.write_bytes(whole[:20_000])

    clock = Steps(lambda: None, begin, more)
    seen = []
    for path in whole_files(tmp_path, clock):
        if path is not None:
            seen.append((path.name, clock.monotonic()))
        if clock.monotonic() > 60:
            break
    assert [name for name, _ in seen] == ["quick.wav", "slow.wav"]
    assert SETTLED_S <= seen[0][1] < PATIENCE_S < seen[1][1]


def test_watching_writes_event_files_and_ends_with_an_interrupt(made, tmp_path, capsys):
    from monitor.cli.replay_output import ReplayOutput
    from monitor.cli.replay_watch import follow

    inbox, events = tmp_path / "in", tmp_path / "ev"
    (inbox / "p1").mkdir(parents=True)
    sf.write(inbox / "p1" / "a.wav", made.sound, 2000)
    (inbox / "bad.wav").write_bytes(b"no sound")

    def interrupt():
        raise KeyboardInterrupt

    story = [lambda: None] * 40 + [interrupt]
    code = follow((inbox,), Settings(), Options(events=events), ReplayOutput(True), Steps(*story))
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert code == 1
    assert {line.get("name") for line in lines} == {"p1/a.wav", "bad.wav"}
    assert [p.relative_to(events).as_posix() for p in events.rglob("*.*")] == ["p1/a.jsonl"]
    again = follow(
        (inbox,), Settings(), Options(events=events), ReplayOutput(True), Steps(interrupt)
    )
    assert again == 0
    capsys.readouterr()
