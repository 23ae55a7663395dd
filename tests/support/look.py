"""Look at the screen without a core: plays a scene and opens the screen on it.

python tests/support/look.py [SCENE ...]      # names: tests/support/scenes.py NAMES
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from monitor.errors import ApexbeatError
from monitor.tui.app import run


def main() -> int:
    """Start both, and end the core with the screen."""
    with tempfile.TemporaryDirectory() as folder:
        address = Path(folder) / "core.sock"
        play = [sys.executable, str(Path(__file__).with_name("scene_core.py")), str(address)]
        core = subprocess.Popen([*play, *sys.argv[1:]])
        try:
            return run(address)
        except ApexbeatError as error:
            print(error, file=sys.stderr)
            return error.exit_code
        finally:
            core.terminate()
            core.wait()


if __name__ == "__main__":
    sys.exit(main())
