"""The keys of the main screen: one table for the footer, the help and the bindings.

A key that changes something in the core is neither offered nor obeyed on a read-only screen.
"""

from __future__ import annotations

from dataclasses import dataclass

from textual.binding import Binding, BindingType


@dataclass(frozen=True, slots=True)
class Key:
    """One key: its name for Textual, what the footer shows, the action, and its explanation."""

    name: str
    shown: str
    action: str
    short: str
    long: str
    footer: bool = False
    changes: bool = False
    """Whether it changes something in the core: a read-only screen does not offer it."""


KEYS = (
    Key("question_mark", "?", "help", "help", "all keys, and what the shapes mean", footer=True),
    Key(
        "a",
        "a",
        "acknowledge",
        "acknowledge",
        "acknowledge the alarm in the banner",
        footer=True,
        changes=True,
    ),
    Key("A", "A", "acknowledge_all", "all", "acknowledge every alarm that is shown", changes=True),
    Key("e", "e", "details", "evidence", "evidence of verdict and alarms, or what to do"),
    Key(
        "p",
        "p",
        "pause_audio",
        "pause audio",
        "silence the alarm tones for 120 s; again: sound them",
        footer=True,
        changes=True,
    ),
    Key("m", "m", "mark", "mark", "mark this moment, with a note", footer=True, changes=True),
    Key("k", "k", "keep", "keep", "keep the last 30 s of sound, and mark them", changes=True),
    Key(
        "l",
        "l",
        "alarm_log",
        "log",
        "alarm log: filter, acknowledge, jump to the moment",
        footer=True,
    ),
    Key(
        "r",
        "r",
        "record",
        "record",
        "keep the raw sound, or stop keeping it",
        footer=True,
        changes=True,
    ),
    Key("d", "d", "device", "device", "the device: health, drift, delay; add another", footer=True),
    Key("s", "s", "settings", "settings", "limits of the heart-rate alarms", footer=True),
    Key(
        "space",
        "space",
        "freeze",
        "freeze",
        "freeze the picture, never the monitoring; replay: pause",
        footer=True,
    ),
    Key("left", "←", "back", "back", "frozen: back a second; replay: back a cycle (shift: ten)"),
    Key("right", "→", "forward", "forward", "frozen: forward likewise"),
    Key(
        "left_square_bracket",
        "[",
        "alarm(-1)",
        "alarm before",
        "freeze, or replay, from the alarm before",
    ),
    Key(
        "right_square_bracket",
        "]",
        "alarm(1)",
        "alarm after",
        "freeze, or replay, from the alarm after",
    ),
    Key(
        "left_curly_bracket",
        "{",
        "difference(-1)",
        "difference before",
        "replay with an annotation: to the difference before",
    ),
    Key(
        "right_curly_bracket",
        "}",
        "difference(1)",
        "difference after",
        "replay with an annotation: to the difference after",
    ),
    Key("n", "n", "exam", "exam", "examine a person, place by place", changes=True),
    Key("h", "h", "hear", "hear", "hear the heart: wide, as a bell, as a diaphragm, off"),
    Key("v", "v", "view", "view", "waveform or spectrogram"),
    Key("plus", "+", "gain(1)", "gain", "larger waveform (the gain is then fixed); replay: faster"),
    Key("minus", "-", "gain(-1)", "gain", "smaller waveform; replay: slower"),
    Key("0", "0", "auto_gain", "auto gain", "the gain follows the sound again"),
    Key("less_than_sign", "<", "span(-1)", "span", "fewer seconds in the waveform"),
    Key("greater_than_sign", ">", "span(1)", "span", "more seconds in the waveform"),
    Key("t", "t", "trend", "trend", "trend over 2 min, 10 min, 1 h, 4 h, 12 h"),
    Key("T", "T", "theme", "theme", "dark or light"),
    Key("tab", "tab", "next_session", "next", "next device, where several are monitored"),
    Key("q", "q", "ask_quit", "quit", "leave; asks whether the monitoring goes on", footer=True),
)

REPLAY = (
    Key("question_mark", "?", "help", "help", ""),
    Key("space", "space", "freeze", "pause", ""),
    Key("right", "← →", "forward", "cycle", ""),
    Key("right_square_bracket", "[ ]", "alarm(1)", "alarm", ""),
    Key("plus", "- +", "gain(1)", "speed", ""),
    Key("l", "l", "alarm_log", "log", ""),
    Key("q", "q", "ask_quit", "quit", ""),
)
"""What the footer shows of a replay, in place of keys that would be refused."""


def offered(read_only: bool) -> list[Key]:
    """The keys that this screen obeys."""
    return [key for key in KEYS if not (read_only and key.changes)]


_ALSO = {
    "left": "left,shift+left",
    "right": "right,shift+right",
    "plus": "plus,equals_sign",
    "minus": "minus",
    "question_mark": "question_mark,f1",
    "q": "q,ctrl+c,ctrl+q",
}


def bindings() -> list[BindingType]:
    """What the main screen listens to."""
    out: list[BindingType] = []
    for key in KEYS:
        for name in _ALSO.get(key.name, key.name).split(","):
            action = key.action
            if name.startswith("shift+"):
                action = f"{key.action}(10)"
            out.append(Binding(name, action, key.short, show=False, priority=name == "tab"))
    return out
