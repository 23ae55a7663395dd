"""What leaves the machine: MQTT, Home Assistant, webhooks, commands, metrics. Off by default.

`publisher` is the one entrance, called on the analysis thread; each way out has a thread and a
bounded queue of its own, so no network holds up the monitoring. `beds` is the ward's side.
"""
