"""The machine is kept awake by a helper that ends with us."""

from __future__ import annotations

import subprocess
import sys

from monitor.live.sleep_inhibitor import SleepInhibitor


def test_a_helper_that_runs_holds_the_machine_awake_until_it_is_released() -> None:
    awake = SleepInhibitor(["cat"])
    helper = awake._helper
    assert helper is not None
    assert awake.refusal is None
    awake.release()
    assert helper.poll() is not None


def test_a_helper_that_is_not_there_is_said() -> None:
    awake = SleepInhibitor(["no-such-helper-anywhere"])
    assert awake.refusal == "no-such-helper-anywhere is not there"
    awake.release()


def test_a_helper_that_is_refused_is_said() -> None:
    awake = SleepInhibitor(["false"])
    assert awake._helper is not None
    awake._helper.wait(10)
    assert awake.refusal == "false was refused"
    awake.release()


def test_the_helper_ends_when_we_are_killed() -> None:
    code = (
        "import os, signal\nfrom monitor.live.sleep_inhibitor import SleepInhibitor\n"
        "a = SleepInhibitor(['cat'])\nprint(a._helper.pid, flush=True)\nos.kill(os.getpid(), 9)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    pid = int(done.stdout)
    waiter = (
        "import os, sys, time\n"
        "for _ in range(500):\n"
        "    try: state = open(f'/proc/{sys.argv[1]}/stat').read().split(')')[1].split()[0]\n"
        "    except OSError: sys.exit(0)\n"
        "    if state == 'Z': sys.exit(0)\n"
        "    time.sleep(0.01)\n"
        "sys.exit(1)\n"
    )
    assert subprocess.run([sys.executable, "-c", waiter, str(pid)]).returncode == 0
