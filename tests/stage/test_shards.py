"""Clips on disk: what is written comes back, whole or not at all, whoever wrote it."""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
import time
import tracemalloc
from pathlib import Path

import av
import numpy as np
import pytest

import pretend
from vultus.clip import FIELDS, Clip
from vultus.errors import VultusError
from vultus.stage import fields, produce, shards

pytest.importorskip("safetensors")

ARGUMENTS = {"seed": 0, "rig": "pretend"}
NUMBERS = tuple(name for name in FIELDS if name != "frames")


def bytes_of(folder: Path) -> dict[str, bytes]:
    """Every file below *folder* with its bytes."""
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def same(a: Clip, b: Clip) -> None:
    """Assert that two clips hold the same, but for the rounding of files."""
    assert (a.name, a.text, a.identity, dict(a.labels), a.phones) == (b.name, b.text, b.identity, b.labels, b.phones)
    assert a.audio is not None
    assert b.audio is not None
    assert len(a.audio) == len(b.audio)
    assert np.abs(a.audio - b.audio).max() <= 1 / 32768
    assert a.motion is not None
    assert b.motion is not None
    assert (a.motion.fps, a.motion.start) == (b.motion.fps, b.motion.start)
    np.testing.assert_array_equal(a.motion.data, b.motion.data)
    np.testing.assert_array_equal(a.motion.valid, b.motion.valid)


# --- one clip -------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("clip") / "000003"
    shards.write(folder, pretend.clip(3, frames=40), lossless=True)
    return folder


def test_a_clip_comes_back(written: Path) -> None:
    before, after = pretend.clip(3, frames=40), shards.read(written)
    same(before, after)
    np.testing.assert_array_equal(after.load("imu")["gyro"], before.load("imu")["gyro"])
    a, b = before.view(), after.view("front")
    assert (a.count, a.size, a.fps, a.parts, set(a.fields)) == (b.count, b.size, b.fps, b.parts, set(b.fields))
    for i in (0, 39):
        np.testing.assert_array_equal(a.camera(i).world_to_camera, b.camera(i).world_to_camera)
        assert (a.camera(i).focal, a.camera(i).centre) == (b.camera(i).focal, b.camera(i).centre)


# How far each field may be from what was written; what is not named is exact.
BOUNDS = {"depth": 3 / 131068 * 1.01, "normals": 1e-4, "uv": 1 / 131068 * 1.01, "flow": 0.012}


@pytest.mark.parametrize("name", list(FIELDS))
def test_a_field_comes_back_in_its_own_type(written: Path, name: str) -> None:
    before, after = pretend.clip(3, frames=40).view().stack(name), shards.read(written).view().stack(name)
    assert (before.dtype, before.shape) == (after.dtype, after.shape)
    if name == "depth":
        np.testing.assert_array_equal(np.isinf(before), np.isinf(after))
        before, after = (np.where(np.isinf(x), 0, x) for x in (before, after))
    if name in ("uv", "normals"):
        nothing = -1 if name == "uv" else 0
        np.testing.assert_array_equal((before == nothing).all(axis=-1), (after == nothing).all(axis=-1))
    assert np.abs(before.astype(np.float64) - after).max() <= BOUNDS.get(name, 0)


def test_frames_are_read_one_by_one_from_anywhere(written: Path) -> None:
    view = shards.read(written).view()
    whole = {name: view.stack(name) for name in ("frames", "depth", "occlusion")}
    got = list(view.each("depth", "occlusion", "frames", first=29, stop=35))
    assert [list(frame) for frame in got] == [["depth", "occlusion", "frames"]] * 6
    for i, frame in enumerate(got):
        for name, array in frame.items():
            np.testing.assert_array_equal(array, whole[name][29 + i])


def test_normals_keep_their_direction_and_length() -> None:
    rng = np.random.default_rng(0)
    vectors = np.concatenate([rng.normal(size=(4000, 3)), np.eye(3), -np.eye(3)]).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    back = fields.unpack("normals", fields.pack("normals", vectors)["normals"], dict[str, np.ndarray]().__getitem__)
    angle = np.degrees(np.arcsin(np.linalg.norm(np.cross(vectors.astype(np.float64), back), axis=1)))
    assert angle.max() < 0.01
    assert np.abs(np.linalg.norm(back, axis=1) - 1).max() < 1e-6
    assert (np.sum(vectors * back, axis=1) > 0).all()


def test_the_same_clip_gives_the_same_bytes(written: Path, tmp_path: Path) -> None:
    shards.write(tmp_path / "again", pretend.clip(3, frames=40), lossless=True)
    assert bytes_of(tmp_path / "again") == bytes_of(written)


def test_memory_does_not_grow_with_the_clip(tmp_path: Path) -> None:
    peaks = []
    for frames in (64, 192):
        long = pretend.clip(0, frames)
        tracemalloc.start()
        shards.write(tmp_path / str(frames), long)
        for _ in shards.read(tmp_path / str(frames)).view().each(*FIELDS):
            pass
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.4 * peaks[0]


def test_only_the_fields_that_are_named_are_written(tmp_path: Path) -> None:
    shards.write(tmp_path / "few", pretend.clip(0), ("landmarks_68", "frames"))
    view = shards.read(tmp_path / "few").view()
    assert view.fields == ("frames", "landmarks_68")
    near = np.abs(view.stack("frames").astype(int) - pretend.clip(0).view().stack("frames"))
    assert np.median(near) <= 3  # H.264 with halved chroma
    with pytest.raises(VultusError, match="no depth"):
        view.stack("depth")
    shards.write(tmp_path / "none", pretend.clip(0), ())
    assert shards.read(tmp_path / "none").views == ()
    with pytest.raises(VultusError, match="no flow"):
        shards.write(tmp_path / "lacking", pretend.clip(0, fields=("depth",)), ("flow",))
    assert not (tmp_path / "lacking").exists()


def test_other_programs_can_read_the_files(written: Path) -> None:
    with av.open(str(written / "view0.mkv")) as video:
        pictures = [frame.to_ndarray(format="rgb24") for frame in video.decode(video=0)]
    np.testing.assert_array_equal(pictures[17], pretend.fields_of(17, 3)["frames"])
    with av.open(str(written / "sound.flac")) as sound:
        heard = np.concatenate([frame.to_ndarray().ravel() for frame in sound.decode(audio=0)])
    audio = pretend.clip(3, frames=40).audio
    assert audio is not None
    assert np.abs(heard / 32768 - audio).max() <= 1 / 32768
    # The layout of safetensors by hand: eight bytes of length, JSON, then the numbers.
    raw = (written / "clip.safetensors").read_bytes()
    size = int.from_bytes(raw[:8], "little")
    entry = json.loads(raw[8 : 8 + size])["motion.data"]
    first, stop = entry["data_offsets"]
    data = np.frombuffer(raw[8 + size :][first:stop], "<f4").reshape(entry["shape"])
    motion = pretend.clip(3, frames=40).motion
    assert motion is not None
    np.testing.assert_array_equal(data, motion.data)


@pytest.mark.parametrize("file", ["view0.0000.safetensors", "view0.mkv", "sound.flac", "clip.safetensors", "clip.json"])
@pytest.mark.parametrize("how", ["gone", "short", "bit"])
def test_damage_is_found_and_named(tmp_path: Path, file: str, how: str) -> None:
    folder = tmp_path / "000007"
    shards.write(folder, pretend.clip(7), lossless=True)
    assert shards.problem(folder, thorough=True) == ""
    path = folder / file
    raw = path.read_bytes()
    if how == "gone":
        path.unlink()
    else:
        path.write_bytes(raw[:-9] if how == "short" else raw[:-9] + bytes([raw[-9] ^ 1]) + raw[-8:])
    if how == "bit" and file == "clip.json":
        return  # it has no sum of itself: the index has it
    assert file in shards.problem(folder, thorough=True)
    if how != "bit":
        with pytest.raises(VultusError, match=f"000007.*broken.*{file}.*once more"):
            shards.read(folder)


def test_a_newer_clip_is_refused(tmp_path: Path) -> None:
    shards.write(tmp_path / "a", pretend.clip(0), ())
    record = json.loads((tmp_path / "a" / "clip.json").read_text())
    (tmp_path / "a" / "clip.json").write_text(json.dumps({**record, "version": 99}))
    with pytest.raises(VultusError, match="newer Vultus"):
        shards.read(tmp_path / "a")


# --- many -----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def three(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three clips, by one process."""
    folder = tmp_path_factory.mktemp("set") / "three"
    report = produce.write(folder, pretend.clip, 3, arguments=ARGUMENTS, workers=1)
    assert (report.clips, report.made) == (3, 3)
    assert "3 clips" in report.line()
    assert "clips/s" in report.line()
    return folder


def test_the_index_lists_every_file(three: Path) -> None:
    index = produce.load_index(three)
    assert (index["format"], index["version"], index["count"]) == ("vultus-stage", 1, 3)
    assert index["arguments"] == {**ARGUMENTS, "fields": None, "lossless": False}
    assert [entry["name"] for entry in index["clips"]] == ["pretend-0", "pretend-1", "pretend-2"]
    listed = {f"{entry['folder']}/{name}": stamp for entry in index["clips"] for name, stamp in entry["files"].items()}
    held = bytes_of(three)
    assert set(held) == {*listed, "index.json"}
    assert all(len(held[name]) == stamp["bytes"] for name, stamp in listed.items())


def test_the_number_of_workers_changes_no_byte(three: Path, tmp_path: Path) -> None:
    heard: list[tuple[float, float | None]] = []
    produce.write(
        tmp_path / "two", pretend.clip, 3, arguments=ARGUMENTS, workers=2, progress=lambda *done: heard.append(done)
    )
    assert bytes_of(tmp_path / "two") == bytes_of(three)
    assert heard == [(1, 3), (2, 3), (3, 3)]


def test_whole_clips_are_kept_and_broken_ones_renewed(three: Path, tmp_path: Path) -> None:
    folder = tmp_path / "set"
    for name, raw in bytes_of(three).items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(raw if name != "000001/sound.flac" else b"\0" * len(raw))
    (folder / ".vultus-0123").mkdir()  # left by a process that was killed
    kept = (folder / "000000" / "clip.json").stat().st_mtime_ns
    report = produce.write(folder, pretend.clip, 3, arguments=ARGUMENTS, workers=1)
    assert report.made == 1
    assert "2 were there" in report.line()
    assert bytes_of(folder) == bytes_of(three)
    assert (folder / "000000" / "clip.json").stat().st_mtime_ns == kept
    assert not list(folder.glob(".vultus-*"))


def alive(process: int) -> bool:
    """Whether a process runs; one that ended and that nobody asked about does not."""
    try:
        os.kill(process, 0)
        return Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def test_a_killed_run_goes_on(three: Path, tmp_path: Path) -> None:
    folder, told = tmp_path / "set", tmp_path / "told"
    told.mkdir()
    code = (
        "import sys, pretend; from functools import partial; from vultus.stage import produce\n"
        "if __name__ == '__main__':\n"
        f"    make = partial(pretend.slow, seconds=0.3, told={str(told)!r})\n"
        f"    produce.write({str(folder)!r}, make, 6, arguments={ARGUMENTS!r}, workers=1)\n"
    )
    script = tmp_path / "run.py"
    script.write_text(code)
    here = str(Path(__file__).parents[1])
    path = os.pathsep.join([here, *filter(None, sys.path)])
    process = subprocess.Popen([sys.executable, str(script)], env={**os.environ, "PYTHONPATH": path})
    deadline = time.monotonic() + 60
    while len(list(told.iterdir())) < 3 and time.monotonic() < deadline:
        time.sleep(0.02)
    process.kill()
    assert process.wait() == -signal.SIGKILL
    workers = {int(p.name.split("-")[1]) for p in told.iterdir()}
    for worker in workers:  # the process that made the clips ends with the one that was killed
        while time.monotonic() < deadline and alive(worker):
            time.sleep(0.02)
        assert not alive(worker)
    whole = [p for p in folder.iterdir() if p.is_dir() and not p.name.startswith(".")]
    assert len(whole) >= 2
    assert all(shards.problem(p, thorough=True) == "" for p in whole)
    report = produce.write(folder, pretend.clip, 6, arguments=ARGUMENTS, workers=2)
    assert report.made == 6 - len(whole)
    assert not list(folder.glob(".*"))
    got, wanted = bytes_of(folder), bytes_of(three)
    assert {name: got[name] for name in wanted if name != "index.json"} == {
        name: raw for name, raw in wanted.items() if name != "index.json"
    }


def test_a_full_disk_leaves_nothing_broken(three: Path, tmp_path: Path) -> None:
    """A limit on the size of files, which worker processes inherit, stands for the full disk."""
    resource = pytest.importorskip("resource")
    folder = tmp_path / "set"
    largest = max(p.stat().st_size for p in (three / "000000").iterdir())
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (largest - 1, before[1]))
    try:
        with pytest.raises(VultusError, match=r"Cannot write .*000000: the file is larger than this disk allows"):
            produce.write(folder, pretend.clip, 3, arguments=ARGUMENTS, workers=1)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert [p.name for p in folder.iterdir()] == ["index.json"]
    assert produce.load_index(folder)["clips"] == []
    produce.write(folder, pretend.clip, 3, arguments=ARGUMENTS, workers=1)
    assert bytes_of(folder) == bytes_of(three)


@pytest.mark.parametrize("when", range(4))
def test_a_disk_that_fills_in_the_middle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, when: int) -> None:
    """The *when*-th file of numbers cannot be written: the older clip stays, and nothing lies beside it."""
    folder = tmp_path / "000000"
    shards.write(folder, pretend.clip(1), ("depth",))
    before, count, write = bytes_of(folder), 0, Path.write_bytes

    def full(path: Path, raw: bytes) -> int:
        nonlocal count
        count += 1
        if count > when:
            write(path, raw[: len(raw) // 2])
            raise OSError(errno.ENOSPC, "No space left on device", str(path))
        return write(path, raw)

    monkeypatch.setattr(Path, "write_bytes", full)
    if when < 3:
        with pytest.raises(VultusError, match="000000: the disk is full"):
            shards.write(folder, pretend.clip(0))
        monkeypatch.undo()
        assert bytes_of(folder) == before
    else:
        shards.write(folder, pretend.clip(0))
        monkeypatch.undo()
        assert bytes_of(folder) != before
    assert [p.name for p in tmp_path.iterdir()] == ["000000"]


def test_what_a_clip_complains_of_is_told_and_whole_clips_stay(tmp_path: Path) -> None:
    with pytest.raises(VultusError, match=r"^Clip 2 cannot be made: The voice is hoarse\. Give it tea$"):
        produce.write(tmp_path / "set", pretend.refused, 3, arguments=ARGUMENTS, workers=1)
    assert len(produce.load_index(tmp_path / "set")["clips"]) == 2
    with pytest.raises(VultusError, match="ended from outside"):
        produce.write(tmp_path / "other", pretend.ends, 2, arguments=ARGUMENTS, workers=1)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"arguments": {**ARGUMENTS, "seed": 1}}, "written with seed 0, not 1"),
        ({"fields": ("depth",)}, r"written with fields null, not \[\"depth\"\]"),
        ({"lossless": True}, "written with lossless false, not true"),
        ({"count": 2}, "holds 3 clips, more than 2"),
        ({"count": 0}, "begin at 1"),
        ({"workers": 0}, "begin at 1"),
    ],
)
def test_another_set_is_refused(three: Path, change: dict[str, object], said: str) -> None:
    arguments: dict[str, object] = {"count": 3, "arguments": ARGUMENTS, **change}
    before = bytes_of(three)
    with pytest.raises(VultusError, match=said):
        produce.write(three, pretend.clip, **arguments)  # type: ignore[arg-type]
    assert bytes_of(three) == before


def test_bad_folders_are_refused(tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "a.jpg").touch()
    (tmp_path / "file").touch()
    (tmp_path / "old").mkdir()
    (tmp_path / "old" / "index.json").write_text('{"format": "vultus-stage", "version": 2, "clips": []}')
    (tmp_path / "odd").mkdir()
    (tmp_path / "odd" / "index.json").write_text("[1, 2")
    for folder, said in (
        (tmp_path / "photos", "holds other files, such as a.jpg"),
        (tmp_path / "file", "Cannot write .*file"),
        (tmp_path / "no" / "such", "Cannot write .*No such file"),
        (tmp_path / "old", "newer Vultus"),
        (tmp_path / "odd", "damaged"),
        ("", "no folder"),
    ):
        with pytest.raises(VultusError, match=said):
            produce.write(folder, pretend.clip, 1, arguments={})


def test_two_runs_do_not_meet_in_one_folder(three: Path) -> None:
    fcntl = pytest.importorskip("fcntl")
    number = os.open(three, os.O_RDONLY)
    fcntl.flock(number, fcntl.LOCK_EX)
    try:
        with pytest.raises(VultusError, match="Another process is writing"):
            produce.write(three, pretend.clip, 3, arguments=ARGUMENTS)
    finally:
        os.close(number)


def test_ray_makes_the_same_bytes(three: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("ray")
    path = os.pathsep.join(filter(None, (str(Path(__file__).parents[1]), os.environ.get("PYTHONPATH"))))
    monkeypatch.setenv("PYTHONPATH", path)
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    report = produce.write(tmp_path / "ray", pretend.clip, 3, arguments=ARGUMENTS, workers=2, ray=True)
    assert report.made == 3
    assert bytes_of(tmp_path / "ray") == bytes_of(three)


@pytest.mark.parametrize("address", ["127.0.0.1:1", "ray://127.0.0.1:1"])
def test_a_cluster_that_does_not_answer_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    pytest.importorskip("ray")
    monkeypatch.setenv("RAY_ADDRESS", address)
    with pytest.raises(VultusError, match=f"no Ray cluster at {address}: .*refused.*RAY_ADDRESS"):
        produce.write(tmp_path / "set", pretend.clip, 1, arguments={}, ray=True)


def test_without_ray_the_way_to_it_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(VultusError, match=r"Ray is not installed.*vultus\[ray\]"):
        produce.write(tmp_path / "set", pretend.clip, 1, arguments={}, ray=True)
    assert list(tmp_path.iterdir()) == []


def test_without_safetensors_the_way_to_it_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "safetensors.numpy", None)
    with pytest.raises(VultusError, match=r"safetensors is not installed.*vultus\[stage\]"):
        shards.write(tmp_path / "a", pretend.clip(0), ())
    with pytest.raises(VultusError, match="safetensors is not installed"):
        produce.write(tmp_path / "set", pretend.clip, 1, arguments={})
    assert list(tmp_path.iterdir()) == []
