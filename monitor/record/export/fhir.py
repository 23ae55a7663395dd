"""FHIR: vital signs as R4 Observations, alarms as R6 (ballot) DeviceAlerts; plain JSON.

The Observations stand in an R4 ``Bundle`` of type collection, one of the heart rate for each
minute (LOINC 8867-4, UCUM ``/min``, after the vital-signs profile). A minute without a value keeps
its Observation and says why in ``dataAbsentReason``: so a gap survives. Without wall time,
``effective`` is absent with its reason, and the place in the session stands in an extension.

R4 has no resource for an alarm. DeviceAlert is taken from the R6 ballot (6.0.0-ballot4) and stands
in a file of its own, for an R4 reader must refuse it. No patient is named anywhere: labels stay
in the store.
"""

from __future__ import annotations

import json
import statistics
import uuid
from collections.abc import Iterator
from typing import Any

from dsp.stage import RATE_HZ
from monitor import events as ev
from monitor.alarms.episodes import Episode, heard
from monitor.events import VerdictValue
from monitor.record.export.model import Record

Json = dict[str, Any]

EVERY_S = 60
NAMESPACE = uuid.UUID("6f0f7c1e-2c0b-5f0a-9a53-0a6b3f7d8c11")
"""Of the version-5 ids: the same session gives the same ids."""

OFFSET_URL = "urn:apexbeat:session-seconds"
ABSENT_URL = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
UCUM = "http://unitsofmeasure.org"
SUBJECT = {"type": "Patient", "display": "not recorded in this export"}


def render(record: Record) -> dict[str, str]:
    """Return file suffix → JSON text."""
    return {
        "fhir.json": _text(observations(record)),
        "devicealert.json": _text(alerts(record)),
    }


def observations(record: Record) -> Json:
    """R4 Bundle of one Device and the Observations of all minutes."""
    device = _device(record)
    entries = [device, *_minutes(record, f"urn:uuid:{device['id']}")]
    return {
        "resourceType": "Bundle",
        "type": "collection",
        "entry": [{"fullUrl": f"urn:uuid:{one['id']}", "resource": one} for one in entries],
    }


def alerts(record: Record) -> Json:
    """R6 Bundle of one DeviceAlert for each episode of an alarm."""
    device = _device(record)
    entries = [device, *(_alert(record, one, device["id"]) for one in record.alarms)]
    return {
        "resourceType": "Bundle",
        "type": "collection",
        "entry": [{"fullUrl": f"urn:uuid:{one['id']}", "resource": one} for one in entries],
    }


def finding(
    record: Record, text: str, value: VerdictValue, p: float | None, evidence: str, device: str
) -> Json:
    """R4 Observation of a verdict on a whole record; of ``none`` the reason that it is absent.

    Parameters
    ----------
    device
        Reference of the Device.
    """
    one = _observation(record, 0, record.length, device)
    one |= {"id": _id(record, text), "code": {"text": f"{text} (Apexbeat, research only)"}}
    del one["meta"], one["category"]  # no vital sign
    if value == "none" or p is None:
        one["dataAbsentReason"] = _absent("error", evidence or "no verdict")
        return one
    one["valueCodeableConcept"] = {"text": value}
    one["note"] = [{"text": evidence}]
    probability = {"value": round(p, 4), "unit": "1", "system": UCUM, "code": "1"}
    one["component"] = [
        {"code": {"text": "p(abnormal) at equal priors"}, "valueQuantity": probability}
    ]
    return one


def _text(value: Json) -> str:
    return json.dumps(value, indent=1, ensure_ascii=False) + "\n"


def _id(record: Record, what: str) -> str:
    first = record.anchors[0].wall if record.anchors else ""
    return str(uuid.uuid5(NAMESPACE, f"{record.session.name}|{first}|{record.length}|{what}"))


def _device(record: Record) -> Json:
    return {
        "resourceType": "Device",
        "id": _id(record, "device"),
        "status": "active",
        "manufacturer": "Apexbeat",
        "note": [
            {"text": f"{record.session.software}: research and teaching, not a medical device"},
            {"text": f"session: {record.session.name}"},
        ],
    }


def _offset(start: int, stop: int) -> Json:
    """Where in the session: seconds since its begin."""
    second = {"unit": "s", "system": UCUM, "code": "s"}
    return {
        "url": OFFSET_URL,
        "valueRange": {
            "low": {"value": round(start / RATE_HZ, 4), **second},
            "high": {"value": round(stop / RATE_HZ, 4), **second},
        },
    }


def _period(record: Record, start: int, stop: int | None) -> Json | None:
    begin = record.moment(start)
    over = None if stop is None else record.moment(stop)
    if begin is None:
        return None
    period = {"start": begin.isoformat(timespec="milliseconds")}
    if over is not None:
        period["end"] = over.isoformat(timespec="milliseconds")
    return period


def _minutes(record: Record, device: str) -> Iterator[Json]:
    vitals = record.of(ev.Vitals)
    lost = sorted((gap.start, gap.start + gap.length) for gap in record.of(ev.Gap))
    step = EVERY_S * RATE_HZ
    place = 0
    for start in range(0, record.length, step):
        stop = min(start + step, record.length)
        rates: list[float] = []
        while place < len(vitals) and vitals[place].index <= stop:
            rate = vitals[place].rate
            if rate is not None:
                rates.append(rate)
            place += 1
        one = _observation(record, start, stop, device)
        if rates:
            value = {"value": round(statistics.median(rates), 1), "unit": "beats/minute"}
            one["valueQuantity"] = {**value, "system": UCUM, "code": "/min"}
            one["note"] = [{"text": f"median of {len(rates)} values, one each second"}]
        else:
            any_sound = bool(heard(start, stop, lost))
            one["dataAbsentReason"] = _absent(
                "error" if any_sound else "not-performed",
                "no heart rate could be found in the sound" if any_sound else "the sound was lost",
            )
        yield one


def _absent(code: str, text: str) -> Json:
    system = "http://terminology.hl7.org/CodeSystem/data-absent-reason"
    return {"coding": [{"system": system, "code": code}], "text": text}


def _observation(record: Record, start: int, stop: int, device: str) -> Json:
    one: Json = {
        "resourceType": "Observation",
        "id": _id(record, f"heart-rate {start}"),
        "meta": {"profile": ["http://hl7.org/fhir/StructureDefinition/heartrate"]},
        "extension": [_offset(start, stop)],
        "status": "final",
        "category": [
            {
                "coding": [
                    {
                        "system": "http://terminology.hl7.org/CodeSystem/observation-category",
                        "code": "vital-signs",
                        "display": "Vital Signs",
                    }
                ]
            }
        ],
        "code": {
            "coding": [
                {"system": "http://loinc.org", "code": "8867-4", "display": "Heart rate"},
            ],
            "text": "Heart rate, from heart sounds",
        },
        "subject": SUBJECT,
        "device": {"reference": device},
    }
    period = _period(record, start, stop)
    if period is None:
        one["_effectiveDateTime"] = {"extension": [{"url": ABSENT_URL, "valueCode": "unknown"}]}
    else:
        one["effectivePeriod"] = period
    return one


def _alert(record: Record, one: Episode, device: str) -> Json:
    present = one.condition_end is None
    signal = {"active": "on", "acknowledged": "ack", "latched": "latched", "inactive": "off"}
    alert: Json = {
        "resourceType": "DeviceAlert",
        "id": _id(record, f"{one.kind} {one.start}"),
        "extension": [_offset(one.start, record.length if one.end is None else one.end)],
        "status": "in-progress" if one.end is None else "completed",
        "type": _concept("type", "technical" if one.technical else "physiological"),
        "priority": _concept("priority", one.priority),
        "code": {"text": one.title},
        "subject": SUBJECT,
        "presence": present,
        "device": {"reference": f"urn:uuid:{device}"},
        "acknowledged": one.acknowledged is not None,
        "label": one.evidence,
        "signal": [
            {
                "activationState": _concept("activationState", "on"),
                "presence": _concept("presence", signal.get(one.state, "on")),
            }
        ],
    }
    period = _period(record, one.start, one.condition_end)
    if period is not None:
        alert["occurrencePeriod"] = period
    return {key: value for key, value in alert.items() if value != ""}


def _concept(name: str, code: str) -> Json:
    return {"coding": [{"system": f"http://hl7.org/fhir/devicealert-{name}", "code": code}]}
