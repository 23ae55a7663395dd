"""One rule, one verdict: summary, ``--json``, archive, event file, store and report agree.

Six recordings by default; ``FIELD_SEEDS`` in the environment says how many (``make field``).
"""

from __future__ import annotations

import json
import os
import re
from html import unescape
from pathlib import Path

import pytest
from store_rows import put_session

from monitor import events as ev
from monitor.cli.main import run
from monitor.clock import SystemClock
from monitor.record.eventfile import read
from monitor.record.export.model import from_event_file
from monitor.record.export.stored import from_store
from monitor.record.report.facts import gather
from monitor.record.store import Store

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
COUNT = min(300, 3 * int(os.environ.get("FIELD_SEEDS", "2")))
ID = "20261126T080000-{:06x}"

pytestmark = [
    pytest.mark.data,
    pytest.mark.skipif(not DATA.is_dir(), reason="needs ../shared/data"),
    pytest.mark.timeout(1800),
]


def recordings() -> list[Path]:
    """As many of children as of adults, spread over the sets; every tenth is an artifact."""
    children = sorted((DATA / "circor").glob("*.flac"))
    adults = sorted((DATA / "cinc2016" / "training-b").glob("*.flac"))
    none = sorted((DATA / "pascal").rglob("*artifact*.flac"))
    tenth = max(1, COUNT // 10)
    wanted = ((children, COUNT // 2), (adults, COUNT - COUNT // 2 - tenth), (none, tenth))
    return [paths[k * len(paths) // n] for paths, n in wanted for k in range(n)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The recordings under names of their own."""
    made = tmp_path_factory.mktemp("recordings")
    for number, path in enumerate(recordings()):
        (made / f"{number:03d}.flac").symlink_to(path)
    return made


def stored(events: Path, store: Path) -> dict[str, tuple]:
    """Put event files into a store; what it, and the report of it, say of each."""
    kept = Store(store, SystemClock())
    files = sorted(events.glob("*.jsonl"))
    for number, path in enumerate(files):
        put_session(kept, ID.format(number), read(path), device="file", source="live", started=1e9)
    assert kept.close(60.0)
    found = {}
    for number, path in enumerate(files):
        record = from_store(store, ID.format(number))
        whole = gather(record).whole
        found[path.stem] = (whole.value, whole.p)
        assert whole == record.of(ev.Verdict)[-1]
    return found


def test_every_way_out_says_the_same_verdict(folder, tmp_path, capsys):
    events, result = tmp_path / "events", tmp_path / "archive.jsonl"
    assert run(["replay", str(folder), "--json", "--events", str(events), "--jobs", "2"]) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    said = {Path(x["name"]).stem: (x["verdict"], x["p"]) for x in lines}
    assert len(said) == COUNT

    assert run(["archive", str(folder), "-o", str(result)]) == 0
    rows = [json.loads(line) for line in result.read_text().splitlines()]
    assert {Path(x["name"]).stem: (x["verdict"], x["p"]) for x in rows} == said

    files = {path.stem: list(read(path)) for path in events.glob("*.jsonl")}
    last = {stem: [e for e in content if isinstance(e, ev.Verdict)][-1]
            for stem, content in files.items()}  # fmt: skip
    assert all(line.record for line in last.values())
    assert {stem: (line.value, line.p) for stem, line in last.items()} == said
    for stem, content in files.items():  # the stream's rule: no verdict of the record without it
        stream = {e.value for e in content if isinstance(e, ev.Verdict) and not e.record}
        heard = any(isinstance(e, ev.Heart) and e.value == "heard" for e in content)
        rated = any(isinstance(e, ev.Vitals) and e.rate is not None for e in content)
        assert said[stem][0] == "none" or (heard and rated and last[stem].windows >= 3)
        assert said[stem][0] != "none" or stream <= {"none"}

    assert stored(events, tmp_path / "store") == said

    capsys.readouterr()
    assert run(["replay", str(folder), "--jobs", "1"]) == 0
    table = capsys.readouterr().out.rpartition("\nrecording ")[2]
    words = re.findall(r"^\d+\.flac .*?  (NORMAL|ABNORMAL|UNSURE|NONE)  ", table, re.MULTILINE)
    assert [word.lower() for word in words] == [said[stem][0] for stem in sorted(said)]

    for stem in sorted(said)[:: max(1, COUNT // 6)]:
        page = tmp_path / f"{stem}.html"
        assert run(["report", str(events / f"{stem}.jsonl"), "-o", str(page)]) == 0
        text = unescape(re.sub(r"<[^>]+>", "\n", page.read_text("utf-8")))
        told = re.search(r"Heart sound, whole session\s+(\w+)", text)
        assert told is not None
        assert told.group(1) == said[stem][0]
        record = from_event_file(events / f"{stem}.jsonl")
        assert gather(record).whole == last[stem]
