"""What several test files use."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import settings

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from vultus.observers.tracker import Tracker

# A check that passed once must pass again there; elsewhere hypothesis looks for new counterexamples every time.
settings.register_profile("repeatable", derandomize=True, deadline=None)
if os.environ.get("CI"):
    settings.load_profile("repeatable")

VALIDATOR = "gltf-validator@2.0.0-dev.3.10"


@pytest.fixture(scope="session")
def khronos() -> Callable[[Path], dict[str, Any]]:
    """Khronos' glTF-Validator, installed once from the npm registry into the temporary folder."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        pytest.skip("node and npm are not installed")
    folder = Path(tempfile.gettempdir()) / f"vultus-{VALIDATOR.replace('@', '-')}"
    if not folder.is_dir():
        fresh = Path(tempfile.mkdtemp(prefix="vultus-npm-"))
        (fresh / "package.json").write_text('{"private": true}')
        command = [npm, "install", "--no-audit", "--no-fund", "--ignore-scripts", VALIDATOR]
        try:
            subprocess.run(command, cwd=fresh, capture_output=True, check=True, timeout=60)
            fresh.rename(folder)
        except (subprocess.CalledProcessError, subprocess.TimeoutExpired):
            shutil.rmtree(fresh)
            pytest.skip("the npm registry cannot be reached")
        except OSError:
            shutil.rmtree(fresh)  # another process was quicker
    script = Path(__file__).parent / "io" / "validate_gltf.mjs"

    def validate(path: Path) -> dict[str, Any]:
        command = [node, str(script), str(path), str(folder)]
        result = subprocess.run(command, capture_output=True, check=True, timeout=60, text=True)
        return dict(json.loads(result.stdout))

    return validate


def asset(name: str) -> str:
    """The file of an asset; the test is skipped, with the reason, where it cannot be had."""
    from vultus import store
    from vultus.errors import VultusError

    try:
        return str(store.path(name))
    except VultusError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="session")
def tracker() -> Tracker:
    """The face tracker; tests that follow a face reset it."""
    from vultus.observers.tracker import Tracker

    return Tracker(asset("face_landmarker"))


@pytest.fixture(scope="session")
def photo() -> NDArray[np.uint8]:
    """A real portrait, 512 x 512."""
    from vultus.io.image import read_image

    return read_image(asset("portrait_photo"))
