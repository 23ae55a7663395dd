"""The systems of the seed paper: its protocol, networks and tables, beside our figures."""
