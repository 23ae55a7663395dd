"""24 h of a live session in virtual time, with faults: what grows, what is missed or doubled.

    python tests/soak/run.py [--hours 24] [--out FOLDER]

`soak_plan` tells what happens in each hour and what must hold.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests" / name) for name in ("support", "soak")]

from outcome import RESULTS, Outcome, command, machine  # noqa: E402
from soak_plan import soak  # noqa: E402

from monitor.assembly import open_models  # noqa: E402
from monitor.config.load import Settings  # noqa: E402


def main(arguments: list[str] | None = None) -> int:
    """Run; 1 if something did not hold."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--hours", type=float, default=24.0)
    parser.add_argument("--out", type=Path, default=RESULTS)
    asked = parser.parse_args(arguments)
    given = sys.argv[1:] if arguments is None else arguments
    out = Outcome("soak", command("tests/soak/run.py", given), machine())
    with tempfile.TemporaryDirectory() as folder:
        soak(asked.hours, Path(folder) / "store", out, open_models(Settings()))
    out.write(asked.out)
    print(out.markdown())
    return int(bool(out.missed))


if __name__ == "__main__":
    sys.exit(main())
