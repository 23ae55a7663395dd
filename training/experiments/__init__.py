"""Measurements beside the training: what chose something, or says how far something can be told."""
