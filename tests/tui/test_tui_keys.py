"""Every key of the screen, over a real socket with a core that answers, and the link's troubles."""

from __future__ import annotations

from pathlib import Path

import pytest
from fakecore import FakeCore
from hands import bench, run
from scenes import alarm, scene

from monitor.link import messages as ms
from monitor.tui import theme
from monitor.tui.keys import KEYS


def test_a_screen_attaches_as_what_it_is_and_shows_the_full_state(tmp_path: Path) -> None:
    async def body() -> None:
        async with bench(tmp_path, scene("alarm")) as it:
            assert it.core.attached == [ms.Attach(link=1, client="screen", waves=True)]
            await it.seen("abnormal heart sound")
            await it.seen("S1–S2 318 ms")
            await it.seen("fast heart rate")  # of the log

    run(body)


def test_a_acknowledges_what_the_banner_shows_and_it_is_pending_until_the_core_says_so(
    tmp_path: Path,
) -> None:
    async def body() -> None:
        async with bench(tmp_path, scene("several"), answers=False) as it:
            await it.seen("▲ HIGH")
            await it.press("a")
            assert (await it.asked("acknowledge")).alarm == "tachycardia_extreme"
            await it.seen("acknowledging")
            it.core.say(ms.Reply(id=1, ok=True, error=""))
            it.core.scenes[0].take(it.core.requests[0], it.core.at_s)
            it.core.step()
            await it.seen("acknowledged 00:12:40")
            await it.press("a")
            assert (await it.asked("acknowledge", 2)).alarm == "abnormal_sound"

    run(body)


def test_an_acknowledgement_that_fails_is_not_shown_as_done(tmp_path: Path) -> None:
    async def body() -> None:
        async with bench(tmp_path, scene("alarm"), answers=False) as it:
            await it.press("a")
            await it.asked("acknowledge")
            it.core.say(ms.Reply(id=1, ok=False, error="the store is full"))
            await it.seen("acknowledge: the store is full")
            assert "acknowledging" not in it.text
            it.core.step()  # it goes on unanswered
            await it.seen("1 to acknowledge")

    run(body)


def test_no_answer_is_said_after_three_seconds(tmp_path: Path) -> None:
    async def body() -> None:
        async with bench(tmp_path, scene("alarm"), answers=False) as it:
            await it.press("a")
            await it.seen("acknowledging")
            it.clock.time += 3.1
            await it.seen("acknowledge: no answer from the core")
            it.core.step()
            await it.until(lambda: "acknowledging" not in it.text)

    run(body)


def test_capital_a_acknowledges_all(tmp_path: Path) -> None:
    async def body() -> None:
        async with bench(tmp_path, scene("several")) as it:
            await it.press("A")
            assert (await it.asked("acknowledge")).alarm is None
            it.core.step()
            await it.seen("0 to acknowledge")

    run(body)


def test_an_alarm_of_an_earlier_session_is_acknowledged_by_that_sessions_id(tmp_path: Path) -> None:
    async def body() -> None:
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
            assert {r.alarm for r in it.core.requests[1:]} == {None}

    run(body)


def test_p_pauses_the_tones_for_two_minutes_and_again_ends_the_pause(tmp_path: Path) -> None:
    async def body() -> None:
        async with bench(tmp_path, scene("alarm")) as it:
            await it.press("p")
            assert (await it.asked("pause_audio")).seconds == 120
            it.core.step()
            await it.seen("AUDIO PAUSED 2:00")
            await it.press("p")
            assert (await it.asked("pause_audio", 2)).seconds == 0

    run(body)


def test_m_marks_with_a_note_that_says_how_long_it_took(tmp_path: Path) -> None:
    async def body() -> None:
        async with bench(tmp_path, scene("normal")) as it:
            await it.press("m")
            await it.press(*"cough")
            it.clock.time += 6
            await it.press("enter")
            assert (await it.asked("mark")).note == "cough (key pressed 6 s earlier)"
            await it.press("m", "escape")
            assert len([r for r in it.core.requests if r.what == "mark"]) == 1

    run(body)


def test_r_asks_for_the_sound_to_be_kept_and_shows_the_lamp_when_it_is(tmp_path: Path) -> None:
    async def body() -> None:
        async with bench(tmp_path, scene("normal")) as it:
            await it.seen("○ rec off")
            await it.press("r")
            assert (await it.asked("record")).on is True
            assert "● REC" not in it.text
            it.core.step()
            await it.seen("● REC")
            await it.press("r")
            assert (await it.asked("record", 2)).on is False

    run(body)


def test_space_freezes_the_picture_and_not_the_monitoring(tmp_path: Path) -> None:
    async def body() -> None:
        async with bench(tmp_path, scene("normal")) as it:
            it.core.step()
            await it.press("space")
            await it.seen("FROZEN 0 s at")
            frozen = it.sound
            it.core.scenes[0].alarms = [alarm(20, "heart_lost", "high", 760, "6 s without a beat")]
            it.core.scenes[0].status["rate"] = 99.0
            it.core.step()
            it.clock.time += 0.5
            await it.seen("no heart sound")
            await it.until(lambda: it.app.state.shown().rate(it.clock.time) == 99)
            assert it.sound == frozen  # the marks of its last beats may still come
            await it.press("left")
            assert it.sound != frozen
            await it.press("shift+left", "right", "shift+right")
            await it.press("space")
            await it.until(lambda: "FROZEN" not in it.text)

    run(body)


def test_gain_and_span_and_trend_and_theme_have_their_keys(tmp_path: Path) -> None:
    async def body() -> None:
        async with bench(tmp_path, scene("normal")) as it:
            await it.seen("gain ×4 auto")
            await it.press("plus")
            await it.seen("gain ×6 ")
            await it.press("minus", "minus")
            await it.seen("gain ×3 ")
            await it.press("0")
            await it.seen("gain ×4 auto")
            await it.press("less_than_sign")
            await it.seen("PHONOCARDIOGRAM · 1.9 s")
            await it.press("greater_than_sign", "greater_than_sign")
            await it.seen("PHONOCARDIOGRAM · 10.4 s")
            await it.press("t")
            await it.seen("TREND · 1 h")
            await it.press("T")
            assert it.app.theme == theme.LIGHT.name
            await it.press("T")
            assert it.app.theme == theme.DARK.name

    run(body)


def test_v_turns_to_the_spectrogram_and_back(tmp_path: Path) -> None:
    async def body() -> None:
        async with bench(tmp_path, scene("alarm")) as it:
            await it.press("v")
            await it.seen("SPECTROGRAM, Hz · 4.7 s")
            it.core.step()
            it.clock.time += 0.5
            await it.press("space")
            await it.seen("FROZEN 0 s")
            await it.press("space", "v")
            await it.seen("PHONOCARDIOGRAM · 4.7 s")

    run(body)


def test_brackets_go_from_alarm_to_alarm_and_say_where_there_is_none(tmp_path: Path) -> None:
    async def body() -> None:
        async with bench(tmp_path, scene("several")) as it:
            for moment in ("00:12:39", "00:12:32", "00:12:21"):
                await it.press("left_square_bracket")
                await it.seen(f"FROZEN 0 s at {moment}")
            await it.press("left_square_bracket")
            await it.seen("the sound of that moment is not on this screen")
            for moment in ("00:12:32", "00:12:39"):
                await it.press("right_square_bracket")
                await it.seen(f"FROZEN 0 s at {moment}")
            await it.press("right_square_bracket")
            await it.seen("no alarm after this one")

    run(body)


def test_a_replay_shows_its_bar_and_keys_move_its_play_head(tmp_path: Path) -> None:
    async def body() -> None:
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
                assert asked == ms.Request(
                    id=asked.id, session=played.session, what="play", **wanted
                )
            assert it.wave.frozen is None
            await it.press("q")
            assert it.app.return_code == 0

    run(body)


def test_the_help_names_every_key(tmp_path: Path) -> None:
    async def body() -> None:
        async with bench(tmp_path, scene("normal"), size=(120, 60)) as it:
            await it.press("question_mark")
            for key in KEYS:
                await it.seen(key.long)
            await it.press("escape")
            await it.until(lambda: KEYS[0].long not in it.text)
            await it.press("f1", "down", "up", "pagedown", "pageup", "q")
            assert len(it.app.screen_stack) == 1

    run(body)


def test_the_alarm_log_filters_searches_acknowledges_and_jumps(tmp_path: Path) -> None:
    async def body() -> None:
        played = scene("several")
        played.alarms[2] = alarm(6, "poor_signal", "low", 740, "noisy: rubbing, 14 s")
        async with bench(tmp_path, played) as it:
            await it.press("l")
            await it.seen("shown: all, 6")
            await it.press("f")
            await it.seen("shown: active, 3")
            await it.press("f", "f")
            await it.seen("shown: high, 2")
            await it.press("f", "f", "f")
            await it.press("slash", *"rubbing", "enter")
            await it.seen('"rubbing", 2')
            await it.press("a")
            assert (await it.asked("acknowledge")).alarm == "poor_signal"
            await it.press("enter")
            await it.seen("FROZEN 0 s at 00:12:21")

    run(body)


def test_a_jump_to_sound_that_is_not_here_says_so(tmp_path: Path) -> None:
    async def body() -> None:
        async with bench(tmp_path, scene("normal")) as it:
            await it.press("l", "down", "end", "home", "enter")
            await it.seen("the sound of that moment is not on this screen")
            assert "FROZEN" not in it.text

    run(body)


def test_d_shows_the_device_and_adds_another(tmp_path: Path) -> None:
    async def body() -> None:
        async with bench(tmp_path, scene("normal")) as it:
            await it.press("d")
            await it.seen("+12 ppm against this machine")
            await it.press("n", "n", *"mic2", "enter")
            assert (await it.asked("add")).device == "mic2"

    run(body)


def test_s_changes_a_limit_and_refuses_one_that_cannot_be(tmp_path: Path) -> None:
    async def body() -> None:
        async with bench(tmp_path, scene("normal")) as it:
            it.app.state.shown().settings.update(
                {"alarms.tachycardia": 120.0, "alarms.bradycardia": 50.0}
            )
            await it.press("s")
            await it.seen("above  120 /min")
            await it.press("2", *["backspace"] * 3, *"130", "enter")
            assert (await it.asked("limits")).limits == {"tachycardia": 130.0}
            await it.seen("above  130 /min")
            await it.press("2", *["backspace"] * 3, *"30", "enter")
            await it.seen("must lie below")
            await it.press("2", *["backspace"] * 3, *"abc", "enter")
            await it.seen("abc is no number")
            assert len([r for r in it.core.requests if r.what == "limits"]) == 1

    run(body)


def test_tab_shows_the_next_device_and_the_banner_keeps_the_alarms_of_all(tmp_path: Path) -> None:
    async def body() -> None:
        first, second = scene("normal"), scene("alarm")
        second.session, second.status["device"] = "second", "Second Microphone"
        async with bench(tmp_path, first, second) as it:
            await it.seen("1/2 USB Stethoscope")
            await it.seen("abnormal heart sound on Second Microphone")
            await it.press("tab")
            await it.seen("2/2 Second Microphone")
            await it.seen("◆ MEDIUM  abnormal heart sound  since")

    run(body)


def test_a_read_only_screen_asks_for_nothing(tmp_path: Path) -> None:
    async def body() -> None:
        async with bench(tmp_path, scene("alarm"), read_only=True) as it:
            for key in ("a", "A", "p", "m", "r"):
                await it.press(key)
                await it.seen("this screen is read-only")
                it.clock.time += 5
                it.core.step()
                await it.until(lambda: "read-only" not in it.text)
            await it.press("q", "e")
            assert it.app.is_running
            assert it.core.requests == []

    run(body)


@pytest.mark.parametrize("key", ["k", "e"])
def test_q_asks_whether_the_monitoring_goes_on(tmp_path: Path, key: str) -> None:
    async def body() -> None:
        async with bench(tmp_path, scene("normal")) as it:
            await it.press("q")
            await it.seen("LEAVE THE SCREEN")
            await it.press("escape")
            assert it.core.requests == []
            await it.pilot.press("ctrl+c", key)
            if key == "e":
                await it.asked("stop")
            await it.until(lambda: it.app.return_value == 0)
            assert bool(it.core.requests) is (key == "e")

    run(body)


@pytest.mark.parametrize(("quit_ends", "stops"), [(True, True), (False, False)])
def test_enter_leaves_as_the_command_proposes(tmp_path: Path, quit_ends: bool, stops: bool) -> None:
    async def body() -> None:
        async with bench(tmp_path, scene("normal"), quit_ends=quit_ends) as it:
            await it.pilot.press("q", "enter")
            await it.until(lambda: it.app.return_value == 0)
            assert [r.what for r in it.core.requests] == (["stop"] if stops else [])

    run(body)


def test_the_command_palette_knows_the_keys(tmp_path: Path) -> None:
    async def body() -> None:
        async with bench(tmp_path, scene("normal")) as it:
            await it.press("ctrl+p")
            await it.press(*"pause")
            await it.seen("pause audio (p)")

    run(body)


def test_the_mouse_clicks_keys_of_the_footer(tmp_path: Path) -> None:
    async def body() -> None:
        async with bench(tmp_path, scene("alarm")) as it:
            column = it.text.splitlines()[-1].index("a acknowledge")
            await it.pilot.click("#keys", offset=(column + 2, 0))
            await it.asked("acknowledge")

    run(body)


# ---------------------------------------------------------------- the link's troubles


def test_a_core_that_dies_is_said_after_two_seconds_and_found_again(tmp_path: Path) -> None:
    async def body() -> None:
        async with bench(tmp_path, scene("alarm")) as it:
            await it.seen("ABNORMAL")
            await it.core.stop()
            await it.until(lambda: not it.app.state.connected)
            it.clock.time += 2.1
            await it.seen("CORE NOT RESPONDING")
            assert "ABNORMAL" not in it.text
            assert "S1–S2" not in it.text
            assert "78" not in it.wave.text()
            await it.seen("abnormal heart sound")  # the log stays
            await it.press("a")
            await it.seen("not sent, the core does not respond")
            await it.press("l")
            await it.seen("CORE NOT RESPONDING for 2 s; as last heard")
            await it.press("escape")
            again = FakeCore(scene("normal"))
            await again.start(tmp_path / "core.sock")
            await it.until(lambda: it.app.state.connected)
            await it.seen("NORMAL ✓")
            await it.until(lambda: "NOT RESPONDING" not in it.text)
            await again.stop()

    run(body)


def test_a_core_that_hangs_is_said_by_the_screen_itself(tmp_path: Path) -> None:
    async def body() -> None:
        async with bench(tmp_path, scene("normal"), size=(80, 24)) as it:
            it.core.step()
            await it.seen("NORMAL ✓")
            it.clock.time += 2.1
            await it.seen("connected, waiting for it to speak")
            await it.press("q")
            await it.seen("The core does not respond: nobody may be listening.")
            await it.press("escape")
            it.core.step()
            await it.seen("NORMAL ✓")

    run(body)


def test_a_bye_is_shown_as_the_end_and_not_as_a_fault(tmp_path: Path) -> None:
    async def body() -> None:
        async with bench(tmp_path, scene("normal")) as it:
            it.core.say(ms.Bye(reason="ended by another screen"))
            await it.until(lambda: it.app.state.bye is not None)
            await it.core.stop()
            it.clock.time += 2.1
            await it.seen("MONITORING HAS ENDED")
            await it.seen("ended by another screen")

    run(body)


def test_a_lost_signal_takes_the_numbers_away_at_once(tmp_path: Path) -> None:
    async def body() -> None:
        async with bench(tmp_path, scene("normal")) as it:
            await it.seen("NORMAL ✓")
            lost = scene("lost")
            it.core.scenes[0].status, it.core.scenes[0].alarms = lost.status, lost.alarms
            it.core.scenes[0].stops_at_s = 760.0
            it.core.step()
            await it.seen("NO SIGNAL since 00:12:40")
            assert "NORMAL" not in it.text
            assert "318" not in it.text

    run(body)


def test_another_version_of_the_link_is_said(tmp_path: Path) -> None:
    async def body() -> None:
        async with bench(tmp_path, scene("normal")) as it:
            it.core.say(ms.Hello(link=99, software="9", pid=1, sessions=[]))
            await it.seen("the core speaks link 99, this screen 1")

    run(body)


def test_an_unreadable_frame_costs_the_connection_and_not_the_screen(tmp_path: Path) -> None:
    async def body() -> None:
        async with bench(tmp_path, scene("normal")) as it:
            for writer in list(it.core._writers):
                writer.write(b"\x00\x00\x00\x05hello")
            await it.until(lambda: it.app.state.attempts > 0 or len(it.core.attached) > 1)
            await it.until(lambda: len(it.core.attached) > 1)
            it.core.step()
            await it.seen("NORMAL ✓")

    run(body)


@pytest.mark.parametrize("size", [(1, 1), (2, 50), (300, 2), (59, 19), (240, 70)])
def test_any_size_of_terminal_is_survived(tmp_path: Path, size: tuple[int, int]) -> None:
    async def body() -> None:
        async with bench(tmp_path, scene("several"), size=(120, 40)) as it:
            await it.pilot.resize_terminal(*size)
            it.core.step()
            await it.press("question_mark", "escape", "l", "escape", "q", "escape", "space")
            await it.pilot.resize_terminal(120, 40)
            it.core.step()
            await it.seen("ABNORMAL")

    run(body)
