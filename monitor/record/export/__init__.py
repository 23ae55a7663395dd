"""Sessions in the formats of other programs: CSV, EDF+, FHIR, JSON lines, WFDB.

A format is one module that turns a `model.Record` into files; `open` names them all, `model` makes
a record from an event file, `stored` from the store, and `write` puts files in place whole or not
at all. It runs in the process of a command, never in a core; it decides nothing and reads no sound
but what a session kept.
"""
