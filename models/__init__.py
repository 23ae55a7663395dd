"""The network and everything around its file: contract, engines, front end.

Opened and checked here before anything is judged with it. Knows torch and numpy; nothing of the
monitor. Engines may be shared by threads that call them one at a time.
"""
