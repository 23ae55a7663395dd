"""Recordings as streams: one after the other, on several cores, on a screen, or as an archive.

`batch` replays files, `player` shows one on a screen with a play-head, `archive` judges whole
folders on many machines. All use the runner and the pipeline that live sessions use.
"""
