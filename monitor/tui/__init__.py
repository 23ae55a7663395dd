"""The screen. It knows the link and the events, nothing else of the product.

======================  ==========================================================
``app``                 the program; ``run`` is the entry of live and attach. ``base``
                        is what it shares with the ward and the first start
``terminal``            the terminal around it: alphabet, descriptors, signals
``connection``          the screen's end of the link; ``requests`` what is unanswered
``state``               what is known and what may still be shown; with ``waves``,
                        ``series`` and ``alarmbook`` as its stores. No Textual there
``screens``             the main screen, the log, and the dialogs
``widgets``             one panel each, as a pure function from state to lines, with
                        the alphabet and the colours
``actions`` ``keys``    what keys do, and what they are called
``ward``                the beds of one broker on one screen
``first_start``         leads to a source where nothing was chosen yet
======================  ==========================================================
"""
