"""The screen in a browser: a small web server that draws `monitor.tui` for whoever has the link.

==============  ==================================================================
``server``      listens, guards, and serves the page; ``serve`` runs it
``guard``       who may come in: token, Host, Origin, how many
``window``      one browser: a process of the screen, and what goes to and fro
``job``         what to serve, as the command says it and as the process reads it
``page/``       the page around xterm.js (which textual-serve brings)
==============  ==================================================================

``python -m monitor.web`` is that server as a process beside a monitor.
"""
