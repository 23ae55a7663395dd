"""The screen of a ward: the beds that report to a broker, alarms first. It only shows."""
