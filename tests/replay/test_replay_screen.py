"""A replay on the screen: the play-head by a clock that the test moves, the memory it moves over,
and once the whole over a real socket."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest
from clocks import HeldClock

from monitor import events as ev
from monitor.assembly import Models, open_pipeline
from monitor.capture.files import FileSource
from monitor.cli.main import run
from monitor.clock import SystemClock
from monitor.config.load import Alarms, Settings
from monitor.errors import InputError
from monitor.link import messages as ms
from monitor.link.client import Client
from monitor.replay.annotation import Annotation, read
from monitor.replay.batch import EventFileSink
from monitor.replay.lookahead import SESSION, LookaheadAnalysis
from monitor.replay.player import REFUSED, Player
from monitor.replay.playhead import Playhead
from monitor.replay.timeline import ReplayTimeline
from monitor.runner import StreamRunner

RECORDINGS = Path(__file__).parents[2] / "recordings"
FAR = 10**9


# ---------------------------------------------------------------- the play-head


def test_a_play_head_passes_two_thousand_samples_a_second_times_its_speed() -> None:
    clock = HeldClock()
    head = Playhead(clock)
    assert head.at(FAR) == 0
    clock.now += 3
    assert head.at(FAR) == 6000
    head.pace(4.0, FAR)
    clock.now += 1
    assert head.at(FAR) == 14000


def test_a_paused_play_head_stands_and_goes_on_from_there() -> None:
    clock = HeldClock()
    head = Playhead(clock)
    clock.now += 1
    head.pause(True, FAR)
    clock.now += 60
    assert head.at(FAR) == 2000
    head.pause(False, FAR)
    clock.now += 1
    assert head.at(FAR) == 4000


def test_a_play_head_waits_for_the_analysis_and_does_not_rush_after_it() -> None:
    clock = HeldClock()
    head = Playhead(clock)
    clock.now += 10
    assert head.at(5000) == 5000
    clock.now += 10
    assert head.at(5000) == 5000
    clock.now += 1
    assert head.at(FAR) == 7000


def test_a_seek_lands_within_what_there_is_and_the_play_head_goes_on_from_there() -> None:
    clock = HeldClock()
    head = Playhead(clock)
    assert head.seek(-3, 9000) == 0
    assert head.seek(20_000, 9000) == 9000
    assert head.seek(4000, 9000) == 4000
    clock.now += 0.5
    assert head.at(9000) == 5000


@pytest.mark.parametrize("speed", [0.0, -1.0, 1e6, float("nan")])
def test_an_impossible_speed_is_refused_and_changes_nothing(speed: float) -> None:
    head = Playhead(HeldClock())
    with pytest.raises(ValueError, match="a speed is between"):
        head.pace(speed, FAR)
    assert head.speed == 1.0


# ---------------------------------------------------------------- what was found


@pytest.fixture(scope="module")
def found(models: Models) -> ReplayTimeline:
    """A tachycardia, analysed to its end."""
    ahead = LookaheadAnalysis(RECORDINGS / "tachycardia.flac", Settings(), models)
    ahead.start()
    assert ahead.wait(120.0)
    assert not ahead.found.trouble
    return ahead.found


def play(found: ReplayTimeline, at: int) -> ms.Play:
    return ms.Play(paused=True, speed=1.0, at=at, analysed=found.end, raised=found.raised)


def test_the_events_ahead_are_those_of_a_plain_replay(
    found: ReplayTimeline, models: Models, tmp_path: Path
) -> None:
    from monitor.record.eventfile import EventFile
    from monitor.record.eventfile import read as events_of

    path = RECORDINGS / "tachycardia.flac"
    with FileSource(path) as source:
        pipeline = open_pipeline(Settings(), models, source)
        target = tmp_path / "tachycardia.events.jsonl"
        StreamRunner(pipeline, [EventFileSink(EventFile(target, False))]).run(source)
    lines = [line for number in range(len(found)) for line in found[number].lines]
    assert lines == list(events_of(target))
    firsts = [found[n].first for n in range(len(found))]
    assert firsts == sorted(firsts)


def test_a_moment_is_one_step_and_its_status_is_of_its_end(found: ReplayTimeline) -> None:
    indices = [found[n].status.index for n in range(len(found))]
    assert indices == sorted(indices)
    assert {b - a for a, b in pairwise(indices[2:-1])} == {1000}
    assert found[found.number(12_345)].status.index == 12_000
    assert found.number(-5) == 0
    assert found[0].status.verdict == "none"
    assert found[0].status.source == "replay"


def test_a_snapshot_tells_that_moment_and_nothing_of_what_comes_after(
    found: ReplayTimeline,
) -> None:
    first = found.raised[0][0]
    before = found.snapshot(first - 1, play(found, first - 1))
    after = found.snapshot(first, play(found, first))
    assert before.alarms == []
    assert [a.raised for a in after.alarms] == [first]
    assert before.status.clock_s == (first - 1) / 2000
    last = before.waves[-1]
    assert 0 <= first - 1 - (last.start + len(last.samples) // 2) < 8
    assert all((b.s1 or 0) <= first for b in before.beats)
    assert max(b.s1 or 0 for b in before.beats) > first - 2000
    assert max(index for index, _, _ in before.trend) < first


def test_alarms_are_gone_to_one_by_one_in_both_directions(models: Models) -> None:
    soon = Settings(alarms=Alarms(poor_signal_delay_s=2, tachycardia=70))
    ahead = LookaheadAnalysis(RECORDINGS / "noisy_contact_loss.wav", soon, models)
    ahead.start()
    assert ahead.wait(120.0)
    found = ahead.found
    at = [index for index, _ in found.raised]
    assert len(at) > 2
    assert found.alarm(0, 1) == at[0]
    assert found.alarm(at[0], 1) == at[1]
    assert found.alarm(at[-1], 1) is None
    assert found.alarm(at[1], -1) == at[0]
    assert found.alarm(at[0], -1) is None
    # While it plays, the alarm that was just gone to is not the one before.
    assert found.alarm(at[1] + 900, -1, 4000) == at[0]


def test_cycles_are_gone_to_one_by_one_and_stop_at_the_ends(found: ReplayTimeline) -> None:
    onsets = [b.s1 for b in found.snapshot(found.end, play(found, 0)).beats if b.s1 is not None]
    here = onsets[-5]
    assert found.cycle(here, -1) == onsets[-6]
    assert found.cycle(here, 1) == onsets[-4]
    assert found.cycle(here + 10, -1) == here
    assert found.cycle(here, 1000) == onsets[-1]
    assert found.cycle(0, -1) == found.cycle(0, -10) is not None


def test_no_probability_and_no_age_stand_beside_no_verdict(found: ReplayTimeline) -> None:
    statuses = [found[n].status for n in range(len(found))]
    none = [s for s in statuses if s.verdict == "none"]
    assert none
    assert any(s.windows for s in none)
    assert all(s.p is None and s.verdict_age_s is None for s in none)
    assert all(s.p is not None for s in statuses if s.verdict != "none")


def test_an_annotation_is_compared_up_to_the_play_head_and_its_differences_are_gone_to(
    found: ReplayTimeline,
) -> None:
    truth = read(RECORDINGS / "tachycardia.states.csv")
    assert found.compared(FAR) is None
    assert found.difference(0, 1) is None
    kept = tuple(onset for onset in truth.onsets if not 30_000 <= onset[0] < 31_000)
    extra = [onset for onset in truth.onsets if onset not in kept]
    found.annotation = Annotation("edited.csv", kept)
    try:
        told = found.compared(20_000)
        assert told is not None
        assert (told.name, told.missed, told.extra) == ("edited.csv", 0, 0)
        whole = found.compared(FAR)
        assert whole is not None
        assert whole.same > 0.98 * len(kept)
        assert whole.extra >= len(extra) > 0
        first = found.difference(20_000, 1)
        assert first is not None
        assert abs(first - extra[0][0]) <= 200
        assert found.difference(first, -1) != first
        snapshot = found.snapshot(40_000, play(found, 40_000))
        assert snapshot.annotated == list(kept)
        assert snapshot.settings["alarms.tachycardia"] == 120
    finally:
        found.annotation = None


# ---------------------------------------------------------------- the link


def test_over_a_socket_a_replay_is_paused_moved_and_told_what_it_cannot(
    tmp_path: Path, models: Models
) -> None:
    address = tmp_path / "link.sock"
    ahead = LookaheadAnalysis(RECORDINGS / "tachycardia.flac", Settings(), models)
    with Player(ahead, address, 100.0, SystemClock()):
        assert address.stat().st_mode & 0o777 == 0o600
        assert ahead.wait(120.0)
        with Client.connect(address, "screen", waves=True) as screen:
            hello, snapshot = screen.receive(5.0), screen.receive(5.0)
            assert isinstance(hello, ms.Hello)
            assert hello.sessions == [SESSION]
            assert isinstance(snapshot, ms.Snapshot)
            assert snapshot.status.duration_s == pytest.approx(90.0, abs=1.0)
            assert ask(screen, seek=0, speed=20.0).ok
            seen = until(screen, lambda m: isinstance(m, ms.EventLine) and m.event.index > 40_000)
            assert any(isinstance(m, ms.Wave) for m in seen)

            assert ask(screen, on=False).ok
            assert ask(screen, seek=2000 * 60).ok
            status = last_status(screen)
            assert status.play is not None
            assert (status.play.at, status.play.paused, status.index) == (120_000, True, 120_000)
            assert ask(screen, alarms=-1).ok
            status = last_status(screen)
            assert status.play is not None
            assert status.play.at in [at for at, _ in status.play.raised]
            assert ask(screen, speed=0.0).error.startswith("a speed is between")
            assert "no alarm before" in [ask(screen, alarms=-1).error for _ in range(9)][-1]
            for what, words in REFUSED.items():
                fields = {"switch": {"alarm": "pause"}, "add": {"device": "x"}}.get(what, {})
                number = screen.request(SESSION, what, **fields)
                reply = screen.answer(number, 5.0)
                assert reply == ms.Reply(id=number, ok=False, error=words)
            assert len(ahead.found) == ahead.found.number(FAR) + 1
    assert not address.exists()


def ask(screen: Client, **fields: object) -> ms.Reply:
    """Move the play-head; return the answer."""
    reply = screen.answer(screen.request(SESSION, "play", **fields), 5.0)
    assert reply is not None
    return reply


def until(screen: Client, wanted: object) -> list[ms.FromCore]:
    """Read on until a message is as wanted."""
    seen: list[ms.FromCore] = []
    while not seen or not wanted(seen[-1]):  # type: ignore[operator]
        assert len(seen) < 3000
        message = screen.receive(5.0)
        assert message is not None
        seen.append(message)
    return seen


def last_status(screen: Client) -> ms.Status:
    """The next status that is sent."""
    message = until(screen, lambda m: isinstance(m, ms.Status))[-1]
    assert isinstance(message, ms.Status)
    return message


def test_what_is_damaged_is_shown_up_to_there_and_then_said(tmp_path: Path, models: Models) -> None:
    class Torn(FileSource):
        def __iter__(self):  # type: ignore[no-untyped-def]
            for number, block in enumerate(super().__iter__()):
                if number == 20:
                    raise InputError("damaged or cut short after 5.0 s")
                yield block

    ahead = LookaheadAnalysis(RECORDINGS / "normal.wav", Settings(), models)
    ahead.source.__class__ = Torn
    with Player(ahead, tmp_path / "link.sock", 100.0, SystemClock()):
        assert ahead.wait(60.0)
        with Client.connect(tmp_path / "link.sock", "screen", waves=False) as screen:
            failed = until(screen, lambda m: isinstance(m, ms.Status) and m.health == "failed")[-1]
    assert isinstance(failed, ms.Status)
    assert failed.health_reason == "damaged or cut short after 5.0 s"
    assert 4000 < failed.index < 10_000
    assert isinstance(ahead.found[1].lines[0], ev.Session)


# ---------------------------------------------------------------- the command


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["normal.wav", "tachycardia.flac"], "--screen shows one recording, not 2; name one file"),
        (["normal.wav", "--json"], "--screen and --json cannot be used together"),
        (["normal.wav", "--events", "x"], "--screen and --events cannot be used together"),
        (["normal.wav", "--pace", "fast"], "--screen cannot go at --pace fast"),
        (["normal.wav"], "leave out --screen, or use another terminal"),
    ],
)
def test_what_a_screen_cannot_show_is_one_line_and_exit_code_two(
    arguments: list[str],
    words: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(RECORDINGS)
    monkeypatch.setenv("TERM", "dumb")
    assert run(["replay", "--screen", *arguments]) == 2
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1
    assert words in lines[0]
