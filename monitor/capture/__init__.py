"""Sound comes in: devices, files, and the ledger of what was heard and what was not.

A driver's callback fills a ring; the analysis thread takes blocks and booked gaps from it and
never waits. Calls that may hang run on threads that can be abandoned. Knows nothing of analysis.
"""
