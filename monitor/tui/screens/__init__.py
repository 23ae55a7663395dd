"""The screens and dialogs of the terminal program; each is given what it shows and may ask for."""
