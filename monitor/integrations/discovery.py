"""What Home Assistant is told of a bed, so that it shows it without being configured.

Retained messages under its discovery topic, one for each entity, after its documentation "MQTT
Discovery". Values vanish (`expire_after`) when a bed says nothing; numbers that are not known are
said as ``None``, which Home Assistant shows as unknown.
"""

from __future__ import annotations

from typing import Any

import msgspec

from monitor.integrations.identity import Bed
from monitor.integrations.messages import OFFLINE, ONLINE, topic

EXPIRE_S = 15

_SENSORS: tuple[tuple[str, str, dict[str, Any]], ...] = (
    ("rate", "Heart rate",
     {"unit_of_measurement": "bpm", "state_class": "measurement", "icon": "mdi:heart-pulse",
      "suggested_display_precision": 0}),
    ("verdict", "Heart sound", {"icon": "mdi:stethoscope"}),
    ("quality", "Signal quality", {"icon": "mdi:waveform"}),
    ("priority", "Alarm priority", {"icon": "mdi:bell"}),
)  # fmt: skip


def configs(root: str, prefix: str, bed: Bed, host: str) -> list[tuple[str, bytes]]:
    """Topics and bodies of the entities of one bed.

    Parameters
    ----------
    root
        Discovery topic, usually ``homeassistant``.
    host
        Bed whose availability speaks for this one.
    """
    found = []
    for name, words, more in _SENSORS:
        template = f"{{{{ value_json.{name} }}}}"
        body = _common(prefix, bed, host, "sensor", name, words) | more
        body |= {"value_template": template}
        found.append((f"{root}/sensor/apexbeat_{bed.id}/{name}/config", msgspec.json.encode(body)))
    problem = _common(prefix, bed, host, "binary_sensor", "alarm", "Alarm") | {
        "device_class": "problem",
        "value_template": "{{ 'OFF' if value_json.priority == 'none' else 'ON' }}",
    }
    where = f"{root}/binary_sensor/apexbeat_{bed.id}/alarm/config"
    return [*found, (where, msgspec.json.encode(problem))]


def _common(prefix: str, bed: Bed, host: str, domain: str, name: str, words: str) -> dict[str, Any]:
    entity = f"apexbeat_{bed.id}_{name}".replace("-", "_")
    return {
        "name": words,
        "unique_id": f"apexbeat_{bed.id}_{name}",
        "default_entity_id": f"{domain}.{entity}",
        "state_topic": topic(prefix, bed.id, "state"),
        "availability_topic": topic(prefix, host, "availability"),
        "payload_available": ONLINE,
        "payload_not_available": OFFLINE,
        "expire_after": EXPIRE_S,
        "device": {
            "identifiers": [f"apexbeat_{bed.id}"],
            "name": f"Apexbeat {bed.name}",
            "manufacturer": "Apexbeat",
            "model": "Heart-sound monitor (research, not a medical device)",
        },
        "origin": {"name": "apexbeat"},
    }
