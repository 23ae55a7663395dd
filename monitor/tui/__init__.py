"""The screen. It knows the link and the events, nothing else of the product.

======================  ==========================================================
``app``                 the program; ``run`` is the entry of live and attach
``terminal``            the terminal around it: alphabet, descriptors, signals
``connection``          the screen's end of the link; ``requests`` what is unanswered
``state``               what is known and what may still be shown; with ``waves``,
                        ``series`` and ``alarmbook`` as its stores. No Textual there
``main_screen``         the panels at each size; ``actions`` and ``keys`` what keys do
``title banner rate     one panel each, as a pure function from state to lines
verdict signal wave
spectrogram trend
alarms silence brief
replay_bar``
``panel``               the widget that draws lines; ``theme`` and the style sheet
``log_screen …``        the other screens and dialogs
======================  ==========================================================
"""
