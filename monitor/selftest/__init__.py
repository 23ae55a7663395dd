"""Self-tests: the installation, every alarm, and the device on a chest.

Called by ``apexbeat selftest`` and the first start, on the calling thread.
"""
