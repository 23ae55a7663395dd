"""Signal quality: samples, fit and figures; ``python -m training.quality`` makes its table."""
