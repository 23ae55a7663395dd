"""An examination as one FHIR R4 Bundle: heart rates and a verdict at each place, and one over all.

A place that could not be judged keeps its Observation and says why in ``dataAbsentReason``. No
person is named.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from monitor.analysis.person import PersonVerdict
from monitor.record.export.fhir import finding, observations
from monitor.record.export.model import Record
from monitor.replay.rows import Row

Json = dict[str, Any]


def bundle(places: Sequence[tuple[str, Record, Row]], verdict: PersonVerdict) -> Json:
    """Return the Bundle of all places (at least one): name, record and row of each."""
    entries: list[Json] = []
    members: list[str] = []
    for place, record, row in places:
        body = {"text": place}
        own = observations(record)["entry"]
        device = own[0]["fullUrl"]
        heard = finding(record, "Heart sound at this place", row.verdict or "none", row.p,
                        row.evidence or "", device)  # fmt: skip
        for entry in (*own, _entry(heard)):
            if entry["resource"]["resourceType"] == "Observation":
                entry["resource"]["bodySite"] = body
            entries.append(entry)
        members.append(entries[-1]["fullUrl"])
    whole = finding(places[0][1], "Heart sound, all places", verdict.value, verdict.p,
                    verdict.evidence, entries[0]["fullUrl"])  # fmt: skip
    whole["hasMember"] = [{"reference": member} for member in members]
    _until(whole, places[-1][1])
    return {"resourceType": "Bundle", "type": "collection", "entry": [*entries, _entry(whole)]}


def _entry(resource: Json) -> Json:
    return {"fullUrl": f"urn:uuid:{resource['id']}", "resource": resource}


def _until(whole: Json, last: Record) -> None:
    """The period of the whole ends with the last place."""
    end = last.moment(last.length)
    if end is not None and "effectivePeriod" in whole:
        whole["effectivePeriod"]["end"] = end.isoformat(timespec="milliseconds")
