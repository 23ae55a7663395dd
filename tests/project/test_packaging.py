"""The wheel holds what it needs: installed away from the checkout, it replays a file."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tomllib
import zipfile
from itertools import chain
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]


def call(*command: str, cwd: Path, env: dict[str, str] | None = None) -> str:
    done = subprocess.run(
        command, capture_output=True, text=True, cwd=cwd, env={**os.environ, **(env or {})}
    )
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout[-2000:]}{done.stderr[-3000:]}"
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    call(
        sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation",
        "-w", str(folder), str(ROOT), cwd=folder,
    )  # fmt: skip
    return next(folder.glob("apexbeat-*.whl"))


def test_the_wheel_holds_models_and_parameters_and_no_tests(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    for needed in ("student.pt", "cycles.npz", "student.json", "cycles.json", "shipped.json"):
        assert f"models/shipped/{needed}" in names
    assert any(name.endswith("event.schema.json") for name in names)
    assert not [n for n in names if n.startswith(("tests/", "recordings/", "docs/"))]


def test_installed_away_from_the_checkout_it_replays_a_file(wheel: Path, tmp_path: Path) -> None:
    # The dependencies are those of this environment; ours must come from the wheel alone.
    site = tmp_path / "site"
    call(
        sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index",
        "--target", str(site), str(wheel), cwd=tmp_path,
    )  # fmt: skip
    env = {"PYTHONPATH": str(site)}
    where = "import monitor, dsp, models; print(monitor.__file__, dsp.__file__, models.__file__)"
    for path in call(sys.executable, "-c", where, cwd=tmp_path, env=env).split():
        assert Path(path).is_relative_to(site)
    command = (sys.executable, "-m", "monitor.cli.main", "replay", "--json")
    recording = ROOT / "recordings" / "normal.wav"
    out = call(*command, str(recording), "--events", "events", cwd=tmp_path, env=env)
    assert json.loads(out.splitlines()[0])["name"].startswith("normal")
    assert (tmp_path / "events" / "normal.jsonl").stat().st_size > 1000


installs_much = pytest.mark.skipif(
    not os.environ.get("APEXBEAT_EMPTY_ENVIRONMENT"),
    reason="installs 1 GB; set APEXBEAT_EMPTY_ENVIRONMENT=1",
)


@installs_much
@pytest.mark.timeout(1800)
def test_the_wheel_installs_in_an_empty_environment(wheel: Path, tmp_path: Path) -> None:
    call(sys.executable, "-m", "venv", "empty", cwd=tmp_path)
    pip = (str(tmp_path / "empty/bin/pip"), "install", "--quiet")
    call(*pip, "torch==2.13.0", cwd=tmp_path)
    call(*pip, str(wheel), cwd=tmp_path)
    recording = ROOT / "recordings" / "normal.wav"
    out = call(str(tmp_path / "empty/bin/apexbeat"), "replay", str(recording), cwd=tmp_path)
    assert "/min" in out


def test_the_lock_holds_every_requirement_of_the_tests_and_names_no_place() -> None:
    text = ROOT.joinpath("constraints.txt").read_text(encoding="utf-8")
    assert not re.search(r"://|file:|--|@|^\s*/", text, re.MULTILINE)
    lines = [Requirement(x) for x in text.splitlines() if x[0] != "#"]
    pinned = {canonicalize_name(r.name): r.specifier for r in lines}
    assert all(re.fullmatch(r"==[^*,]+", str(s)) for s in pinned.values())
    tables = tomllib.loads(ROOT.joinpath("pyproject.toml").read_text(encoding="utf-8"))
    extras = {**tables["project"]["optional-dependencies"]}
    for unpinned in ("compare", "dev"):
        del extras[unpinned]
    build = tables["build-system"]["requires"]
    for entry in chain(build, tables["project"]["dependencies"], *extras.values()):
        wanted = Requirement(entry)
        version = str(pinned[canonicalize_name(wanted.name)]).removeprefix("==")
        assert wanted.specifier.contains(version), f"{entry}: {version}; run `make lock`"


WITHOUT_TORCH = ROOT / "packaging" / "requirements-without-torch.txt"


def test_the_list_without_torch_is_that_of_the_package_with_onnxruntime() -> None:
    project = tomllib.loads(ROOT.joinpath("pyproject.toml").read_text(encoding="utf-8"))["project"]
    listed = [x for x in WITHOUT_TORCH.read_text(encoding="utf-8").splitlines() if x[0] != "#"]
    plain = [x for x in project["dependencies"] if not x.startswith("torch")]
    assert listed == plain + project["optional-dependencies"]["onnx"]


@installs_much
@pytest.mark.timeout(1800)
def test_the_wheel_replays_in_an_environment_without_torch(wheel: Path, tmp_path: Path) -> None:
    call(sys.executable, "-m", "venv", "small", cwd=tmp_path)
    pip = (str(tmp_path / "small/bin/pip"), "install", "--quiet")
    call(*pip, "-r", str(WITHOUT_TORCH), cwd=tmp_path)
    call(*pip, "--no-deps", str(wheel), cwd=tmp_path)
    recording = ROOT / "recordings" / "normal.wav"
    out = call(str(tmp_path / "small/bin/apexbeat"), "replay", str(recording), cwd=tmp_path)
    assert "NORMAL" in out
    assert not list((tmp_path / "small").rglob("site-packages/torch"))


STRANGER = "apexbeat-stranger"
STEPS = """
cd
python3 -m venv tools
tools/bin/pip install --quiet pipx
tools/bin/pipx install --preinstall 'torch==2.13.0' dist/*.whl
.local/bin/apexbeat --version
.local/bin/apexbeat selftest
.local/bin/apexbeat replay recordings/normal.wav --events events
.local/bin/apexbeat report events/normal.jsonl -o normal.html
ls .local/share/pipx/venvs
"""


@installs_much
@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="needs useradd: root")
@pytest.mark.timeout(3600)
def test_a_stranger_installs_with_pipx_and_runs(wheel: Path, tmp_path: Path) -> None:
    # An account of its own with an empty home, and of our environment only what pip is told.
    call("useradd", "--create-home", "--skel", "/dev/null", STRANGER, cwd=tmp_path)
    try:
        home = Path(f"~{STRANGER}").expanduser()
        assert not list(home.iterdir())
        for source, folder in ((wheel, "dist"), (ROOT / "recordings" / "normal.wav", "recordings")):
            call("install", "-D", "-o", STRANGER, str(source), str(home / folder / source.name),
                 cwd=tmp_path)  # fmt: skip
        told = [f"{k}={v}" for k, v in os.environ.items() if k.startswith("PIP_")]
        plain = ["env", "-i", f"HOME={home}", "PATH=/usr/local/bin:/usr/bin:/bin", *told]
        said = call("runuser", "-u", STRANGER, "--", *plain, "bash", "-ec", STEPS, cwd=tmp_path)
        assert "apexbeat 0." in said
        assert "FAIL" not in said
        assert "/min" in said
        assert (home / "normal.html").stat().st_size > 10_000
    finally:
        call("userdel", "--remove", STRANGER, cwd=tmp_path)
