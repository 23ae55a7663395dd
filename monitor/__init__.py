"""The monitor: live from a stethoscope, or replayed from recordings.

`events` is the language that all rooms speak, `assembly` builds pipelines, `runner` pushes a
stream through one. The rooms and who may know whom stand in CONTRIBUTING.md.
"""
