"""What the README says works."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import numpy as np
import pytest

from vultus import cli
from vultus.io import audio
from vultus.voices import formant

README = (Path(__file__).parent.parent / "README.md").read_text("utf-8")
SHELL = "\n".join(re.findall(r"```sh\n(.*?)```", README, re.S))
COMMANDS = re.findall(r"^(?:.*uv run )?vultus (.*?)(?:\s+#.*)?$", SHELL, re.M)
PYTHON = re.findall(r"```python\n(.*?)```", README, re.S)


def test_the_readme_has_its_commands() -> None:
    assert len(COMMANDS) >= 10
    assert {c.split()[0] for c in COMMANDS} == set(cli.COMMANDS)
    assert "python3 -m pip install -q uv && uv run vultus demo" in README


@pytest.mark.parametrize("command", COMMANDS)
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
    folder = Path(__file__).parent.parent
    pictures = re.findall(r"!\[.*?\]\((.*?)\)", README)
    assert pictures
    assert all((folder / p).is_file() for p in pictures)
