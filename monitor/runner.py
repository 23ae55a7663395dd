"""Runs one stream: inputs go through a pipeline, outputs go to sinks.

Live sessions and replays both run on it. A sink sees every input before the pipeline does and
every output after; it is closed at the end of the stream, or told to abort when that fails.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from monitor.analysis.pipeline import Pipeline
from monitor.events import Input, Output


class StreamSink:
    """Receives the inputs and outputs of a stream; by default every method does nothing."""

    def input(self, item: Input) -> None:
        """Called before the pipeline gets ``item``."""

    def output(self, output: Output) -> None:
        """Called with each output of the pipeline."""

    def close(self) -> None:
        """Called once the stream has ended normally."""

    def abort(self) -> None:
        """Called if the stream fails or is interrupted: leave nothing half-written."""


class StreamRunner:
    """A pipeline and its sinks.

    Parameters
    ----------
    pipeline
        The stream's pipeline; it may be replaced while the stream runs.
    sinks
        Called in this order.
    """

    def __init__(self, pipeline: Pipeline, sinks: Iterable[StreamSink] = ()) -> None:
        self.pipeline = pipeline
        self.sinks = list(sinks)

    def push(self, item: Input) -> Output:
        """Pass one input through the pipeline, and the output to every sink."""
        for sink in self.sinks:
            sink.input(item)
        return self._give(self.pipeline.push(item))

    def finish(self, complete: bool = True) -> Output:
        """End the stream and pass the last output to every sink; the sinks stay open."""
        return self._give(self.pipeline.finish(complete))

    def run(self, inputs: Iterable[Input], complete: Callable[[], bool] = lambda: True) -> None:
        """Run to the end and close the sinks; if that fails, every sink aborts.

        Parameters
        ----------
        inputs
            The inputs of the stream, in order.
        complete
            Called at the end: whether the source was complete.

        Raises
        ------
        ApexbeatError
            If the source or a sink fails.
        """
        try:
            for item in inputs:
                self.push(item)
            self.finish(complete())
        except BaseException:  # an interrupt too must leave nothing half-written
            for sink in self.sinks:
                sink.abort()
            raise
        for sink in self.sinks:
            sink.close()

    def _give(self, output: Output) -> Output:
        for sink in self.sinks:
            sink.output(output)
        return output
