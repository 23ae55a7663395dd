"""The panels of the main screen, and what they are drawn with. Drawn on the screen's own thread."""
