"""Every key of the main screen does what it says, through a link to a stand-in core."""

from __future__ import annotations

from pathlib import Path

from hands import bench
from scene import alarm
from scenes import scene

from monitor.link import messages as ms
from monitor.link import requests as rq
from monitor.tui.app import SEEN_S
from monitor.tui.widgets import theme


async def test_a_screen_attaches_as_what_it_is_and_shows_the_full_state(tmp_path: Path) -> None:
    async with bench(tmp_path, scene("alarm")) as it:
        assert it.core.attached == [ms.Attach(link=ms.LINK_VERSION, client="screen", waves=True)]
        await it.seen("abnormal heart sound")
        await it.seen("S1–S2 318 ms")
        await it.seen("fast heart rate")  # of the log


async def test_a_acknowledges_what_the_banner_shows_and_it_is_pending_until_the_core_says_so(
    tmp_path: Path,
) -> None:
    async with bench(tmp_path, scene("several"), answers=False) as it:
        await it.seen("▲ HIGH")
        await it.press("a")
        assert (await it.asked("acknowledge")).alarm == "tachycardia_extreme"
        await it.seen("acknowledging")
        it.core.say(ms.Reply(id=1, ok=True, error=""))
        it.core.scenes[0].take(it.core.requests[0], it.core.at_s)
        it.core.step()
        await it.seen("acknowledged 08:12:40")
        await it.press("a")
        assert (await it.asked("acknowledge", 2)).alarm == "abnormal_sound"


async def test_an_acknowledgement_that_fails_is_not_shown_as_done(tmp_path: Path) -> None:
    async with bench(tmp_path, scene("alarm"), answers=False) as it:
        await it.press("a")
        await it.asked("acknowledge")
        it.core.say(ms.Reply(id=1, ok=False, error="the store is full"))
        await it.seen("acknowledge: the store is full")
        assert "acknowledging" not in it.text
        it.core.step()  # it goes on unanswered
        await it.seen("1 to acknowledge")


async def test_no_answer_is_said_after_three_seconds(tmp_path: Path) -> None:
    async with bench(tmp_path, scene("alarm"), answers=False) as it:
        await it.press("a")
        await it.seen("acknowledging")
        it.clock.now += 3.1
        await it.seen("acknowledge: no answer from the core")
        it.core.step()
        await it.until(lambda: "acknowledging" not in it.text)


async def test_a_never_answers_an_alarm_that_has_only_just_come(tmp_path: Path) -> None:
    played = scene("normal")
    async with bench(tmp_path, played, answers=False) as it:
        played.alarms = [alarm(9, "heart_lost", "high", 759, "no beat for 6 s")]
        it.core.step()
        await it.seen("▲ HIGH")
        await it.press("a")
        await it.seen("a new alarm has just come")
        assert it.core.requests == []
        it.clock.now += SEEN_S
        await it.press("a")
        asked = await it.asked("acknowledge")
        assert (asked.alarm, asked.occurrence, asked.count) == ("heart_lost", 9, 1)


async def test_e_shows_the_evidence_and_again_what_to_do(tmp_path: Path) -> None:
    async with bench(tmp_path, scene("alarm")) as it:
        await it.seen("listen, compare with another place")
        await it.press("e")
        await it.seen("12 of 15 windows")
        await it.press("e")
        await it.until(lambda: "12 of 15 windows" not in it.text)


async def test_capital_a_acknowledges_all(tmp_path: Path) -> None:
    async with bench(tmp_path, scene("several")) as it:
        await it.press("A")
        await it.asked("acknowledge", 3)
        assert {r.alarm for r in it.core.requests} == {
            "tachycardia_extreme", "abnormal_sound", "poor_signal"
        }  # fmt: skip
        it.core.step()
        await it.seen("0 to acknowledge")


async def test_an_alarm_of_an_earlier_session_is_acknowledged_by_that_sessions_id(
    tmp_path: Path,
) -> None:
    played = scene("alarm")
    old = alarm(3, "heart_lost", "high", 40, "6 s without a beat", state="latched",
                condition=False, earlier_session="yesterday")  # fmt: skip
    played.alarms = [old, *played.alarms]
    async with bench(tmp_path, played, answers=False) as it:
        await it.press("a")
        asked = await it.asked("acknowledge")
        assert (asked.session, asked.alarm) == ("yesterday", "heart_lost")
        await it.press("A")
        await it.asked("acknowledge", 3)
        assert {r.session for r in it.core.requests[1:]} == {"yesterday", played.session}


async def test_p_pauses_the_tones_for_two_minutes_and_again_ends_the_pause(tmp_path: Path) -> None:
    async with bench(tmp_path, scene("alarm")) as it:
        await it.press("p")
        assert (await it.asked("pause_audio")).seconds == 120
        it.core.step()
        await it.seen("AUDIO PAUSED 2:00")
        await it.press("p")
        assert (await it.asked("pause_audio", 2)).seconds == 0


async def test_m_marks_with_a_note_that_says_how_long_it_took(tmp_path: Path) -> None:
    async with bench(tmp_path, scene("normal")) as it:
        await it.press("m")
        await it.press(*"cough")
        it.clock.now += 6
        await it.press("enter")
        assert (await it.asked("mark")).note == "cough (key pressed 6 s earlier)"
        await it.press("m", "escape")
        assert len([r for r in it.core.requests if r.what == "mark"]) == 1


async def test_k_keeps_the_last_half_minute_and_says_where_it_is(tmp_path: Path) -> None:
    async with bench(tmp_path, scene("normal")) as it:
        await it.press("k")
        asked = await it.asked("mark")
        assert isinstance(asked, rq.AddMark)
        assert asked.keep
        await it.seen("the last 30 s are kept")


async def test_r_asks_for_the_sound_to_be_kept_and_shows_the_lamp_when_it_is(
    tmp_path: Path,
) -> None:
    async with bench(tmp_path, scene("normal")) as it:
        await it.seen("○ rec off")
        await it.press("r")
        assert (await it.asked("record")).on is True
        assert "● REC" not in it.text
        it.core.step()
        await it.seen("● REC")
        await it.press("r")
        assert (await it.asked("record", 2)).on is False


async def test_space_freezes_the_picture_and_not_the_monitoring(tmp_path: Path) -> None:
    async with bench(tmp_path, scene("normal")) as it:
        it.core.step()
        await it.press("space")
        await it.seen("FROZEN 0 s at")
        frozen = it.sound
        it.core.scenes[0].alarms = [alarm(20, "heart_lost", "high", 760, "6 s without a beat")]
        it.core.scenes[0].status["rate"] = 99.0
        it.core.step()
        it.clock.now += 0.5
        await it.seen("heart sounds stopped")
        await it.until(lambda: it.app.state.shown().rate(it.clock.now) == 99)
        assert it.sound == frozen  # the marks of its last beats may still come
        await it.press("left")
        assert it.sound != frozen
        await it.press("shift+left", "right", "shift+right")
        await it.press("space")
        await it.until(lambda: "FROZEN" not in it.text)


async def test_gain_and_span_and_trend_and_theme_have_their_keys(tmp_path: Path) -> None:
    async with bench(tmp_path, scene("normal")) as it:
        await it.seen("gain ×4 auto")
        await it.press("plus")
        await it.seen("gain ×6 ")
        await it.press("minus", "minus")
        await it.seen("gain ×3 ")
        await it.press("0")
        await it.seen("gain ×6 auto")
        await it.press("less_than_sign")
        await it.seen("PHONOCARDIOGRAM · 1.9 s")
        await it.press("greater_than_sign", "greater_than_sign")
        await it.seen("PHONOCARDIOGRAM · 10.4 s")
        await it.press("t")
        await it.seen("TREND · last 1 h")
        await it.press("T")
        assert it.app.theme == theme.LIGHT.name
        await it.press("T")
        assert it.app.theme == theme.DARK.name


async def test_v_turns_to_the_spectrogram_and_back(tmp_path: Path) -> None:
    async with bench(tmp_path, scene("alarm")) as it:
        await it.press("v")
        await it.seen("SPECTROGRAM, Hz · 4.7 s")
        it.core.step()
        it.clock.now += 0.5
        await it.press("space")
        await it.seen("FROZEN 0 s")
        await it.press("space", "v")
        await it.seen("PHONOCARDIOGRAM · 4.7 s")


async def test_brackets_go_from_alarm_to_alarm_and_say_where_there_is_none(tmp_path: Path) -> None:
    async with bench(tmp_path, scene("several")) as it:
        for moment in ("08:12:39", "08:12:32", "08:12:21"):
            await it.press("left_square_bracket")
            await it.seen(f"FROZEN 0 s at {moment}")
        await it.press("left_square_bracket")
        await it.seen("the sound of that moment is not on this screen")
        for moment in ("08:12:32", "08:12:39"):
            await it.press("right_square_bracket")
            await it.seen(f"FROZEN 0 s at {moment}")
        await it.press("right_square_bracket")
        await it.seen("no alarm after this one")


async def test_a_replay_shows_its_bar_and_keys_move_its_play_head(tmp_path: Path) -> None:
    played = scene("replay")
    async with bench(tmp_path, played) as it:
        await it.seen("00:20:00")
        await it.seen("REPLAY murmur.flac")
        await it.seen("▮▮ 00:12:40 ×2")
        for number, (key, wanted) in enumerate(
            {
                "space": {"on": True},
                "left": {"cycles": -1},
                "shift+right": {"cycles": 10},
                "left_square_bracket": {"alarms": -1},
                "right_square_bracket": {"alarms": 1},
                "plus": {"speed": 4.0},
                "minus": {"speed": 1.0},
            }.items(),
            1,
        ):
            await it.press(key)
            asked = await it.asked("play", number)
            assert asked == rq.MovePlayhead(id=asked.id, session=played.session, **wanted)
        assert it.wave.frozen is None
        await it.press("q")
        assert it.app.return_code == 0
