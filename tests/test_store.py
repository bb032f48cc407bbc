"""Assets: the cache, the hash before anything else, several processes at once, and errors that say how to mend."""

from __future__ import annotations

import hashlib
import io
import os
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from vultus import download, store
from vultus.errors import VultusError

SHIPPED = store.assets()
CONTENT = bytes(range(256)) * 1000
SHA = hashlib.sha256(CONTENT).hexdigest()
PURPOSE, LICENCE = "for this test", "CC0"


def an_asset(name: str, *source: str) -> store.Asset:
    return store.Asset(name, PURPOSE, LICENCE, SHA, len(CONTENT), store.Source(*source))


WHEEL = an_asset("thing", "wheel", "carrier", "1.2", "carrier/thing.bin")
NPM = an_asset("shell", "npm", "@x/carrier", "1.2.0", "package/a/thing.bin")
SDIST = an_asset("stone", "sdist", "quarry", "1.2", "quarry-1.2/quarry/thing.bin")


@pytest.fixture(autouse=True)
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two assets of our own and an empty cache."""
    monkeypatch.setattr(store, "_ASSETS", (WHEEL, NPM, SDIST))
    monkeypatch.setenv("VULTUS_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("VULTUS_ASSET_THING", raising=False)
    return tmp_path


def a_wheel(folder: Path, content: bytes = CONTENT, member: str = "carrier/thing.bin") -> Path:
    """A real wheel, small, with a setup file that would leave a trace if anyone ran it."""
    folder.mkdir(parents=True, exist_ok=True)
    wheel = folder / "carrier-1.2-py3-none-any.whl"
    info = "carrier-1.2.dist-info/"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("carrier/__init__.py", "raise SystemExit('imported')")
        archive.writestr(member, content)
        archive.writestr(
            info + "METADATA", "Metadata-Version: 2.1\nName: carrier\nVersion: 1.2\nRequires-Dist: nowhere\n"
        )
        archive.writestr(
            info + "WHEEL", "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        archive.writestr(
            info + "RECORD", f"carrier/__init__.py,,\n{member},,\n{info}METADATA,,\n{info}WHEEL,,\n{info}RECORD,,\n"
        )
    return wheel


def pretend_tool(monkeypatch: pytest.MonkeyPatch, *scripts: str) -> None:
    """Let each download tool be a Python script that is told the folder in ``sys.argv[1]``."""

    def tools(folder: Path, source: object) -> list[list[str]]:
        return [[sys.executable, "-c", script, str(folder)] for script in scripts]

    monkeypatch.setattr(download, "_wheel_tools", tools)


def copying(file: Path) -> str:
    return f"import shutil, sys; shutil.copy({str(file)!r}, sys.argv[1])"


def test_the_shipped_list_is_well_formed() -> None:
    assert {"obama_speech", "portrait_photo", "face_landmarker"} <= {asset.name for asset in SHIPPED}
    assert len({asset.name for asset in SHIPPED}) == len({asset.file_name for asset in SHIPPED}) == len(SHIPPED)
    for asset in SHIPPED:
        assert asset.name.isidentifier()
        assert len(bytes.fromhex(asset.sha256)) == 32
        assert asset.size > 0
        assert asset.licence
        assert asset.purpose


def test_a_user_file_goes_into_the_cache(world: Path) -> None:
    mine = world / "mine.bin"
    mine.write_bytes(CONTENT)
    assert store.state("thing") == "missing"
    place = store.fetch("thing", mine)
    assert place.read_bytes() == CONTENT
    assert place.suffix == ".bin"
    assert place.parent == store.cache()
    assert store.state(WHEEL) == store.verify("thing") == "present"
    assert store.path("thing", fetch=False) == place
    assert [f.name for f in store.cache().iterdir()] == [place.name], "no leftovers"


def test_wrong_bytes_never_enter_the_cache(world: Path) -> None:
    for wrong in (b"", CONTENT[:-1], CONTENT + b"x", b"\xff" + CONTENT[1:]):
        mine = world / "mine.bin"
        mine.write_bytes(wrong)
        with pytest.raises(VultusError, match=r"SHA-256.*vultus assets fetch thing --from"):
            store.fetch("thing", mine)
        assert store.state("thing") == "missing"
        assert list(store.cache().iterdir()) == []


def test_a_bad_fetch_leaves_the_good_file(world: Path) -> None:
    mine = world / "mine.bin"
    mine.write_bytes(CONTENT)
    place = store.fetch("thing", mine)
    mine.write_bytes(b"other")
    with pytest.raises(VultusError, match="SHA-256"):
        store.fetch("thing", mine)
    assert place.read_bytes() == CONTENT


def test_a_corrupt_file_is_seen_and_replaced(world: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pretend_tool(monkeypatch, copying(a_wheel(world / "wheels")))
    place = store.path("thing")
    place.write_bytes(CONTENT[::-1])
    assert store.verify("thing") == "corrupt"
    assert store.state("thing") == "corrupt"
    with pytest.raises(VultusError, match="corrupt"):
        store.path("thing", fetch=False)
    assert store.path("thing").read_bytes() == CONTENT


def test_verify_reads_again_what_state_believes(world: Path) -> None:
    mine = world / "mine.bin"
    mine.write_bytes(CONTENT)
    place = store.fetch("thing", mine)
    assert store.state("thing") == "present"
    before = place.stat()
    place.write_bytes(CONTENT[::-1])
    os.utime(place, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert store.verify("thing") == "corrupt"


@pytest.mark.parametrize("module", ["uv", "pip"])
def test_a_real_tool_takes_the_file_out_of_a_real_wheel(
    world: Path, monkeypatch: pytest.MonkeyPatch, module: str
) -> None:
    """Without a network: the wheel lies in a folder that the tool is told to look in."""
    a_wheel(world / "wheels")
    for variable in ("UV_FIND_LINKS", "PIP_FIND_LINKS"):
        monkeypatch.setenv(variable, str(world / "wheels"))
    for variable in ("UV_OFFLINE", "UV_NO_INDEX", "PIP_NO_INDEX"):
        monkeypatch.setenv(variable, "1")
    monkeypatch.setenv("UV_CACHE_DIR", str(world / "uv"))
    tools = download._wheel_tools(world / "x", store.Source("wheel", "carrier", "1.2", "carrier/thing.bin"))
    there = [tool for tool in tools if {"uv": "install", "pip": "download"}[module] in tool]
    if not there:
        pytest.skip(f"{module} is not installed here")

    def only(folder: Path, source: store.Source) -> list[list[str]]:
        return [[part.replace(str(world / "x"), str(folder)) for part in there[0]]]

    monkeypatch.setattr(download, "_wheel_tools", only)
    place = store.path("thing")
    assert place.read_bytes() == CONTENT
    place.write_bytes(b"scribble")
    store.clear()
    assert store.path("thing").read_bytes() == CONTENT, "the tool's own cache is untouched by what happens to our file"


def test_the_next_tool_is_tried_when_one_fails(world: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pretend_tool(monkeypatch, "raise SystemExit('broken')", copying(a_wheel(world / "wheels")))
    assert store.path("thing").read_bytes() == CONTENT


def test_a_wheel_without_the_member_or_with_other_bytes_is_refused(
    world: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pretend_tool(monkeypatch, copying(a_wheel(world / "a", member="carrier/else.bin")))
    with pytest.raises(VultusError, match=r"carrier 1\.2 was not found"):
        store.path("thing")
    pretend_tool(monkeypatch, copying(a_wheel(world / "b", content=bytes(50_000_000))))
    with pytest.raises(VultusError, match="SHA-256"):
        store.path("thing")
    assert store.state("thing") == "missing"


def test_npm_gives_one_member_and_unpacks_nothing_else(world: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tarball = world / "carrier-1.2.0.tgz"
    with tarfile.open(tarball, "w:gz") as archive:
        for name, content in (("package/../../escape.txt", b"no"), ("package/a/thing.bin", CONTENT)):
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    monkeypatch.setattr(download, "_npm_tool", lambda folder, _: [sys.executable, "-c", copying(tarball), str(folder)])
    assert store.path("shell").read_bytes() == CONTENT
    assert not list(world.rglob("escape.txt"))
    monkeypatch.setattr(download, "_npm", lambda: "")
    with pytest.raises(VultusError, match="no npm"):
        store.fetch("shell")


def test_a_source_archive_gives_its_file_and_runs_nothing(world: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a network: the archive lies in a folder that uv is told to look in."""
    if not download._uv():
        pytest.skip("uv is not installed here")
    (world / "shelf").mkdir()
    with tarfile.open(world / "shelf" / "quarry-1.2.tar.gz", "w:gz") as archive:
        trace = f"open({str(world / 'trace')!r}, 'w').close()".encode()
        about = b"Metadata-Version: 1.1\nName: quarry\nVersion: 1.2\n"
        for name, content in (("PKG-INFO", about), ("setup.py", trace), ("quarry/thing.bin", CONTENT)):
            info = tarfile.TarInfo(f"quarry-1.2/{name}")
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    monkeypatch.setenv("UV_FIND_LINKS", str(world / "shelf"))
    for variable in ("UV_OFFLINE", "UV_NO_INDEX"):
        monkeypatch.setenv(variable, "1")
    monkeypatch.setenv("UV_CACHE_DIR", str(world / "uv"))
    assert store.path("stone").read_bytes() == CONTENT
    assert not (world / "trace").exists()
    (world / "shelf" / "quarry-1.2.tar.gz").unlink()
    with pytest.raises(VultusError, match="cannot be fetched"):
        store.fetch("stone")
    monkeypatch.setattr(download, "_uv", list)
    with pytest.raises(VultusError, match="Install uv"):
        store.fetch("stone")


@pytest.mark.parametrize(
    ("complaint", "told"),
    [
        ("error: Request failed\n  cause: dns error", "offline"),
        ("npm error code ENOTFOUND", "offline"),
        ("Packages were unavailable because the network was disabled", "offline"),
        ("ERROR: No matching distribution found for carrier==1.2", "carrier 1.2 was not found"),
        ("something odd at index //me:secret@host/", "something odd"),
    ],
)
def test_a_failed_download_is_told_in_one_line(monkeypatch: pytest.MonkeyPatch, complaint: str, told: str) -> None:
    pretend_tool(monkeypatch, f"raise SystemExit({complaint!r})")
    with pytest.raises(VultusError) as caught:
        store.path("thing")
    text = str(caught.value)
    assert told in text
    assert "vultus assets fetch thing --from FILE" in text
    assert "\n" not in text
    assert "secret" not in text


def test_a_tool_that_hangs_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(download, "TIMEOUT", 0.3)
    pretend_tool(monkeypatch, "import time; time.sleep(60)")
    with pytest.raises(VultusError, match="cannot be fetched"):
        store.path("thing")


def test_no_tool_at_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(download, "_uv", list)
    monkeypatch.setattr(download, "_pip", list)
    with pytest.raises(VultusError, match="Install uv or pip"):
        store.path("thing")


def test_a_file_named_by_the_environment_is_used_and_checked(world: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mine = world / "mine.bin"
    monkeypatch.setenv("VULTUS_ASSET_THING", str(mine))
    with pytest.raises(VultusError, match="does not exist"):
        store.path("thing")
    mine.write_bytes(b"other")
    with pytest.raises(VultusError, match=r"SHA-256.*Unset VULTUS_ASSET_THING"):
        store.path("thing")
    mine.write_bytes(CONTENT)
    assert store.path("thing") == mine
    assert store.clear() == 0
    assert mine.exists()


def test_unknown_names_suggest_the_nearest() -> None:
    for call in (store.path, store.fetch, store.state, store.verify, store.clear, store.find):
        with pytest.raises(VultusError, match="Did you mean thing"):
            call("thnig")


def test_clear_frees_one_or_all_and_old_leftovers(world: Path) -> None:
    mine = world / "mine.bin"
    mine.write_bytes(CONTENT)
    store.fetch("thing", mine)
    store.fetch("shell", mine)
    old, young = store.cache() / ".part-old", store.cache() / ".part-young"
    old.mkdir()
    young.mkdir()
    os.utime(old, (1, 1))
    assert store.clear("thing") == len(CONTENT)
    assert store.state("shell") == "present"
    assert store.clear() == len(CONTENT)
    assert [f.name for f in store.cache().iterdir()] == [".part-young"]
    assert store.clear() == 0


def test_table_has_a_row_for_each_asset() -> None:
    head, *rows = store.table()
    assert head[0] == "name"
    assert [(r[0], r[1], r[3], r[4]) for r in rows] == [
        (n, "missing", LICENCE, PURPOSE) for n in ("thing", "shell", "stone")
    ]


def test_the_cache_can_be_moved(monkeypatch: pytest.MonkeyPatch, world: Path) -> None:
    assert store.cache() == world / "cache" / "assets"
    monkeypatch.delenv("VULTUS_CACHE")
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setenv("XDG_CACHE_HOME", str(world / "xdg"))
    assert store.cache() == world / "xdg" / "vultus" / "assets"
    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.setenv("LOCALAPPDATA", str(world / "local"))
    assert store.cache() == world / "local" / "vultus" / "assets"
    monkeypatch.setattr(sys, "platform", "darwin")
    assert store.cache().parts[-4:] == ("Library", "Caches", "vultus", "assets")


def test_a_cache_that_cannot_be_written_is_told(monkeypatch: pytest.MonkeyPatch, world: Path) -> None:
    (world / "file").write_text("in the way")
    monkeypatch.setenv("VULTUS_CACHE", str(world / "file"))
    mine = world / "mine.bin"
    mine.write_bytes(CONTENT)
    with pytest.raises(VultusError, match="VULTUS_CACHE"):
        store.fetch("thing", mine)


WORKER = """
import sys
from pathlib import Path
from vultus import store
sha, size, mine = sys.argv[1], int(sys.argv[2]), Path(sys.argv[3])
store._ASSETS = (store.Asset("thing", "p", "CC0", sha, size, store.Source("wheel", "c", "1", "c/thing.bin")),)
for _ in range(25):
    file = store.fetch("thing", mine)
    assert file.stat().st_size == size
    assert store.verify("thing") == "present"
    assert store.path("thing", fetch=False) == file
"""


def test_several_processes_fetch_at_once(world: Path) -> None:
    """No process ever sees a file that is half there, and nothing is left over."""
    mine = world / "mine.bin"
    mine.write_bytes(CONTENT)
    command = [sys.executable, "-c", WORKER, SHA, str(len(CONTENT)), str(mine)]
    workers = [subprocess.Popen(command, stderr=subprocess.PIPE, text=True) for _ in range(4)]
    results = [(worker.communicate(timeout=60)[1], worker.returncode) for worker in workers]
    assert results == [("", 0)] * 4
    assert len(list(store.cache().iterdir())) == 1
