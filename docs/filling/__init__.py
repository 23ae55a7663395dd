"""What ``docs/fill.py`` fills the marked blocks with."""
