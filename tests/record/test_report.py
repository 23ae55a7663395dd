"""The report: one page that needs nothing else, says what the events say, and obeys nobody."""

from __future__ import annotations

import base64
import hashlib
import io
import re
import shutil
import socket
import subprocess
import sys
import wave
from datetime import UTC, datetime
from html.parser import HTMLParser
from types import SimpleNamespace

import msgspec
import numpy as np
import pytest
import record_sample

from monitor import events as ev
from monitor.errors import InputError, UsageError
from monitor.record import session_sound as heard
from monitor.record.export.model import from_event_file, record_of
from monitor.record.report import averaged, media, pdf
from monitor.record.report.excerpts import choose
from monitor.record.report.facts import gather
from monitor.record.report.svg import ticks, time_ticks
from monitor.record.report.write import render, write_report

VOID = {"meta", "br", "link", "img", "input", "hr"}


@pytest.fixture(scope="module")
def session(tmp_path_factory):
    sample = record_sample.write(tmp_path_factory.mktemp("in"), record_sample.HOSTILE)
    record = from_event_file(sample.events, sample.sound)
    return SimpleNamespace(record=record, sample=sample, html=render(record))


class Reader(HTMLParser):
    """Collects tags, checks nesting, keeps text outside of style."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if "style" not in self.open:
            self.words.append(data)


def read(html):
    reader = Reader()
    reader.feed(html)
    reader.close()
    assert reader.open == []
    return reader


def test_the_page_says_that_it_is_no_medical_device_before_anything_else(session):
    words = [w.strip() for w in read(session.html.split("<body>")[1].split("</body>")[0]).words]
    assert "not a medical device" in next(w for w in words if w)


def test_the_page_loads_nothing_from_outside_and_runs_no_script(session):
    page = read(session.html)
    assert not {"script", "iframe", "object", "embed", "link", "form"} & {t for t, _ in page.tags}
    for _, attributes in page.tags:
        assert not any(name.startswith("on") or name == "style" for name in attributes)
        for name in ("src", "href", "action", "data"):
            assert (attributes.get(name) or "data:").startswith("data:")
    assert set(re.findall(r"https?://[^\"'<> ]*", session.html)) == {"http://www.w3.org/2000/svg"}
    assert "url(http" not in session.html
    assert "@import" not in session.html


def test_the_policy_allows_this_style_and_nothing_else(session):
    policy = next(a["content"] for t, a in read(session.html).tags if "http-equiv" in a)
    style = session.html.split("<style>")[1].split("</style>")[0]
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert policy.startswith("default-src 'none'")
    assert f"style-src 'sha256-{digest}'" in policy
    assert "unsafe" not in policy


def test_a_hostile_name_stands_harmless_on_the_page(session):
    assert "<script" not in session.html
    assert not set("\x1b\x07\x00") & set(session.html)
    heading = re.search(r"<h1>(.*?)</h1>", session.html)
    assert heading is not None
    assert heading[1].startswith("(bold)‹script")
    assert len(heading[1]) < 200


def test_hostile_evidence_and_reasons_are_escaped():
    lines = record_sample.lines()
    bad = '"><img src=x onerror=alert(1)>\x1b[2J'
    lines[1:1] = [
        ev.Gap(index=0, start=0, length=100, uncertainty=0, reason=bad),
        ev.Fault(index=0, what=bad),
        ev.Mark(index=0, note=bad),
        ev.Alarm(index=0, kind=bad, priority="high", state="active", evidence=bad),
    ]
    session = msgspec.structs.replace(lines[0], settings={bad: bad}, models={bad: bad})
    page = read(render(record_of([session, *lines[1:]], "x")))
    assert "img" not in {tag for tag, _ in page.tags}
    assert not any("onerror" in attributes for _, attributes in page.tags)


def test_the_same_session_gives_the_same_page(session):
    again = from_event_file(session.sample.events, session.sample.sound)
    assert render(again) == session.html


def test_every_figure_has_a_title_and_a_description(session):
    page = read(session.html)
    ids = {a["id"] for _, a in page.tags if "id" in a}
    named = [a["aria-labelledby"] for t, a in page.tags if t == "svg"]
    assert len(named) == 5  # timeline, three moments, averaged beat
    assert len(set(named)) == len(named)
    assert all(set(names.split()) <= ids for names in named)
    assert len([a["id"] for _, a in page.tags if "id" in a]) == len(ids)
    assert all(a.get("scope") == "col" for t, a in page.tags if t == "th")


def test_the_page_tells_alarms_gap_rate_and_model(session):
    words = " ".join(read(session.html).words)
    for said in (
        "very fast heart rate",
        "rate 152/min > 150, quality good",
        "24.0 s, latched",
        "5.0 s of sound were lost in one gap",
        "unplugged",
        "± 0.16 s",
        "turned on the left side",
        "input overflow",
        "0" * 64,
        "alarms.tachycardia",
    ):
        assert said in words


def test_wall_times_are_shown_only_where_they_are_known(session):
    assert "UTC" not in " ".join(read(session.html).words)
    begun = session.record.begun(datetime(2026, 5, 4, 3, 2, 1, tzinfo=UTC))
    assert "2026-05-04 03:02:58 UTC" in render(begun)


def test_the_facts_are_those_of_the_events(session):
    facts = gather(session.record)
    assert facts.lost == record_sample.GAP[1]
    assert facts.heard == facts.length - facts.lost
    assert facts.rate[1] == pytest.approx(158, abs=1)
    assert sum(facts.share.values()) == pytest.approx(1.0)
    assert facts.share["noisy"] == pytest.approx(6 / 85, abs=1e-3)
    assert facts.per_hour("high") == pytest.approx(3600 / 85)
    assert (facts.whole.value, facts.whole.p) == ("unsure", 0.47)
    assert (facts.last.value, facts.last.p) == ("abnormal", 0.91)


def test_moments_are_the_first_good_stretch_and_what_came_before_each_alarm(session):
    facts = gather(session.record)
    moments = choose(session.record, facts, heard.load(session.record))
    assert moments[0].why == "The first five seconds of good signal"
    assert [(m.start / 2000, m.stop / 2000) for m in moments[1:]] == [(52.5, 57.5), (55.5, 60.5)]


def test_the_player_holds_the_clip_louder_at_a_rate_that_browsers_play():
    clip = 0.01 * np.sin(2 * np.pi * 100 * np.arange(10000) / 2000).astype(np.float32)
    clip[:100] = np.nan
    with wave.open(io.BytesIO(media.wav(clip))) as file:
        assert (file.getframerate(), file.getnframes()) == (8000, 40000)
        played = np.frombuffer(file.readframes(40000), "<i2") / 32767
    assert np.abs(played).max() == pytest.approx(0.8, abs=0.02)
    spectrum = np.abs(np.fft.rfft(played))
    assert np.argmax(spectrum) * 8000 / 40000 == pytest.approx(100, abs=1)


def test_the_spectrogram_is_a_png_with_its_loudest_row_at_the_tone(tmp_path):
    tone = np.sin(2 * np.pi * 250 * np.arange(4000) / 2000).astype(np.float32)
    shades = media.spectrogram(tone)
    row = int(np.argmax(shades.mean(axis=1)))
    assert 500 - row * 2000 / 512 == pytest.approx(250, abs=6)
    image = pytest.importorskip("PIL.Image").open(io.BytesIO(media.png(shades)))
    pixels = np.asarray(image.convert("L"))
    assert pixels.shape == shades.shape
    assert pixels[row].mean() < 60  # loud is dark
    assert pixels[0].mean() > 200


def test_the_averaged_beat_has_its_sounds_where_the_beats_say(session):
    one = averaged.average(session.record, heard.load(session.record))
    lead = averaged.LEAD
    systole, s2, diastole, cycle = one.marks
    in_s1 = one.middle[lead : lead + int(systole)].max()
    in_s2 = one.middle[lead + int(s2) : lead + int(diastole)].max()
    between = one.middle[lead + int(systole) + 40 : lead + int(s2) - 40].max()
    assert in_s1 == pytest.approx(1.0)
    assert in_s2 > 5 * between
    assert cycle == pytest.approx(2000 * 60 / 158, rel=0.02)


def test_without_sound_the_page_says_how_to_give_it():
    html = render(record_of(record_sample.lines(), "x"))
    assert "--audio" in html
    assert "<audio" not in html


def test_a_session_without_any_event_has_a_report():
    lines = record_sample.lines()
    empty = [lines[0], ev.End(index=0, counts={}, complete=False)]
    words = " ".join(read(render(record_of(empty, "x"))).words)
    assert "No alarm was raised" in words
    assert "not read to its end" in words
    assert "broke off" in " ".join(read(render(record_of(lines[:1], "x"))).words)


def test_a_day_gives_a_page_of_modest_size():
    lines = record_sample.lines()
    vitals = [
        ev.Vitals(index=s * 2000, rate=70.0 + s % 7, spread=0.03, systole_ms=1.0, diastole_ms=1.0)
        for s in range(1, 86401)
    ]
    windows = [
        ev.Window(index=s * 2000, start=s * 2000 - 5000, p=0.2, used=s % 9 > 0, reason=None)
        for s in range(3, 86401)
    ]
    body = sorted([*vitals, *windows], key=lambda event: event.index)
    html = render(record_of([lines[0], *body], "x"))
    assert len(html) < 300_000
    read(html)


def test_the_file_is_named_after_the_session_and_never_replaces_another(
    session, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    path = write_report(session.record)
    assert re.fullmatch(r"[A-Za-z0-9_-]+\.html", path.name)
    with pytest.raises(UsageError, match="--overwrite"):
        write_report(session.record)
    with pytest.raises(UsageError, match=r"\.html"):
        write_report(session.record, tmp_path / "x.doc")


def test_sound_that_is_none_is_refused_in_one_line(session, tmp_path):
    text = tmp_path / "a.wav"
    text.write_text("no sound")
    record = from_event_file(session.sample.events, text)
    with pytest.raises(InputError, match="not a sound file that can be read"):
        render(record)


def test_ticks_are_round_and_within_their_range():
    assert ticks(0, 1, 5) == [0.0, 0.2, 0.4, 0.6, 0.8, 1.0]
    assert ticks(43, 118, 5) == [60.0, 80.0, 100.0]
    assert time_ticks(90, 10) == [float(t) for t in range(0, 91, 10)]
    assert time_ticks(0, 10) == [0.0]


# ---------------------------------------------------------------- in a real browser


@pytest.mark.browser
@pytest.mark.skipif(shutil.which("chromium") is None, reason="Chromium is not installed")
def test_a_browser_draws_the_page_and_can_play_its_sound(session, tmp_path):
    pytest.importorskip("PIL.Image")
    from PIL import Image

    (tmp_path / "r.html").write_text(session.html, "utf-8")
    uri = re.search(r'<audio [^>]*src="([^"]+)"', session.html)
    assert uri is not None
    probe = (
        f'<body><audio id="a" src="{uri[1]}"></audio><script>'
        'const a = document.getElementById("a");'
        'a.onloadedmetadata = () => document.body.setAttribute("data-s", a.duration);'
        'a.onerror = () => document.body.setAttribute("data-s", "error");</script>'
    )
    (tmp_path / "p.html").write_text(probe, "utf-8")
    browser = [
        "chromium", "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars",
        f"--user-data-dir={tmp_path / 'profile'}", "--enable-logging=stderr", "--v=0",
    ]  # fmt: skip
    dumped = subprocess.run(
        [*browser, "--virtual-time-budget=5000", "--dump-dom", (tmp_path / "p.html").as_uri()],
        capture_output=True, text=True, timeout=120, check=True,
    )  # fmt: skip
    assert 'data-s="5"' in dumped.stdout

    shot, page = tmp_path / "r.png", (tmp_path / "r.html").as_uri()
    drawn = subprocess.run(
        [*browser, "--window-size=1100,4300", f"--screenshot={shot}", page],
        capture_output=True, text=True, timeout=120, check=True,
    )  # fmt: skip
    assert "Content Security Policy" not in drawn.stderr  # nothing on the page was refused
    pixels = np.asarray(Image.open(shot).convert("RGB")).astype(int)
    seen = {tuple(int(c) for c in pixel) for pixel in pixels[::3, ::3].reshape(-1, 3)}
    for colour, what in (
        ((255, 246, 223), "the notice"),
        ((179, 38, 30), "a high alarm and an abnormal verdict"),
        ((61, 139, 104), "a good signal"),
        ((209, 143, 28), "a medium alarm"),
    ):
        assert colour in seen, what
    blue = (pixels[..., 2] > pixels[..., 0] + 60).mean()
    assert blue > 0.005  # spectrograms and the curve of the rate


def test_a_pdf_holds_the_page_and_fetches_nothing(session, tmp_path):
    try:
        import weasyprint  # noqa: F401
    except (ImportError, OSError) as error:
        pytest.skip(f"WeasyPrint: {error}")
    path = write_report(session.record, tmp_path / "r.pdf")
    assert path.read_bytes().startswith(b"%PDF-")
    assert path.stat().st_size > 50_000
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        outside = f'<img src="http://127.0.0.1:{server.getsockname()[1]}/x.png">'
        assert pdf.to_pdf(f"<body>words{outside}</body>").startswith(b"%PDF-")
        with pytest.raises(BlockingIOError):
            server.accept()  # nobody came


def test_a_pdf_without_its_library_says_how_to_get_it(session, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "weasyprint", None)
    with pytest.raises(UsageError, match=r"pip install 'apexbeat\[pdf\]'"):
        write_report(session.record, tmp_path / "r.pdf")
    assert list(tmp_path.iterdir()) == []
