"""Heart cycles: S1, systole, S2 and diastole from filtered sound, as it comes.

A learned emission and a duration-aware hidden Markov model; `decoder` is the entrance. Training
fits the parameters and ships them in ``models/shipped``.
"""
