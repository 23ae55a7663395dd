"""A whole monitor for tests of faults: supervisor and core as processes, and a screen's link to it.

Everything is the product; nothing is stood in for but the microphone (a phantom heart).
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from waiting import PATIENCE_S

from monitor import events as ev
from monitor.clock import SystemClock
from monitor.errors import ApexbeatError
from monitor.link.address import address_of
from monitor.link.client import Client, Gone
from monitor.link.messages import EventLine, FromCore, Hello, Reply, Snapshot, Status


class Monitor:
    """``apexbeat live --headless`` on a store.

    Parameters
    ----------
    store
        Folder, made if need be.
    runtime
        Folder for the socket.
    options
        Further options of the command; a phantom is listened to unless they name a source.
    environment
        Variables of its processes, besides those of this one.
    """

    def __init__(
        self,
        store: Path,
        runtime: Path,
        *options: str,
        phantom: str = "fast",
        environment: Mapping[str, str] | None = None,
    ) -> None:
        named = "--device" in options
        self.store, self.options = store, (*options, *(() if named else ("--phantom", phantom)))
        self.runtime = runtime
        own = {"XDG_RUNTIME_DIR": str(runtime), "OMP_NUM_THREADS": "1"}
        self.env = {**os.environ, **(environment or {}), **own}
        self.process = self._start()
        self._client: Client | None = None
        self.pid = 0
        self.hello: Hello | None = None
        self.session = ""
        self.status: Status | None = None
        self.lines: list[ev.Event] = []
        self.replies: list[Reply] = []
        self.errors = ""
        """What was said on standard error, once it has ended."""

    def _start(self) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "monitor.cli.main", "live", "--headless",
             "--store", str(self.store), *self.options],
            env=self.env, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True,
        )  # fmt: skip

    # ------------------------------------------------------------ the link

    def attach(self, other_than: int = 0, orphan: bool = False) -> Monitor:
        """Connect to its core, one with another process number if asked for.

        Parameters
        ----------
        orphan
            The process that we started has ended, and another supervisor took over.
        """
        self.detach()
        end_s = time.monotonic() + PATIENCE_S
        while time.monotonic() < end_s:
            with contextlib.suppress(ApexbeatError, Gone, OSError), contextlib.ExitStack() as stack:
                client = Client.connect(self.address, "screen", waves=False, clock=SystemClock())
                stack.callback(client.close)
                hello = client.receive(5)
                if isinstance(hello, Hello) and hello.pid != other_than:
                    stack.pop_all()
                    self._client, self.hello, self.pid = client, hello, hello.pid
                    self.replies.clear()  # each connection counts its requests anew
                    self.session = hello.sessions[0]
                    return self
            if self.process.poll() is not None and not orphan:
                raise AssertionError(f"it ended: {self.process.communicate()[1]}")
            time.sleep(0.05)
        raise AssertionError("no core came up")

    @property
    def address(self) -> Path:
        """Its socket, as whoever knows its environment finds it."""
        before = os.environ.get("XDG_RUNTIME_DIR")
        os.environ["XDG_RUNTIME_DIR"] = str(self.runtime)
        try:
            return address_of(self.store)
        finally:
            if before is None:
                del os.environ["XDG_RUNTIME_DIR"]
            else:
                os.environ["XDG_RUNTIME_DIR"] = before

    def detach(self) -> None:
        """Leave the link."""
        if self._client is not None:
            self._client.close()
            self._client = None

    def until(self, what: Callable[[Monitor], bool], why: str = "") -> Monitor:
        """Listen until something holds."""
        end_s = time.monotonic() + PATIENCE_S
        while not what(self):
            if time.monotonic() > end_s:
                raise AssertionError(f"not in time: {why}; {self.status}")
            assert self._client is not None
            self._take(self._client.receive(0.2))
        return self

    def ask(self, what: str, session: str | None = None, **fields: object) -> int:
        """Ask for something; the number of the answer to come."""
        assert self._client is not None
        where = self.session if session is None else session
        return self._client.request(where, what, **fields)

    def answer(self, number: int) -> Reply:
        """Wait for an answer."""
        self.until(lambda m: any(r.id == number for r in m.replies), f"answer {number}")
        return next(reply for reply in self.replies if reply.id == number)

    def has_alarm(self, kind: str) -> bool:
        """Whether the last status shows an alarm."""
        shown = [] if self.status is None else self.status.alarms
        return any(
            line.kind == kind and line.state in ("active", "acknowledged", "latched")
            for line in shown
        )

    def analyses(self) -> Monitor:
        """Wait until analysis has gone on for a second of sound from here."""
        self.until(lambda m: m.status is not None)
        assert self.status is not None
        first = self.status.index
        return self.until(lambda m: m.status is not None and m.status.index > first + 2000)

    def _take(self, message: FromCore | None) -> None:
        if isinstance(message, Snapshot):
            self.status = message.status
        elif isinstance(message, Status):
            self.status = message
        elif isinstance(message, EventLine):
            self.lines.append(message.event)
        elif isinstance(message, Reply):
            self.replies.append(message)

    # ------------------------------------------------------------ the processes

    def kill_core(self) -> int:
        """Kill the core; its process number."""
        os.kill(self.pid, signal.SIGKILL)
        return self.pid

    def stop(self) -> int:
        """End it as a screen does; the exit code."""
        self.ask("stop")
        with contextlib.suppress(Gone):
            self.until(lambda _: False)
        return self.end()

    def end(self) -> int:
        """End it in order; the exit code."""
        self.detach()
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGCONT)
            self.process.terminate()
        try:
            _, self.errors = self.process.communicate(timeout=PATIENCE_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.communicate()
            raise
        return self.process.returncode


@contextlib.contextmanager
def monitor(
    folder: Path,
    *options: str,
    store: Path | None = None,
    phantom: str = "fast",
    environment: Mapping[str, str] | None = None,
) -> Iterator[Monitor]:
    """A monitor that runs, with a screen attached; nothing of it is left afterwards."""
    with tempfile.TemporaryDirectory(prefix="run-") as runtime:  # a socket's name must be short
        one = Monitor(
            store or folder / "store", Path(runtime), *options,
            phantom=phantom, environment=environment,
        )  # fmt: skip
        try:
            yield one.attach()
        finally:
            one.detach()
            _end_all(one)


def _end_all(one: Monitor) -> None:
    with contextlib.suppress(ProcessLookupError):
        one.process.send_signal(signal.SIGCONT)
    one.process.terminate()
    try:
        one.process.communicate(timeout=30)
    except subprocess.TimeoutExpired:
        one.process.kill()
        one.process.communicate()
    for pid in of_store(one.store):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def of_store(store: Path) -> list[int]:
    """Processes of ours whose lock, log or socket is of this store, by what they have open."""
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        with contextlib.suppress(OSError):
            words = (entry / "cmdline").read_bytes().decode("utf-8", "replace")
            if "monitor." not in words:
                continue
            for handle in (entry / "fd").iterdir():
                with contextlib.suppress(OSError):
                    if str(store) + "/" in os.readlink(handle):
                        found.append(int(entry.name))
                        break
    return found


class Mounted:
    """A file system of its own, where root allows.

    Parameters
    ----------
    folder
        Where it is mounted; made.
    size
        In MB.
    kind
        ``tmpfs``, or ``ext4`` on a loop device (which can be frozen).
    """

    def __init__(self, folder: Path, size: int, kind: str = "tmpfs") -> None:
        self.folder, self.kind = folder, kind
        folder.mkdir()
        if kind == "tmpfs":
            _run("mount", "-t", "tmpfs", "-o", f"size={size}m,mode=0700", "tmpfs", str(folder))
            return
        image = folder.with_name(folder.name + ".img")
        with image.open("wb") as file:
            file.truncate(size * 2**20)
        _run("mkfs.ext4", "-q", "-m", "0", str(image))
        _run("mount", "-o", "loop", str(image), str(folder))
        folder.chmod(0o700)

    def make_read_only(self) -> None:
        """As the kernel does after an error of the disk, also under who has files open (ext4)."""
        _run("mount", "-o", "remount,abort", str(self.folder))

    def freeze(self) -> None:
        """Whoever writes, waits."""
        _run("fsfreeze", "-f", str(self.folder))

    def thaw(self) -> None:
        """They go on."""
        _run("fsfreeze", "-u", str(self.folder))

    def close(self) -> None:
        """Take it away."""
        _run("umount", "-l", str(self.folder))


def cannot_mount(kind: str = "tmpfs") -> str:
    """Why no file system can be mounted here; empty if one can."""
    if os.name == "nt" or os.geteuid() != 0:
        return "mounting a file system needs root"
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        try:
            mounted = Mounted(Path(folder) / "m", 16, kind)
            if kind == "ext4":
                mounted.freeze()
                mounted.thaw()
            mounted.close()
        except (OSError, subprocess.CalledProcessError) as error:
            return f"no {kind} can be mounted here: {error}"
    return ""


def _run(*words: str) -> None:
    subprocess.run(words, check=True, capture_output=True, timeout=60)
