"""The signal path: from sound at any rate to filtered sound, heart cycles, quality and windows.

Pure streaming stages on numpy and scipy: each says its delay, gives the same bits however the
input is cut, and never changes what it returned. Phantoms (synthetic hearts with their truth)
are made here too. Called by the analysis and by training; no files, threads or devices.
"""
