"""A microphone through PortAudio. Every call here may hang; the caller runs them as attempts.

The callback notes flags and hands its buffer to the port, which copies it. PortAudio's list of
devices is frozen until the library is initialised anew, which ends every stream of the process:
the others are told, and open again by themselves.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable
from typing import Any, Literal

from monitor.capture.attempt import AbandonableCall
from monitor.capture.devices import Device, choose, from_portaudio
from monitor.capture.driver import CaptureSink
from monitor.capture.ring import Int16Array
from monitor.capture.route import PulseRouteWatcher, RecordingStream, ask
from monitor.clock import SystemClock
from monitor.errors import DeviceError

BLOCK_S = 0.02
LATENCY_S = 0.2
"""Asked of the device: its buffer must outlast a pause of this process."""

MANY = 2
"""A device with more channels than this is opened with one."""

_library = threading.Lock()
_open_ports: list[CaptureSink] = []


def list_devices(limit_s: float) -> list[Device]:
    """Input devices of the system.

    Raises
    ------
    DeviceError
        If PortAudio is missing or does not answer within ``limit_s``.
    """
    attempt = AbandonableCall(_list, lambda _: None, SystemClock().monotonic())
    if not attempt.wait(limit_s):
        attempt.abandon()
        raise DeviceError("the sound system does not answer", "restart the sound server")
    return attempt.result()


def find(wanted: str, limit_s: float, rate_hz: int = 0, channels: int = 0) -> Microphone:
    """The microphone that ``wanted`` names (see `devices.choose`).

    Raises
    ------
    DeviceError, UsageError
        If none or several fit.
    """
    device = choose(list_devices(limit_s), wanted)
    return Microphone(device.identity, device.name, rate_hz, channels)


def fresh_devices() -> list[Device]:
    """Input devices as they are now; ends every stream of this process.

    Raises
    ------
    DeviceError
        If PortAudio is missing or fails.
    """
    with _library:
        _initialise_anew(others_too=True)
        return _devices()


def record(device: Device, take: Callable[[Int16Array], None]) -> Callable[[], None]:
    """Pass the sound of a device to ``take``, outside any session; return a function that stops it.

    Raises
    ------
    DeviceError
        If it is in use or refuses.
    """
    sd = _portaudio()
    channels = device.channels if device.channels <= MANY else 1

    def callback(frames: Int16Array, _count: int, _time: Any, _status: Any) -> None:
        take(frames)

    try:
        stream = sd.InputStream(
            device=device.index, samplerate=device.rate_hz, channels=channels, dtype="int16",
            latency=LATENCY_S, callback=callback,
        )  # fmt: skip
        stream.start()
    except (sd.PortAudioError, ValueError) as error:
        raise DeviceError(_words(error)) from None

    def close() -> None:
        with contextlib.suppress(sd.PortAudioError):  # it is gone already
            stream.close()

    return close


class Microphone:
    """One input device, pinned by its identity.

    Parameters
    ----------
    identity
        Of the device; after an ``@`` the sound server's source that it was first fed from.
    name
        For people.
    rate_hz, channels
        To open it with, 0 for its own.
    """

    kind: Literal["live", "phantom"] = "live"

    def __init__(self, identity: str, name: str = "", rate_hz: int = 0, channels: int = 0) -> None:
        self._identity, _, self._pinned = identity.partition("@")
        self.name = name or self._identity.partition(":")[2]
        self._rate_hz, self._channels = rate_hz, channels
        self._index = 0
        self._tries = 0

    @property
    def identity(self) -> str:
        """What a later core needs to find the same device again."""
        return f"{self._identity}@{self._pinned}" if self._pinned else self._identity

    def resolve(self) -> tuple[int, int]:
        """Find the device in a fresh list; its rate and channels."""
        with _library:
            self._tries += 1
            if self._tries > 1:
                _initialise_anew(self._tries > 2)
            devices = _devices()
        found = [device for device in devices if device.identity == self._identity]
        if not found:
            raise DeviceError(f"{self.name}: not connected", "plug it in again")
        device = found[0]
        self._index = device.index
        own = device.channels if device.channels <= MANY else 1
        return self._rate_hz or device.rate_hz, self._channels or own

    def open(self, port: CaptureSink) -> _Recording:
        """Open and start the stream found by `resolve`."""
        sd = _portaudio()
        with _library:
            before = {fed.number for fed in ask() or []}
            try:
                stream = sd.InputStream(
                    device=self._index,
                    samplerate=port.rate_hz,
                    channels=port.channels,
                    dtype="int16",
                    blocksize=round(port.rate_hz * BLOCK_S),
                    latency=LATENCY_S,
                    callback=_callback(port),
                    finished_callback=lambda: port.end("the stream ended"),
                )
                stream.start()
            except (sd.PortAudioError, ValueError) as error:
                raise DeviceError(f"{self.name}: {_words(error)}", "is it in use?") from None
            _open_ports.append(port)
            mine = [fed for fed in ask() or [] if fed.number not in before]
        self._tries = 1
        try:
            return _Recording(stream, port, self._route(mine))
        except DeviceError:
            _Recording(stream, port, None).close()
            raise

    def _route(self, mine: list[RecordingStream]) -> PulseRouteWatcher | None:
        """Pin the source of the stream, or see that it is the pinned one."""
        if len(mine) != 1:
            return None
        [fed] = mine
        if self._pinned and fed.source != self._pinned:
            raise DeviceError(
                f"{self.name}: the system offers {fed.source} in its place", "plug it in again"
            )
        self._pinned = fed.source
        return PulseRouteWatcher(fed.number, fed.source)


class _Recording:
    def __init__(self, stream: Any, port: CaptureSink, route: PulseRouteWatcher | None) -> None:
        self._stream, self._port, self._route = stream, port, route

    def moved(self) -> str | None:
        return None if self._route is None else self._route.moved

    def close(self) -> None:
        self._port.live = False
        if self._route is not None:
            self._route.close()
        with contextlib.suppress(ValueError):
            _open_ports.remove(self._port)
        sd = _portaudio()
        with contextlib.suppress(sd.PortAudioError):  # it is gone already
            self._stream.abort()
        with contextlib.suppress(sd.PortAudioError):
            self._stream.close()


def _callback(port: CaptureSink) -> Any:
    def callback(frames: Int16Array, _count: int, _time: Any, status: Any) -> None:
        flags = ("input_overflow",) if status and status.input_overflow else ()
        port.deliver(frames, flags)

    return callback


def _portaudio() -> Any:
    try:
        import sounddevice
    except OSError:
        raise DeviceError(
            "PortAudio is not installed", "install it (Debian: apt install libportaudio2)"
        ) from None
    return sounddevice


def _list() -> list[Device]:
    _portaudio()
    with _library:
        return _devices()


def _devices() -> list[Device]:
    sd = _portaudio()
    try:
        default = sd.default.device[0]
        return from_portaudio(list(sd.query_devices()), list(sd.query_hostapis()), default)
    except sd.PortAudioError as error:
        raise DeviceError(f"the sound system fails: {_words(error)}") from None


def _initialise_anew(others_too: bool) -> None:
    """Make PortAudio look for devices again; ends every stream of this process."""
    if any(port.live for port in _open_ports) and not others_too:
        return
    for port in _open_ports:
        port.end("the audio library was started anew")
    _open_ports.clear()
    sd = _portaudio()
    with contextlib.suppress(sd.PortAudioError):
        sd._terminate()
    try:
        sd._initialize()
    except sd.PortAudioError as error:
        raise DeviceError(f"the sound system fails: {_words(error)}") from None


def _words(error: Exception) -> str:
    text = str(error.args[0]) if error.args else type(error).__name__
    return " ".join(text.split())
