"""A session in the formats of other programs: CSV, EDF+, FHIR, JSON lines, WFDB.

A format is one module that turns a `model.Record` into files. `open` finds what a user calls a
session, in an event file or, by `stored`, in the store; `write` makes any format, whole or not at
all. This runs in the process of a command, never in a core, and decides nothing.
"""
