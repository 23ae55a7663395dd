"""What is concluded from sound: heart cycles, quality, vitals, verdict, alarms.

Pure: inputs and a sample index in, events out; no clock, file, device or thread. One `Pipeline`
per stream, used by one thread at a time, by live sessions, replays, self-tests and training.
"""
