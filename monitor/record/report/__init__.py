"""One session as one HTML page that needs nothing else."""
