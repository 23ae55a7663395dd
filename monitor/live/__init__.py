"""The core of live monitoring: sessions from devices to record, link and integrations.

`core` is the process; one analysis thread runs every session in turn and never waits for disk,
network or device. Requests of screens are put into its inbox and run there.
"""
