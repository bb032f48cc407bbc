"""What the README and the pages of the documentation say works."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import numpy as np
import pytest

from vultus import cli
from vultus.io import audio
from vultus.person.light import RIGS
from vultus.person.places import PLACES
from vultus.voices import formant

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text("utf-8")
PAGES = sorted((ROOT / "docs").rglob("*.md"))
SHELL = "\n".join(re.findall(r"```sh\n(.*?)```", README, re.S))
COMMANDS = re.findall(r"^(?:.*uv run )?vultus (.*?)(?:\s+#.*)?$", SHELL, re.M)
MORE = [
    command
    for page in PAGES
    for block in re.findall(r"```sh\n(.*?)```", page.read_text("utf-8"), re.S)
    for command in re.findall(r"^vultus (.*?)(?:\s+#.*)?$", block, re.M)
]
PYTHON = re.findall(r"```python\n(.*?)```", README, re.S)


def test_the_readme_has_its_commands() -> None:
    assert len(COMMANDS) >= 10
    assert {c.split()[0] for c in COMMANDS} == set(cli.COMMANDS)
    assert "python3 -m pip install -q uv && uv run vultus demo" in README


@pytest.mark.parametrize("command", [*COMMANDS, *MORE])
def test_every_command_is_understood(command: str) -> None:
    chosen = cli._parse(shlex.split(command))
    assert type(chosen) is cli.COMMANDS[command.split()[0]]


def test_the_python_example_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    samples, _ = formant.speak("Hello, this is somebody speaking", rate=16000)
    audio.write("speech.wav", samples, 16000)
    names: dict[str, object] = {}
    for block in PYTHON:
        exec(compile(block, "README.md", "exec"), names)  # noqa: S102
    frame = next(iter(names["frames"]))  # type: ignore[call-overload]
    assert frame.dtype == np.uint8
    assert {"talk.mp4", "talk.csv", "calm.npz"} <= {p.name for p in tmp_path.iterdir()}


def test_pictures_exist() -> None:
    for page in (ROOT / "README.md", *PAGES):
        pictures = re.findall(r"!\[.*?\]\((.*?)\)", page.read_text("utf-8"))
        assert pictures or page.name not in ("README.md", "look.md")
        for picture in pictures:
            assert (page.parent / picture).is_file(), picture


def test_the_page_on_looks_names_every_light_and_place() -> None:
    page = (ROOT / "docs" / "look.md").read_text("utf-8")
    for name in (*RIGS, *PLACES):
        assert f"`{name}`" in page, name
    for option in ("light", "place"):
        words = said_of(option)
        for name in RIGS if option == "light" else PLACES:
            assert name in words, name


def said_of(option: str) -> str:
    """What the command line says of an option: the text below its field."""
    source = Path(cli.__file__).read_text("utf-8")
    return source.split(f"    {option}:", 1)[1].split('"""')[1]
