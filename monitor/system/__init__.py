"""Files, locks and processes as the operating system gives them; known by every room, knows none.

Callable from any thread. What may hang (a disk, a child process) says so.
"""
