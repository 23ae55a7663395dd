"""The link between a core and its screens: messages, frames, a UNIX socket.

The server runs on a thread of its own and never waits for a client; the newest status replaces an
unsent one, an alarm is never dropped. Used by cores, supervisors, screens and replays.
"""
