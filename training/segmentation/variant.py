"""Which configuration of the fit is the present one, for commands that load nothing else."""

VARIANT = "v5"
"""Name of the present configuration; changed whenever features, network or training change."""

STEPS = 8000
"""Of a fit."""
