"""Whether a heart is being heard, and for how long none was.

At each step one of: *heard* (beats that the decoder is sure of keep coming), *absent* (clear
sound in which there is no beat), *no_sound*, or *uncertain* (noise, or beats that are not clear).
A lost heart is measured in clear sound without a beat, added up since the last beat: noise, a
knock or a gap stop this count but do not void it. After such a silence one beat alone may be a
knock; only a second one says that the heart is back, and makes the silence a pause.

The confidence was chosen on one half of the persons of CirCor and of the groups of cinc2016,
against made-up lungs, bowels, speech, music and tables (``docs/results/hearing.json``).
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable
from itertools import pairwise
from statistics import median

from dsp.cycles.beat import Beat
from dsp.quality import Span
from dsp.quality_judge import RUBBING
from dsp.stage import RATE_HZ
from monitor.analysis.heart import LISTENING, Heart, Pause
from monitor.events import HeartValue, QualityValue

BLIND: tuple[QualityValue, ...] = ("flat", "clipped", "noisy")
"""Qualities in which a heart cannot be heard, whether or not it beats."""

SURE = 0.90
"""Median confidence of the last beats from which a heart is heard."""

UNSURE = 0.80
"""Below this median a heart that was heard is not heard any more."""

LOOK_BACK = 8 * RATE_HZ
"""Samples whose beats are looked at."""

MIN_BEATS = 4
"""Fewer beats in them are no heart, unless it is slow: then so many sure ones that are alike."""

SLOW = 25 * RATE_HZ // 2
"""Samples in which they lie: four beats and their cycles at 30/min, the last one under way."""

UNEVEN = 0.14
"""Share by which systoles of a heart differ from each other at the most, by the median; its cycles
may differ more."""

SURE_IN_NOISE = 0.9
"""Mean confidence of the beats of a window from which noise does not matter."""

DOUBTFUL, NONE = 0.49, 0.1
"""Highest confidence of a beat where no heart is heard, and where it is too soft for one."""

SILENCE = 5 * RATE_HZ // 2
"""Clear samples without a beat that are longer than any cycle."""

HIDDEN_DB = 6.0
"""Sound that is less than this under the heart's may hide a beat, or be one."""

CLEAR_SHARE = 0.5
"""Share of a pause that must be clear: a beat may hide in the rest."""

NEAR = 0.12
"""Two cycles that differ less are alike."""

SOUND = RATE_HZ // 10
"""As long as a heart sound."""

SHORTEST = RATE_HZ // 4
"""Two beats that are nearer than this are one sound."""

FAINT = 0.2
"""A beat between this and the confidence that counts may be one: no silence."""

CYCLE = 3 * RATE_HZ // 2
"""Samples after such a beat that are not counted as silence."""

WAIT = 3 * RATE_HZ
"""Longest time that an S1 without a known beat holds up the count."""

LONG_GAP = 10 * RATE_HZ
"""After a longer gap nothing is known of the heart from before."""

HEARD_BEFORE = 10 * RATE_HZ
"""Sounds so long after a heart was heard steadily may be its beats."""

GONE = 6 * RATE_HZ
"""After so much silence, and later beats that are no heart's, nothing is there to be lost."""

STEADY = 3 * RATE_HZ
"""Samples of being heard that end a time of not being heard, and after which one can be lost."""

WORDS_OF = 8
"""Spans whose quality gives the words."""


class HeartTracker:
    """Follows the beats and the quality of one stream.

    Parameters
    ----------
    min_confidence
        From which a beat counts.
    index
        Where the stream begins.

    Attributes
    ----------
    pauses
        Pauses that beats ended; whoever reads them takes them out.
    """

    def __init__(self, min_confidence: float, index: int = 0) -> None:
        self._min_confidence = min_confidence
        self._spans: deque[Span] = deque()
        self._beats: deque[tuple[int, float]] = deque()
        self._systoles: deque[tuple[int, int]] = deque()
        self._faint: deque[int] = deque()
        self._uneven_of: tuple[list[int], bool] = [], False
        self._open: list[int] = []
        self._begin = index  # of the sound since the last gap
        self._told = -1  # onset of the last beat told, of any confidence
        self._decided = self._judged = index
        self._last: int | None = None  # end of the last beat that counts
        self._onset = self._cycle = 0  # of the same, and from the one before
        self._next: int | None = None  # a faint beat one cycle after it
        self._again: int | None = None  # a beat after a silence, not confirmed yet
        self._counted, self._silence = index, 0
        self._heard_at: int | None = None
        self._gone = False  # it was silent for long, and nothing was heard steadily since
        self._steady = 0
        self._now = Heart()
        self._pause: Pause | None = None
        self.pauses: list[Pause] = []

    @property
    def _limit(self) -> float:
        """Median confidence that is asked for: a heart that is heard is kept a little."""
        return UNSURE if self._now.value == "heard" else SURE

    @property
    def _lately(self) -> bool:
        """Whether a heart was heard steadily shortly before the last beat."""
        known = self._last is not None and self._heard_at is not None
        return known and (self._last or 0) - (self._heard_at or 0) <= HEARD_BEFORE

    @property
    def now(self) -> Heart:
        """State at the last step."""
        return self._now

    def quality(self, span: Span) -> None:
        """Take the quality of the next stretch."""
        self._spans.append(span)
        self._judged = span.end
        while self._spans[0].end < span.end - 60 * RATE_HZ:
            self._spans.popleft()

    def gap(self, index: int, length: int) -> None:
        """Note that ``length`` samples up to ``index`` were lost."""
        self._count()
        self._decided = self._judged = self._counted = self._begin = index
        self._open = []
        self._again = None
        if length > LONG_GAP:
            self._last, self._silence = None, 0

    def beat(self, beat: Beat) -> None:
        """Take the next beat; its quality is known by now, but for the last ones of a stream."""
        onset = beat.s1 if beat.s1 is not None else beat.s2
        if onset is None:
            return
        self._told = onset
        self._open = [s1 for s1 in self._open if s1 > onset]
        # The heart may have become softer than it was: then the decoder is sure, or beats go on.
        soft = self._quiet(onset) and beat.confidence < SURE
        if soft and beat.confidence < self._min_confidence:
            return
        self._beats.append((onset, beat.confidence))
        if beat.s1 is not None and beat.s2 is not None:
            self._systoles.append((onset, beat.s2 - beat.s1))
        if soft or beat.confidence < self._min_confidence:
            if beat.confidence >= FAINT:
                self._faint.append(onset)
                if self._next is None and self._alike(onset - self._onset):
                    self._next = onset
            return
        end = max(onset, beat.s2 or 0)
        if self._last is not None and self._silence_until(onset) >= SILENCE:
            if self._again is None or onset - self._again > CYCLE + RATE_HZ:
                self._again = onset
                self._faint.append(onset)
                return
            if onset - self._again < SHORTEST:
                return
            self._resumed(self._again)
        self._again = None
        if onset - self._onset <= SILENCE:
            self._cycle = onset - self._onset
        self._last, self._onset, self._next = end, onset, None
        self._counted, self._silence = end, 0

    def _resumed(self, onset: int) -> None:
        """Note a pause up to ``onset``, if nothing hid a beat in it.

        A faint beat one cycle before has ended it already; one a cycle after the last begins it.
        """
        self._gone = self._gone or self._silence >= GONE
        before = [at for at in self._faint if self._alike(onset - at)]
        onset = before[0] if before else onset
        start = self._onset if self._next is None else self._next
        last = self._last or 0
        clear = self._silence >= CLEAR_SHARE * (onset - last)
        if self._lately and clear and not self._touched(last, onset):
            self._pause = Pause(start, onset - start, self._silence)
            self.pauses.append(self._pause)

    def _touched(self, last: int, onset: int) -> bool:
        """Whether the stethoscope was lifted and put back between two beats: handling is heard."""
        between = self._over(last, onset)
        inside = [s for s in between if s.start >= last + SOUND and s.end <= onset]
        rubbed = any(s.value == "noisy" and RUBBING in s.reason for s in between)
        return rubbed or not all(map(_clear, inside))

    def _alike(self, cycle: int) -> bool:
        return abs(cycle - self._cycle) <= NEAR * self._cycle

    def decided(self, index: int, onsets: Iterable[int]) -> None:
        """Note that all onsets up to ``index`` are known: those of beats, and these (of S1)."""
        self._decided = index
        self._open += [s1 for s1 in onsets if s1 > self._told]

    def heard_over(self, start: int, end: int, noisy: bool) -> bool:
        """Whether a heart was heard over a window and before it; surer in noise."""
        before = [c for onset, c in self._beats if end - LOOK_BACK <= onset < end]
        inside = [c for onset, c in self._beats if start <= onset < end]
        if not inside or median(before) < self._limit or not self._like_heart(end):
            return False
        return not noisy or sum(inside) / len(inside) >= SURE_IN_NOISE

    def honest(self, beat: Beat) -> float:
        """Confidence of a beat that is known by now: the decoder's, less where none is heard."""
        onset = beat.s1 if beat.s1 is not None else beat.s2
        if onset is None:
            return beat.confidence
        if self._quiet(onset) and beat.confidence < SURE:
            return min(beat.confidence, NONE)
        around = [c for at, c in self._beats if abs(at - onset) <= LOOK_BACK]
        near = {span.value for span in self._over(onset, onset + SHORTEST)}
        if median(around) < UNSURE or not near <= {"good", "noisy"}:
            return min(beat.confidence, DOUBTFUL)
        return beat.confidence

    def step(self, sound: int, lost: int = 0, idle: int = 0, interrupted: bool = False) -> Heart:
        """Judge at the end of a step.

        Parameters
        ----------
        sound, lost, idle
            Samples that passed: of sound, in a gap, and of waiting.
        interrupted
            Whether no sound comes now.
        """
        self._count()
        value, reason = self._state()
        if interrupted:
            value, reason = "no_sound", "no samples"
        heard = value == "heard"
        self._steady = self._steady + sound if heard else 0
        unheard = self._now.unheard + sound + lost + idle
        if self._steady >= STEADY:
            self._heard_at, self._gone = self._decided, False
        known = self._now.known or heard
        if heard and (self._steady >= STEADY or not self._now.unheard or not self._now.known):
            unheard = 0
        self._now = Heart(
            value=value,
            reason=reason,
            silence=None if self._last is None else self._silence,
            lost=self._lately or (self._heard_at is not None and not self._gone),
            known=known,
            unheard=unheard,
            pause=self._pause,
            restarted=self._judged < self._begin + LOOK_BACK + STEADY,
        )
        return self._now

    def _state(self) -> tuple[HeartValue, str]:
        while self._beats and self._beats[0][0] < self._decided - 2 * LOOK_BACK:
            self._beats.popleft()
        while self._systoles and self._systoles[0][0] < self._decided - 2 * LOOK_BACK:
            self._systoles.popleft()
        if self._spans and self._spans[-1].value == "flat":
            return "no_sound", self._spans[-1].reason
        if self._silence >= SILENCE and (not self._spans or _clear(self._spans[-1])):
            return "absent", f"no beat for {self._silence / RATE_HZ:.0f} s"
        recent = [c for onset, c in self._beats if onset > self._decided - LOOK_BACK]
        like = self._like_heart(self._decided)
        fresh = self._last is not None and self._decided - self._last <= SILENCE
        enough = len(recent) >= MIN_BEATS and median(recent) >= self._limit
        if like and ((fresh and enough) or self._slow()):
            return "heard", ""
        return "uncertain", self._why(len(recent))

    def _slow(self) -> bool:
        """Whether the last beats are sure and alike, as far apart as those of a slow heart.

        An onset of which no beat is known yet is the next one's.
        """
        last = list(self._beats)[-MIN_BEATS:]
        if len(last) < MIN_BEATS or last[0][0] <= self._decided - SLOW:
            return False
        if self._decided - max([last[-1][0], *self._open[:1]]) > SILENCE:
            return False
        cycles = [b - a for (a, _), (b, _) in pairwise(last)]
        alike = max(cycles) - min(cycles) <= NEAR * max(cycles)
        return alike and all(confidence >= SURE for _, confidence in last)

    def _why(self, beats: int) -> str:
        """Words for what is in the way of hearing a heart."""
        if not self._spans or self._judged < self._begin + LOOK_BACK:
            return LISTENING
        last = list(self._spans)[-WORDS_OF:]
        bad = Counter(span.reason or span.value for span in last if span.value in BLIND)
        if sum(bad.values()) * 2 >= len(last):
            return bad.most_common(1)[0][0]
        if sum(s.value == "no_heart" and not _clear(s) for s in last) * 2 >= len(last):
            return "noise as loud as the heart"
        if beats and not self._like_heart(self._decided):
            return "not a heart's sounds"
        return "beats not clear" if beats else "no beats found"

    def _like_heart(self, end: int) -> bool:
        """Whether most of the sound before ``end``, and the pairs in it, may be a heart's."""
        like = [span.like_heart for span in self._over(end - LOOK_BACK, end)]
        return 2 * sum(like) >= len(like) and not self._uneven(end)

    def _uneven(self, end: int) -> bool:
        """Whether the systoles before ``end`` are of any length."""
        last = [n for onset, n in self._systoles if end - LOOK_BACK <= onset < end]
        if last != self._uneven_of[0]:  # it is asked for more often than beats come
            self._uneven_of = last, _uneven(last)
        return self._uneven_of[1]

    def _quiet(self, onset: int) -> bool:
        near = self._over(onset, onset + SHORTEST // 2)
        return bool(near) and all(span.quiet for span in near)

    def _over(self, start: int, end: int) -> list[Span]:
        """Spans that reach into [start, end), the last one first."""
        found = []
        for span in reversed(self._spans):
            if span.end <= start:
                break
            if span.start < end:
                found.append(span)
        return found

    def _silence_until(self, end: int) -> int:
        self._count(end)
        return self._silence

    def _count(self, end: int | None = None) -> None:
        """Add the clear sound without a beat that is decided by now (or up to ``end``)."""
        if end is None:
            fresh = [s1 for s1 in self._open if s1 > self._decided - WAIT]
            end = min([self._decided, self._judged, *fresh])
        if end <= self._counted:
            return
        for span in self._over(self._counted, end):
            if _clear(span) and not self._maybe(span):
                self._silence += min(span.end, end) - max(span.start, self._counted)
        self._counted = end
        while self._faint and self._faint[0] < end - 2 * CYCLE:
            self._faint.popleft()

    def _maybe(self, span: Span) -> bool:
        """Whether a faint beat, which may be one, is in the span or shortly before it."""
        return any(span.start - CYCLE <= onset < span.end for onset in self._faint)


def _clear(span: Span) -> bool:
    """Whether a beat in it would have been heard: noise around a silence does not hide one."""
    if span.under_db is None:
        return span.value not in BLIND
    return span.under_db > HIDDEN_DB and span.value not in ("flat", "clipped")


def _uneven(systoles: list[int]) -> bool:
    """Whether systoles are of any length.

    Each is compared with the one before and, as beats may come in twos and threes, with the
    one two and three before.
    """
    if len(systoles) < MIN_BEATS:
        return False
    jumps = [
        median([abs(b - a) for b, a in zip(systoles[lag:], systoles, strict=False)])
        for lag in (1, 2, 3)
        if len(systoles) >= lag + MIN_BEATS - 1
    ]
    return min(jumps) > UNEVEN * median(systoles)
