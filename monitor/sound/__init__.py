"""Sound goes out: alarm tones, the heart on a loudspeaker, clips.

Each output has a thread or process of its own, since an audio library may hang. The supervisor
sounds alarms from here; screens start listening and clips as processes.
"""
