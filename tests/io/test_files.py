from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from vultus.errors import VultusError
from vultus.io import files


def test_success_moves_the_file_and_leaves_nothing_else(tmp_path: Path) -> None:
    target = tmp_path / "été 東京.txt"
    with files.atomic(target) as temporary:
        assert temporary.parent == tmp_path
        assert temporary.suffix == ".txt"
        temporary.write_text("new")
        assert not target.exists()
    assert target.read_text() == "new"
    assert [p.name for p in tmp_path.iterdir()] == [target.name]


def _write_half(path: Path, error: BaseException) -> None:
    path.write_text("half")
    raise error


@pytest.mark.parametrize("error", [ValueError("x"), KeyboardInterrupt(), FileNotFoundError(2, "gone", "/other")])
def test_failure_keeps_the_old_file_and_the_exception(tmp_path: Path, error: BaseException) -> None:
    target = tmp_path / "a.txt"
    target.write_text("old")
    with pytest.raises(type(error)) as caught, files.atomic(target) as temporary:
        _write_half(temporary, error)
    assert caught.value is error
    assert target.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["a.txt"]


def test_full_disk_is_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(VultusError, match=r"the disk is full\. Free some space"), files.atomic(tmp_path / "a.txt"):
        raise OSError(errno.ENOSPC, "No space left on device")
    assert list(tmp_path.iterdir()) == []


def test_full_disk_reported_by_ffmpeg(tmp_path: Path) -> None:
    av = pytest.importorskip("av")
    with pytest.raises(VultusError, match="disk is full"), files.atomic(tmp_path / "a.txt"):
        av.error.err_check(-errno.ENOSPC)


def test_file_removed_in_the_block(tmp_path: Path) -> None:
    with pytest.raises(VultusError, match="nothing was written"), files.atomic(tmp_path / "a.txt") as temporary:
        temporary.unlink()


def test_missing_folder_is_not_created(tmp_path: Path) -> None:
    with pytest.raises(VultusError, match="does not exist"), files.atomic(tmp_path / "no" / "a.txt"):
        pytest.fail("the block must not run")
    assert list(tmp_path.iterdir()) == []


def test_places_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "plain").write_text("x")
    for bad, said in (
        (tmp_path, "is a folder"),
        (tmp_path / "plain" / "a.txt", "not a folder"),
        (Path(os.devnull), "device"),
        (tmp_path / ("n" * 300 + ".txt"), "too long"),
    ):
        with pytest.raises(VultusError, match=said), files.atomic(bad):
            pytest.fail("the block must not run")
    assert [p.name for p in tmp_path.iterdir()] == ["plain"]
    assert Path(os.devnull).exists()


def test_unwritable_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: Path, *_: object) -> int:
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    monkeypatch.setattr(os, "open", refuse)
    with pytest.raises(VultusError, match=r"permission denied\. Choose a folder"), files.atomic(tmp_path / "a.txt"):
        pytest.fail("the block must not run")


@pytest.mark.skipif(sys.platform == "win32", reason="links need rights on Windows")
def test_a_link_keeps_being_a_link(tmp_path: Path) -> None:
    (tmp_path / "real.txt").write_text("old")
    (tmp_path / "link.txt").symlink_to(tmp_path / "real.txt")
    with files.atomic(tmp_path / "link.txt") as temporary:
        temporary.write_text("new")
    assert (tmp_path / "link.txt").is_symlink()
    assert (tmp_path / "real.txt").read_text() == "new"


@pytest.mark.skipif(sys.platform == "win32", reason="no file-size limit on Windows")
def test_a_real_write_that_fails_in_ffmpeg(tmp_path: Path) -> None:
    """A process that may write 20 kB only: the error comes from the operating system, through FFmpeg."""
    program = """
import resource, signal, sys
import numpy as np
from vultus.errors import VultusError
from vultus.io import audio
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (20000, 20000))
try:
    audio.write(sys.argv[1], np.zeros(100000, np.float32), 16000)
except VultusError as error:
    print(error)
"""
    out = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path / "a.wav")], capture_output=True, text=True, check=True
    ).stdout
    assert "larger than this disk allows" in out
    assert list(tmp_path.iterdir()) == []


def test_check_readable(tmp_path: Path) -> None:
    (tmp_path / "Speech-é.WAV").write_bytes(b"x")
    (tmp_path / "empty.wav").touch()
    assert files.check_readable(str(tmp_path / "Speech-é.WAV"), "sound file") == tmp_path / "Speech-é.WAV"
    for bad, said in (
        (tmp_path / "speech-e.wav", "There is no sound file at .* Did you mean .*Speech-é.WAV"),
        (tmp_path / "zzzzzzzzzzzzzz", "Check the name"),
        (tmp_path / "no" / "a.wav", "folder .* does not exist either"),
        (tmp_path / "empty.wav" / "a.wav", "There is no"),
        (tmp_path / "empty.wav", "is empty"),
        (tmp_path, "is a folder"),
        (Path(os.devnull), "not a plain file"),
        (tmp_path / ("n" * 300), "Cannot read"),
        (tmp_path / "a\0b", "Cannot read"),
    ):
        with pytest.raises(VultusError, match=said):
            files.check_readable(bad, "sound file")


def test_a_folder_appears_whole(tmp_path: Path) -> None:
    target = tmp_path / "out"
    for text in ("one", "two"):
        with files.atomic_folder(target) as place:
            assert place.parent == tmp_path
            (place / "a").write_text(text)
            assert not target.exists() or (target / "a").read_text() == "one"
        assert (target / "a").read_text() == text
    assert [p.name for p in tmp_path.iterdir()] == ["out"]


@pytest.mark.parametrize("error", [RuntimeError("defect"), KeyboardInterrupt(), VultusError("Bad voice")])
def test_a_folder_that_fails_leaves_the_old_one(tmp_path: Path, error: BaseException) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "a").write_text("old")

    def fail() -> None:
        with files.atomic_folder(tmp_path / "out") as place:
            (place / "a").write_text("new")
            raise error

    with pytest.raises(type(error)) as caught:
        fail()
    assert caught.value is error
    assert (tmp_path / "out" / "a").read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["out"]


def test_a_full_disk_in_a_folder_names_the_folder(tmp_path: Path) -> None:

    def fill(nested: bool) -> None:
        with files.atomic_folder(tmp_path / "out") as place:
            if nested:
                with files.atomic(place / "a"):
                    raise OSError(errno.ENOSPC, "No space left on device")
            raise OSError(errno.ENOSPC, "No space left on device", str(place / "a"))

    for nested in (False, True):
        with pytest.raises(VultusError, match=r"Cannot write .*out: the disk is full"):
            fill(nested)
    with pytest.raises(VultusError, match=r"Cannot write .*out"), files.atomic_folder(tmp_path / "no" / "out"):
        pass
    assert list(tmp_path.iterdir()) == []


def test_what_killed_processes_left_is_swept(tmp_path: Path) -> None:
    (tmp_path / ".vultus-12").mkdir()
    (tmp_path / ".vultus-12" / "a").touch()
    (tmp_path / ".vultus-34.json").touch()
    (tmp_path / "kept").mkdir()
    files.sweep(tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == ["kept"]
