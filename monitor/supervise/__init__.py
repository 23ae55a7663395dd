"""The supervisor: keeps a core alive and sounds its alarms. Small, without torch or scipy.

A process of its own that starts the core, watches it over the link, and starts it again. `launch`
is called by the commands; `job` is what supervisor and core say to each other at the start.
"""
