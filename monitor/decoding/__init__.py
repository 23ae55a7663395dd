"""Files and streams of sound as frames: whatever the format, one way to read it.

`monitor.decoding.opening.open_decoder` looks at the first bytes and hands the file to the module
of its family. Nothing here knows a pipeline, a clock or an event: ``capture.files`` makes a source
of it, ``record`` reads the sound of a session with it. Called from the thread that reads.
"""
