"""Whole archives of recordings, judged on many cores or machines.

``result``   one line per recording, and the file of them: appended, resumed, sorted at the end
``judge``    one recording to one line, in any process
``cluster``  a Dask cluster; workers and scheduler may die
``run``      what the command calls, and the processes of this machine (see ``replay.workers``)
"""
