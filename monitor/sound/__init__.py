"""Sound goes out: alarm tones, the heart on a loudspeaker, clips.

Each output has a thread or process of its own, since an audio library may hang. The supervisor
sounds alarms from here; screens start listening and clips as processes.
"""

HEARD = "the sound is heard again"
"""Said by what plays the heart, after it has said why it cannot."""
