"""Alarms as everybody speaks of them: the table of what is raised, and their occurrences.

`table` is the single source of titles, priorities and remedies; `episodes` folds transitions into
occurrences. Pure. The engine that decides is in `monitor.analysis`.
"""
