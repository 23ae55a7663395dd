"""One stream: inputs go through a pipeline, and what comes out goes to sinks.

Live sessions and replays both run on it. A sink sees every input before the pipeline does and
every output after; it is closed at the end of the stream, or told to abort when that fails.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from monitor.analysis.pipeline import Pipeline
from monitor.events import Input, Output


class StreamSink:
    """Takes what a stream is given and what it gives out; each method does nothing by default."""

    def input(self, item: Input) -> None:
        """The stream is about to be given ``item``."""

    def output(self, output: Output) -> None:
        """The stream gave this out."""

    def close(self) -> None:
        """The stream ended in order."""

    def abort(self) -> None:
        """The stream failed or was interrupted: leave nothing half-done."""


class StreamRunner:
    """A pipeline and its sinks.

    Parameters
    ----------
    pipeline
        Of this stream; may be replaced while it runs.
    sinks
        In the order in which they are given inputs and outputs.
    """

    def __init__(self, pipeline: Pipeline, sinks: Iterable[StreamSink] = ()) -> None:
        self.pipeline = pipeline
        self.sinks = list(sinks)

    def push(self, item: Input) -> Output:
        """Give one input to the pipeline, and its output to every sink."""
        for sink in self.sinks:
            sink.input(item)
        return self._give(self.pipeline.push(item))

    def finish(self, complete: bool = True) -> Output:
        """End the stream: the last output goes to every sink, which stays open."""
        return self._give(self.pipeline.finish(complete))

    def run(self, inputs: Iterable[Input], complete: Callable[[], bool] = lambda: True) -> None:
        """Run to the end and close the sinks; if that fails, every sink aborts.

        Parameters
        ----------
        inputs
            Of the stream, in order.
        complete
            Asked at the end: whether the source was whole.

        Raises
        ------
        ApexbeatError
            Of source or sink.
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
