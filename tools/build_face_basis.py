"""Build ``src/vultus/data/face_basis.npz``: how the faces of the procedural people differ, as a mean and components.

Run: ``python tools/build_face_basis.py``; it takes some minutes. The people are those of the seeds 0 to 219, built as
:func:`vultus.person.mesh.build_mesh` builds them, with the middle between the eyes as their origin. The principal
components weigh the front of the head most and clothes not at all.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from vultus.observers.basis import FORMAT, VERSION
from vultus.person.identity import Identity
from vultus.person.mesh import build_mesh
from vultus.person.pack import PART_NAMES

PEOPLE, COMPONENTS = 220, 56
OUT = Path(__file__).resolve().parents[1] / "src" / "vultus" / "data" / "face_basis.npz"


def main() -> None:
    """Build the file."""
    rows = []
    for seed in range(PEOPLE):
        mesh = build_mesh(Identity.from_seed(seed))
        origin = 0.5 * (mesh.eye_centres[0] + mesh.eye_centres[1])
        rows.append(np.concatenate([mesh.coarse, mesh.joints.positions]) - origin)
        if seed % 20 == 0:
            print(seed, flush=True)
    people = np.stack(rows).astype(np.float64)
    weight = np.full(people.shape[1], 0.15)
    weight[mesh.part_vertices("shirt")] = 0.0
    skin = mesh.part_vertices("skin")
    place = people[:, skin].mean(0)
    near = (place[:, 1] > -0.16) & (place[:, 1] < 0.13)
    weight[skin] = np.where(near & (place[:, 2] > -0.075), 1.0, np.where(place[:, 1] > -0.22, 0.3, 0.0))
    weight[len(mesh.coarse) :] = 0.15
    mean = people.mean(0)
    scaled = (people - mean) * np.maximum(weight, 1e-4)[:, None]
    flat = scaled.reshape(PEOPLE, -1)
    _, size, axes = np.linalg.svd(flat, full_matrices=False)
    spread = size[:COMPONENTS] / np.sqrt(PEOPLE)
    basis = axes[:COMPONENTS].reshape(COMPONENTS, -1, 3) * spread[:, None, None] / np.maximum(weight, 1e-4)[:, None]
    basis[:, weight == 0] = 0
    step = np.abs(basis).max(axis=(1, 2)) / 127
    coded = np.rint(basis / step[:, None, None]).astype(np.int8)
    kept = float((size[:COMPONENTS] ** 2).sum() / (size**2).sum())
    parts = np.array(PART_NAMES)
    np.savez_compressed(
        OUT, format=FORMAT, version=VERSION, mean=mean.astype(np.float32), step=step.astype(np.float32),
        components=coded, kept=kept, parts=parts,
    )  # fmt: skip
    print(f"{OUT.name}: {OUT.stat().st_size} bytes, {100 * kept:.1f} % of the variance")


if __name__ == "__main__":
    main()
