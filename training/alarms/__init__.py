"""Alarms measured: held-out recordings as long streams, false alarms, rules chosen by limit."""
