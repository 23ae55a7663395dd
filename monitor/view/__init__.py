"""What a screen is told of a stream, live or replayed: status, alarm lines, recent history.

Filled on the analysis thread of a core, or by the look-ahead of a replay; messages of the link
come out. Knows nothing of the screen itself.
"""
