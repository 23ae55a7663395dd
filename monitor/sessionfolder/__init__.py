"""The session folder: everything a pipeline was given, so that it can be given again.

One format, one writer (a thread of its own), one reader. Written by live sessions and read by
replays, reports and exports.
"""
