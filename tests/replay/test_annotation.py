"""Annotation files of each kind, what is none, and onsets against onsets."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dsp.cycles.matching import TOLERANCE, match
from monitor.errors import NoInputError
from monitor.replay.annotation import read

RECORDINGS = Path(__file__).parents[2] / "recordings"

ONSETS = st.lists(
    st.tuples(st.integers(0, 20_000), st.sampled_from([1, 2])), max_size=40, unique=True
).map(sorted)


def test_the_truth_beside_a_shipped_recording_is_an_annotation() -> None:
    found = read(RECORDINGS / "normal.states.csv")
    assert found.name == "normal.states.csv"
    assert found.onsets[0] == (183, 1)
    assert 130 < len(found.onsets) < 150


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.tsv", "0.05\t0.12\t1\n0.12\t0.30\t2\n0.305\t0.40\t3\n"),
        ("a.txt", "0.05 0.12 S1\n0.305 0.305 s2\n# a remark\n"),
        ("a.csv", "sample,state\n0,diastole\n100,S1\n240,systole\n610,S2\n"),
        ("a.jsonl", '{"type":"session"}\n{"type":"beat","s1":100,"s2":610}\n{"type":"end"}\n'),
    ],
)
def test_every_kind_of_file_tells_the_same_onsets(tmp_path: Path, name: str, text: str) -> None:
    path = tmp_path / name
    path.write_text(text)
    assert read(path).onsets == ((100, 1), (610, 2))


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("a.csv", "x,y\n1,2\n", "no columns sample and state"),
        ("a.csv", "sample,state\nx,S1\n", "not an annotation"),
        ("a.txt", "soon later S1\n", "not an annotation"),
        ("a.txt", "1e99 2 S1\n", "no time in seconds"),
        ("a.jsonl", "{", "not an annotation"),
        ("a.tsv", "0.1 0.2 2\n", "no S1 and no S2"),
    ],
)
def test_what_is_no_annotation_is_one_line(
    tmp_path: Path, name: str, text: str, words: str
) -> None:
    path = tmp_path / name
    path.write_text(text)
    with pytest.raises(NoInputError, match=words):
        read(path)
    with pytest.raises(NoInputError, match="No such file"):
        read(tmp_path / "absent.csv")


def test_one_found_onset_answers_one_annotated_one_of_its_sound() -> None:
    same, missed, extra = match(
        [(100, 1), (150, 1), (600, 2), (2000, 1)], [(120, 1), (600, 1), (590, 2)]
    )
    assert same == [(120, 1), (590, 2)]
    assert missed == [(600, 1)]
    assert extra == [(150, 1), (2000, 1)]


@given(ONSETS, ONSETS)
def test_nothing_is_counted_twice_and_nothing_is_left_out(
    found: list[tuple[int, int]], annotated: list[tuple[int, int]]
) -> None:
    same, missed, extra = match(found, annotated)
    assert sorted(same + missed) == annotated
    assert len(same) + len(extra) == len(found)
    assert match(annotated, annotated) == (annotated, [], [])
    for at, sound in same:
        assert any(kind == sound and abs(other - at) <= TOLERANCE for other, kind in found)
