"""The manual says what is so: commands parse, tables are those of the code, links resolve."""

from __future__ import annotations

import importlib.util
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from types import ModuleType

import click
import pytest

ROOT = Path(__file__).parents[2]
PAGES = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    ROOT / "CHANGELOG.md",
    *sorted((ROOT / "docs").rglob("*.md")),
]
INLINE = re.compile(r"`(apexbeat(?:-train)?(?: [^`]+)?)`")
FENCE = re.compile(r"^ *```(\w*)$")
PROGRAMS = ("apexbeat", "apexbeat-train")


def fill() -> ModuleType:
    spec = importlib.util.spec_from_file_location("docs_fill", ROOT / "docs" / "fill.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def shell_lines(page: Path) -> Iterator[str]:
    """Each line that a page tells its reader to type; of other blocks those that begin with $."""
    text = page.read_text(encoding="utf-8").replace("\\\n", " ")
    language: str | None = None
    for line in text.splitlines():
        if fence := FENCE.match(line):
            language = fence[1] if language is None else None
        elif line.strip() and (language == "sh" or (language is not None and line[:2] == "$ ")):
            yield line.removeprefix("$ ")


def typed() -> Iterator[tuple[str, list[str]]]:
    """Each command of the pages: where it stands, and its words."""
    for page in PAGES:
        for line in shell_lines(page):
            if words := shlex.split(line, comments=True):
                yield str(page.relative_to(ROOT)), [Path(words[0]).name, *words[1:]]


def commands() -> Iterator[tuple[str, list[str]]]:
    """Those of them that are calls of ours, and the calls within the text."""
    yield from ((page, words) for page, words in typed() if words[0] in PROGRAMS)
    for page in PAGES:
        for call in INLINE.findall(page.read_text(encoding="utf-8")):
            # `--level | --watch` means the one or the other
            yield str(page.relative_to(ROOT)), shlex.split(call.replace("|", " "))


def program(name: str) -> click.Group:
    if name == "apexbeat":
        from monitor.cli.main import cli

        return cli
    from training.cli import cli as train

    assert isinstance(train, click.Group)
    return train


def parse(words: list[str]) -> None:
    """Read the options of a call as click does, without running it."""
    group = program(words[0])
    context = click.Context(group, info_name=words[0])
    own = {"-h", "--help", *(flag for p in group.params for flag in p.opts)}
    rest = words[1:]
    while rest and rest[0] in own:
        rest = rest[1:]
    if not rest:
        return
    name, *rest = rest
    assert not name.startswith("-"), f"{words[0]} has no option {name}"
    command = group.get_command(context, name)
    assert command is not None, f"there is no command {name}"
    if isinstance(command, click.Group):
        name, *rest = command.named(rest)  # type: ignore[attr-defined]
        command = command.commands[name]
    known = {flag for p in command.params for flag in (*p.opts, *p.secondary_opts)}
    known |= {"--help", "-h"}
    for word in rest:
        flag = word.partition("=")[0]
        assert not flag.startswith("-") or flag in known, f"{name} has no option {flag}"
    # A place that stands for a file need not exist: only the options are under test.
    command.make_parser(click.Context(command, resilient_parsing=True)).parse_args(list(rest))
    for setting in (b for a, b in pairwise(rest) if a == "--set"):
        from monitor.config.load import names

        assert setting.partition("=")[0] in names(), f"there is no setting {setting}"


@pytest.mark.parametrize(
    ("page", "words"), [pytest.param(p, w, id=f"{p}: {shlex.join(w)}") for p, w in commands()]
)
def test_every_command_shown_is_one_that_exists(page: str, words: list[str]) -> None:
    parse(words)


def test_commands_are_found_and_a_wrong_one_is_noticed() -> None:
    assert len(list(commands())) > 40
    for page in PAGES:
        outside = re.findall(r"^    (?:apexbeat|make|pip) .*", page.read_text(), re.MULTILINE)
        assert not outside, f"{page.name}: a command outside of a fence"
    for wrong in ("apexbeat replays x", "apexbeat replay --fast x", "apexbeat live --set a.b=1"):
        with pytest.raises((AssertionError, click.ClickException)):
            parse(shlex.split(wrong))


def test_tables_and_figures_are_those_of_code_and_results() -> None:
    module, made = fill(), dict[str, str]()
    stale = []
    for page in module.pages():
        text = page.read_text(encoding="utf-8")
        if module.filled(text, made, frozenset()) != text:
            stale.append(page.name)
    assert not stale, f"run: python docs/fill.py ({', '.join(stale)})"
    assert {"settings", "events", "exits", "alarms"} <= set(made)


def test_every_setting_and_every_line_of_the_event_file_is_explained() -> None:
    import typing

    from monitor import events
    from monitor.config.load import names

    settings = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
    replay = (ROOT / "docs" / "replay.md").read_text(encoding="utf-8")
    for name in names():
        assert f"| `{name.partition('.')[2]}` |" in settings
    for kind in typing.get_args(events.Event):
        assert f"| `{kind.__struct_config__.tag}` |" in replay


DRAWN = {"pictures/": "`make pictures`", "figures/": "`python docs/figures/make.py`"}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_a_page_with_pictures_names_the_command_that_draws_them(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    for folder, command in DRAWN.items():
        assert not re.search(rf"\]\((?:docs/)?{folder}", text) or command in text, command


def test_every_stored_result_names_its_command() -> None:
    folder = ROOT / "docs" / "results"
    named = (folder / "README.md").read_text(encoding="utf-8")
    for path in sorted(folder.glob("*.*")):
        own = re.search(r'"command"|`(python|make|apexbeat-train|pytest) ', path.read_text("utf-8"))
        listed = f"`{path.name}`" in named or re.fullmatch(r".*__[SDP]\.json", path.name)
        assert own or listed, f"{path.name}: neither it nor results/README.md says what made it"


def anchors(page: Path) -> set[str]:
    heads = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", head).strip().lower().replace(" ", "-") for head in heads}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_and_pictures_of_a_page_resolve(page: Path) -> None:
    text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if "://" in target or target.startswith("mailto:"):
            continue
        path, _, anchor = target.partition("#")
        found = page.parent / path if path else page
        assert found.exists(), f"{page.name}: {target}"
        assert not anchor or anchor in anchors(found), f"{page.name}: {target}"


def test_every_page_of_the_manual_can_be_reached() -> None:
    nav = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    linked = "".join(p.read_text(encoding="utf-8") for p in (ROOT / "docs").glob("*.md"))
    for page in (ROOT / "docs").glob("*.md"):
        assert f": {page.name}\n" in nav or f"]({page.name}" in linked, page.name


def test_every_object_of_the_api_pages_exists() -> None:
    for page in (ROOT / "docs" / "api").glob("*.md"):
        for name in re.findall(r"^::: (\S+)$", page.read_text(encoding="utf-8"), re.MULTILINE):
            assert importlib.util.find_spec(name) is not None, name


def test_the_manual_builds_without_a_warning_and_asks_nothing_of_other_hosts(
    tmp_path: Path,
) -> None:
    for needed in ("mkdocs", "material", "mkdocstrings"):
        pytest.importorskip(needed, reason="the extra docs is not installed")
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "-d", str(tmp_path)],
        cwd=ROOT, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    for page in tmp_path.rglob("*.html"):
        text = page.read_text(encoding="utf-8")
        assert not re.findall(r'<(?:script|img|iframe)[^>]+src="(?:https?:)?//', text), page.name
        assert not re.findall(r'<link[^>]+rel="(?!canonical)[^"]*"[^>]+href="https?://', text)
