"""The first start: choose a device, hear yourself, place the stethoscope, self-test."""
