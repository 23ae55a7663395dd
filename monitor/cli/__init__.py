"""The commands of ``apexbeat``, one file each; the only place that prints and exits.

Heavy imports stay inside the commands, so that ``--help`` is fast.
"""
