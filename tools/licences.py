"""Write or check the licence list, ``src/vultus/data/licences.json``.

``python tools/licences.py``            renews the Python part from the metadata of what is installed
``python tools/licences.py --check``    changes nothing; exit code 1 and one line per difference

The closure of the dependencies is followed from ``pyproject.toml`` for every system and Python version that
Vultus supports, so that a package which only Windows needs is listed too. A package that is not installed keeps
the entry that it has; ``--path DIR`` (repeatable) adds folders of installed packages to look in.
The other parts of the file (libraries inside wheels, shipped data, fetched assets) are written by hand.
"""

from __future__ import annotations

import argparse
import json
import sys
import tomllib
from collections.abc import Iterable, Iterator
from importlib.metadata import Distribution, distributions
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[1]
LIST = ROOT / "src/vultus/data/licences.json"

ENVIRONMENTS = tuple(
    {
        "sys_platform": platform,
        "platform_system": system,
        "os_name": "nt" if platform == "win32" else "posix",
        "platform_machine": machine,
        "platform_python_implementation": "CPython",
        "implementation_name": "cpython",
        "python_version": version,
        "python_full_version": f"{version}.0",
    }
    for platform, system, machine in (
        ("linux", "Linux", "x86_64"),
        ("linux", "Linux", "aarch64"),
        ("darwin", "Darwin", "arm64"),
        ("win32", "Windows", "AMD64"),
    )
    for version in ("3.11", "3.12", "3.13", "3.14")
)

# What the packages themselves call their licence -> SPDX. A bare "BSD" says too little: see STATED.
SPDX = {
    "MIT": "MIT",
    "MIT License": "MIT",
    "Apache 2.0": "Apache-2.0",
    "Apache 2.0 License": "Apache-2.0",
    "Apache-2.0": "Apache-2.0",
    "Apache Software License": "Apache-2.0",
    "ISC License": "ISC",
    "PSF-2.0": "PSF-2.0",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
    "MPL-2.0 AND MIT": "MPL-2.0 AND MIT",
    "LicenseRef-NVIDIA-Proprietary": "LicenseRef-NVIDIA-Proprietary",
    "NVIDIA Proprietary Software": "LicenseRef-NVIDIA-Proprietary",
}

# Packages whose metadata is silent or vague; read from the licence files that they carry.
STATED = {
    "anny": "Apache-2.0",
    "colorama": "BSD-3-Clause",
    "cuda-toolkit": "LicenseRef-NVIDIA-Proprietary",
    "espeakng-loader": "GPL-3.0-or-later",
    "flatbuffers": "Apache-2.0",
    "jinja2": "BSD-3-Clause",
    "mpmath": "BSD-3-Clause",
    "numba": "BSD-2-Clause",
    "nvidia-nvtx": "Apache-2.0",
    "pocketsphinx": "BSD-2-Clause AND BSD-3-Clause",
    "protobuf": "BSD-3-Clause",
    "scipy": "BSD-3-Clause",
    "sympy": "BSD-3-Clause",
    "trimesh": "MIT",
}


def licence_of(dist: Distribution) -> str:
    """The SPDX expression of an installed package, or "unknown"."""
    meta = dist.metadata
    stated = STATED.get(canonicalize_name(dist.name))
    if stated or meta.get("License-Expression"):
        return str(stated or meta["License-Expression"])
    classifiers = [c.split(" :: ")[-1] for c in meta.get_all("Classifier") or () if c.startswith("License ::")]
    for text in (str(meta.get("License") or ""), *classifiers):
        if text.strip() in SPDX:
            return SPDX[text.strip()]
    return "unknown"


def installed(paths: Iterable[str] = ()) -> dict[str, Distribution]:
    """Canonical name -> package, of this interpreter and of the folders *paths*; this interpreter's come first."""
    found: dict[str, Distribution] = {}
    for dist in (*distributions(), *(distributions(path=list(paths)) if paths else ())):
        found.setdefault(canonicalize_name(dist.name), dist)
    return found


def groups() -> dict[str, list[str]]:
    """Where a dependency is used -> the requirements that ``pyproject.toml`` states for it."""
    with (ROOT / "pyproject.toml").open("rb") as file:
        project = tomllib.load(file)
    return {
        "core": project["project"]["dependencies"],
        **project["project"]["optional-dependencies"],
        **project["dependency-groups"],
        "packaging": project["build-system"]["requires"],
    }


def _wanted(requirements: Iterable[str], extras: Iterable[str]) -> Iterator[Requirement]:
    for text in requirements:
        requirement = Requirement(text)
        marker = requirement.marker
        if marker is None or any(
            marker.evaluate({**environment, "extra": extra}) for environment in ENVIRONMENTS for extra in ("", *extras)
        ):
            yield requirement


def closure(requirements: Iterable[str], known: dict[str, Distribution]) -> dict[str, bool]:
    """Every package that *requirements* bring in -> whether they name it themselves."""
    found: dict[str, bool] = {}
    seen: set[tuple[str, frozenset[str]]] = set()
    queue = [(requirement, True) for requirement in _wanted(requirements, ())]
    while queue:
        requirement, direct = queue.pop()
        name, extras = canonicalize_name(requirement.name), frozenset(requirement.extras)
        found[name] = found.get(name, False) or direct
        if (name, extras) not in seen and name in known:
            seen.add((name, extras))
            queue += [(inner, False) for inner in _wanted(known[name].requires or (), extras)]
    return found


def python_part(paths: Iterable[str], before: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The entries of all Python packages; *before* serves those that are not installed."""
    known, old = installed(paths), {entry["name"]: entry for entry in before}
    used: dict[str, dict[str, bool]] = {}
    for group, requirements in groups().items():
        found = closure(requirements, known)
        for name, direct in found.items():
            used.setdefault(name, {})[group] = direct
        if not found.keys() <= known.keys():  # Below a package that is not installed, the list is all that is known.
            for name, entry in old.items():
                if group in entry["used"]:
                    used.setdefault(name, {}).setdefault(group, False)
    return [
        {
            "name": name,
            "version": known[name].version if name in known else old.get(name, {}).get("version", ""),
            "licence": licence_of(known[name])
            if name in known
            else old.get(name, {}).get("licence", STATED.get(name, "unknown")),
            "used": sorted(use),
            "direct": sorted(group for group, direct in use.items() if direct),
        }
        for name, use in sorted(used.items())
    ]


def problems() -> list[str]:
    """What the committed list gets wrong about the packages that are installed here; empty when nothing."""
    entries = {entry["name"]: entry for entry in json.loads(LIST.read_text("utf-8"))["python"]}
    known, found = installed(), []
    for group, requirements in groups().items():
        for name, direct in closure(requirements, known).items():
            entry = entries.get(name)
            if entry is None or group not in entry["used"]:
                found.append(f"{name} is used by {group} and not listed there")
            elif direct and group not in entry["direct"]:
                found.append(f"{name} is a direct dependency of {group} and not listed as one")
            elif name in known and entry["licence"] != licence_of(known[name]):
                found.append(f"{name} is {licence_of(known[name])} and listed as {entry['licence']}")
    found += [f"the licence of {name} is unknown" for name, entry in entries.items() if entry["licence"] == "unknown"]
    return sorted(set(found))


def as_text(content: dict[str, Any]) -> str:
    """JSON with one entry on each line, so that a change of one is a change of one line."""
    parts = []
    for key, value in content.items():
        inner: Iterable[str] = ()
        if isinstance(value, list):
            inner = (json.dumps(entry, ensure_ascii=False) for entry in value)
        elif isinstance(value, dict):
            inner = (f"{json.dumps(k)}: {json.dumps(v, ensure_ascii=False)}" for k, v in value.items())
        else:
            parts.append(f"{json.dumps(key)}: {json.dumps(value)}")
            continue
        opening, closing = ("[", "]") if isinstance(value, list) else ("{", "}")
        parts.append(f"{json.dumps(key)}: {opening}\n " + ",\n ".join(inner) + f"\n{closing}")
    return "{\n" + ",\n".join(parts) + "\n}\n"


def main() -> int:
    """Command line; see the module's docstring."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="compare only")
    parser.add_argument("--path", action="append", default=[], metavar="DIR", help="a folder of installed packages")
    options = parser.parse_args()
    if options.check:
        found = problems()
        print("\n".join(found) or "The licence list is right.")
        return 1 if found else 0
    content = json.loads(LIST.read_text("utf-8"))
    content["python"] = python_part(options.path, content["python"])
    LIST.write_text(as_text(content), "utf-8")
    unknown = [entry["name"] for entry in content["python"] if entry["licence"] == "unknown"]
    print(f"Wrote {len(content['python'])} packages" + (f"; licence unknown: {', '.join(unknown)}" if unknown else ""))
    return 1 if unknown else 0


if __name__ == "__main__":
    sys.exit(main())
