"""The record of live sessions: SQLite store, clips, retention, and what is made from it.

One writer thread per store; nobody who records waits for the disk. Reports and exports read
only. Replays write event files from here and open no store.
"""
