"""The screen on a real pseudo-terminal: starts, leaves clean on signals, refuses what is none."""

from __future__ import annotations

import contextlib
import fcntl
import os
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from pathlib import Path

import pexpect
import pytest

from monitor.tui.app import SEEN_S

SUPPORT = Path(__file__).parents[1] / "support"
PROGRAM = """
import pathlib, sys
from monitor.errors import ApexbeatError
from monitor.tui.app import run
try:
    sys.exit(run(pathlib.Path(sys.argv[1])))
except ApexbeatError as error:
    print("apexbeat:", error, file=sys.stderr)
    sys.exit(error.exit_code)
"""
FAILING = PROGRAM.replace(
    "try:",
    "from monitor.tui.screens.main import MainScreen\n"
    "def fail(self): raise RuntimeError('panel broken')\n"
    "MainScreen.advance = fail\n"
    "try:",
)
STUCK = PROGRAM.replace(
    "try:",
    "from textual.drivers._writer_thread import WriterThread\n"
    "put = WriterThread.write\n"
    "def write(self, text):\n"
    "    if self._queue.full(): open(MARKER, 'w').close()\n"
    "    put(self, text)\n"
    "WriterThread.write = write\n"
    "try:",
)
NOISY = """
import os, pathlib, sys
from monitor.tui import terminal
class App:
    def leave(self, code): pass
    def run(self):
        os.write(2, b"noise of a library\\n")
        sys.__stderr__.write("the picture")
        return 0
code = terminal.run(lambda glyphs: App(), pathlib.Path(sys.argv[1]).parent / "screen.log")
print("after", code, file=sys.stderr)
"""


@pytest.fixture
def core(tmp_path: Path) -> Iterator[Path]:
    """A core that plays at the pace of life; gives its address."""
    address = tmp_path / "core.sock"
    process = subprocess.Popen(
        [sys.executable, str(SUPPORT / "scene_core.py"), str(address), "alarm"]
    )
    yield address
    process.terminate()
    process.wait(10)


def spawn(
    address: Path, program: str = PROGRAM, rows: int = 34, columns: int = 100, **environment: str
) -> pexpect.spawn[bytes]:
    """The screen on a pseudo-terminal."""
    plain = {k: v for k, v in os.environ.items() if k not in {"LC_ALL", "LC_CTYPE", "NO_COLOR"}}
    env = {**plain, "TERM": "xterm-256color", "LANG": "C.UTF-8", **environment}
    arguments = ["-c", program, str(address)]
    return pexpect.spawn(sys.executable, arguments, env=env, dimensions=(rows, columns), timeout=30)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_leaves_the_terminal_as_it_was(core: Path, number: signal.Signals) -> None:
    child = spawn(core)
    before = termios.tcgetattr(child.child_fd)
    child.expect("abnormal heart sound")
    assert not termios.tcgetattr(child.child_fd)[3] & termios.ECHO
    child.kill(number)
    child.expect(pexpect.EOF)
    assert b"\x1b[?1049l" in child.before  # the alternate screen is left
    assert b"\x1b[?25h" in child.before  # the cursor is back
    child.close()
    assert child.exitstatus == 130
    assert before[3] & termios.ECHO


def leave(child: pexpect.spawn) -> None:
    """Leave the screen as a person does."""
    child.send("q")
    child.expect("LEAVE THE SCREEN")
    child.send("k")
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 0


def test_keys_work_on_a_real_terminal_and_q_leaves_with_zero(core: Path) -> None:
    child = spawn(core)
    child.expect("abnormal heart sound")
    time.sleep(2 * SEEN_S)  # a person looks first
    child.send("a")
    child.expect("acknowledged")
    leave(child)


def test_a_terminal_that_knows_no_size_gets_one_and_is_not_drawn_without_end(core: Path) -> None:
    child = spawn(core, rows=0, columns=0)
    child.expect("abnormal heart sound")
    assert child.getwinsize() == (24, 80)
    drawn = 0
    end_s = time.monotonic() + 2 * SEEN_S
    while time.monotonic() < end_s:
        with contextlib.suppress(pexpect.TIMEOUT):
            drawn += child.read_nonblocking(65536, timeout=0.1).count(b"\x1b[1;1H")
    assert drawn < 100  # with each beat that is drawn; without a size it was 250 in a second
    leave(child)


def test_a_terminal_that_nobody_reads_does_not_keep_the_screen_from_leaving(core: Path) -> None:
    stuck = core.parent / "stuck"
    child = spawn(core, STUCK.replace("MARKER", repr(str(stuck))), rows=60, columns=200)
    while not stuck.exists():
        assert child.isalive()
        time.sleep(0.05)
    child.kill(signal.SIGTERM)
    child.ptyproc.wait()  # nothing is read until the process has gone by itself
    assert child.ptyproc.exitstatus == 130


def test_a_terminal_that_is_closed_ends_the_screen_as_a_hang_up(core: Path) -> None:
    child = spawn(core)
    child.expect("abnormal heart sound")
    os.close(child.child_fd)
    _, status = os.waitpid(child.pid, 0)
    assert os.waitstatus_to_exitcode(status) == 130


def test_a_closed_terminal_that_is_not_ours_ends_the_screen_too(core: Path) -> None:
    master, slave = os.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 34, 100, 0, 0))
    screen = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(core)],
        stdin=slave, stdout=slave, stderr=slave, start_new_session=True,
        env={**os.environ, "TERM": "xterm-256color", "LANG": "C.UTF-8"},
    )  # fmt: skip
    os.close(slave)
    drawn = b""
    while b"abnormal heart sound" not in drawn:
        drawn += os.read(master, 65_536)
    os.close(master)  # no SIGHUP comes: it is nobody's controlling terminal
    assert screen.wait(30) == 130


@pytest.mark.parametrize("term", ["dumb", ""])
def test_a_terminal_that_cannot_move_its_cursor_is_refused_in_one_line(
    tmp_path: Path, term: str
) -> None:
    child = spawn(tmp_path / "core.sock", TERM=term)
    child.expect(pexpect.EOF)
    assert child.before.startswith(b"apexbeat: this terminal cannot show a screen (TERM is ")
    assert child.before.count(b"\n") == 1
    child.close()
    assert child.exitstatus == 2


def test_no_terminal_is_refused_in_one_line(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(tmp_path / "core.sock")],
        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60,
        env={**os.environ, "TERM": "xterm"},
    )  # fmt: skip
    assert done.returncode == 2
    assert done.stderr.startswith("apexbeat: the screen needs a terminal to read keys from")
    assert done.stderr.count("\n") == 1
    assert done.stdout == ""


def test_what_libraries_write_to_descriptor_2_goes_to_the_log(tmp_path: Path) -> None:
    child = spawn(tmp_path / "core.sock", NOISY)
    child.expect(pexpect.EOF)
    assert b"noise" not in child.before
    assert b"the picture" in child.before
    assert b"after 0" in child.before
    assert (tmp_path / "screen.log").read_text() == "noise of a library\n"


def test_a_screen_that_fails_says_so_in_one_line_and_keeps_the_trace(tmp_path: Path) -> None:
    child = spawn(tmp_path / "core.sock", FAILING)
    child.expect(pexpect.EOF)
    after = child.before.rpartition(b"\x1b[?1004l")[2]
    assert b"the screen failed (RuntimeError: panel broken), the monitoring goes on" in after
    assert after.strip(b"\r\n").count(b"\n") == 0
    assert "panel broken" in (tmp_path / "screen.log").read_text()
    child.close()
    assert child.exitstatus == 1


def test_a_latin_terminal_gets_ascii_only(core: Path) -> None:
    child = spawn(core, LC_ALL="C")
    child.expect("abnormal heart sound")
    child.kill(signal.SIGTERM)
    seen = child.before
    child.expect(pexpect.EOF)
    assert (seen + child.before).isascii()


def test_the_core_side_of_the_package_loads_no_screen_library() -> None:
    code = (
        "import sys, monitor.tui, monitor.tui.widgets.glyphs;"
        "import monitor.tui.terminal, monitor.tui.state;"
        "assert 'textual' not in sys.modules, 'textual'"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_the_screen_loads_nothing_of_the_product_but_link_and_events() -> None:
    code = (
        "import sys, monitor.tui.app, monitor.tui.terminal;"
        "own = {m.split('.')[1] for m in sys.modules if m.startswith('monitor.')};"
        "assert own <= {'tui', 'link', 'events', 'errors', 'clock', 'text', 'alarms',"
        " 'loudness', 'playing', 'system'}, own;"
        "dsp = {m for m in sys.modules if m.startswith('dsp.')};"
        "assert dsp <= {'dsp.cycles', 'dsp.cycles.matching'}, dsp;"
        "other = {'torch', 'scipy', 'sounddevice', 'soundfile'} & set(sys.modules);"
        "assert not other, other"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


EXAMINING = PROGRAM.replace(
    "sys.exit(run(pathlib.Path(sys.argv[1])))",
    "from monitor.tui.helpers import Helpers\n"
    "    # A wait in short steps: an interrupt just before a read would be seen after it only.\n"
    "    code = \"import sys, time; print('who', sys.argv[1:], flush=True)\\n\"\n"
    '    code += "while True: time.sleep(0.05)"\n'
    "    words = lambda *about: [sys.executable, '-c', code, *about]\n"
    "    sys.exit(run(pathlib.Path(sys.argv[1]), helpers=Helpers(examine=words)))",
)


def test_n_gives_the_terminal_to_an_examination_and_comes_back(core: Path) -> None:
    child = spawn(core, EXAMINING)
    child.expect("abnormal heart sound")
    child.send("n")
    child.expect(r"\x1b\[\?1049l")  # the alternate screen is left
    child.expect("who .'live', '[^']+', 'adult'.")
    assert termios.tcgetattr(child.child_fd)[3] & termios.ECHO
    child.sendline("typed into the examination")
    child.sendintr()  # ends the examination, and not the screen
    child.expect("Enter goes back to the screen")
    assert b"abnormal heart sound" not in child.before  # nothing is drawn over it
    child.sendline("")
    child.expect(r"\x1b\[\?1049h")
    child.expect("abnormal heart sound")
    leave(child)
