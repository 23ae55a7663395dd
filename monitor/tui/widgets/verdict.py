"""What the sound of the last windows is judged to be, with the evidence and its age."""

from __future__ import annotations

from monitor.events import IN_NOISE
from monitor.link.messages import Status
from monitor.tui import words
from monitor.tui.state import SessionState
from monitor.tui.widgets.glyphs import Glyphs
from monitor.tui.widgets.panel import Line

_INK = {"normal": "good", "abnormal": "medium", "unsure": "low", "none": "dim"}


def lines(
    session: SessionState | None,
    now: float,
    width: int,
    height: int,
    glyphs: Glyphs,
    details: bool = False,
) -> list[Line]:
    """The word, then what it rests on, or with ``details`` the evidence, mean p and age."""
    if session is None or session.status is None or not session.trusted(now):
        return [[("", "dim")], [(words.UNKNOWN, "dim")]]
    status = session.status
    unsure = _not_now(status, session.age(now), width, glyphs)
    if unsure is not None:
        return [[], *unsure] if height > 4 else unsure
    shape = {
        "normal": glyphs.tick,
        "abnormal": glyphs.medium,
        "unsure": "?",
        "none": glyphs.dash,
    }[status.verdict]
    word = {"none": "NO VERDICT"}.get(status.verdict, status.verdict.upper())
    out: list[Line] = [[(f"{word} {shape}", _INK[status.verdict])]]
    age = status.verdict_age_s
    if age is not None:
        age += session.age(now)
    if not details:
        room = height - 1 - (height > 4)
        plain = wrap(_plain(status, age), width, max(1, room), glyphs.ellipsis)
        out += [[(row, "plain")] for row in plain]
        return [[], *out] if height > 4 else out
    evidence = status.verdict_evidence
    room = max(1, height - 2 - (height > 4))
    if evidence:
        out += [
            [(row, "plain")] for row in wrap(glyphs.plain(evidence), width, room, glyphs.ellipsis)
        ]
    foot = _foot(status, age, width, glyphs)
    out.append([(words.cut(foot, width), "plain")])
    if height > 4:
        out.insert(0, [])
    return out


def _plain(status: Status, age: float | None) -> str:
    """What it rests on, and what to do, in plain words."""
    if status.verdict == "none":
        return f"listening, {status.windows} of {status.windows_of}"
    noise = f", {IN_NOISE}" if IN_NOISE in status.verdict_evidence else ""
    heard = f"from {status.windows} windows{noise}, {words.age(age)} ago"
    if status.verdict == "abnormal":
        return f"{heard}: {words.advice('abnormal_sound')}"
    return f"between normal and abnormal, {heard}" if status.verdict == "unsure" else heard


def _not_now(status: Status, age: float, width: int, glyphs: Glyphs) -> list[Line] | None:
    """What stands in place of a verdict that is not one of now, None where it is."""
    if status.heart != "heard" and status.verdict != "none":
        when = words.age((status.verdict_age_s or 0.0) + age)
        last = wrap(f"last: {status.verdict}, {when} ago", width, 2, glyphs.ellipsis)
        now = wrap("no heart heard now", width, 2, glyphs.ellipsis)
        return [*([(row, "dim")] for row in last), *([(row, "plain")] for row in now)]
    if status.heart == "heard" and status.few:
        count = f"{status.windows} of {status.windows_of}"
        return [[(f"LISTENING {glyphs.ellipsis}", "dim")], [(f"listening, {count}", "plain")]]
    return None


def _foot(status: Status, age: float | None, width: int, glyphs: Glyphs) -> str:
    """Mean p, where the evidence has not said it, and the age of the verdict."""
    if "mean p" in status.verdict_evidence:
        return f"age {words.age(age)}"
    p = words.number(status.p, ".2f")
    foot = f"mean p {p} {glyphs.sep} age {words.age(age)}"
    return foot if len(foot) <= width else f"p {p} {glyphs.sep} {words.age(age)}"


def wrap(text: str, width: int, rows: int, ellipsis: str) -> list[str]:
    """``text`` broken at blanks into at most ``rows`` rows, the last one cut."""
    out: list[str] = []
    row = ""
    for number, word in enumerate(text.split()):
        longer = f"{row} {word}".strip()
        if len(longer) <= width:
            row = longer
            continue
        if row:
            out.append(row)
        row = word
        if len(out) == rows:
            rest = " ".join(text.split()[number:])
            out[-1] = words.cut(f"{out[-1]} {rest}", width, ellipsis)
            return out
    return [*out, words.cut(row, width, ellipsis)]
