"""Derive src/vultus/data/landmarks.npz: where the tracker's 478 points lie on the person.

    python tools/build_landmarks.py [--people 14] [--seed 1000] [--out src/vultus/data/landmarks.npz]

People are drawn in the default look, neutral, with the mouth open and turned a little; the tracker reads their
landmarks; rays through these hit the mesh. Each point's place is the geometric median of all hits on the template that
people share, averaged with its mirror image and put on the nearest of the triangles that were hit. Hits count by how
much the surface faces the camera, because a pixel is a long way on skin seen from the side. Inner lips come from open
mouths, irises from the eyeballs.
"""

from __future__ import annotations

import argparse
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from vultus import channels as ch
from vultus import store
from vultus.heads.person import PersonHead
from vultus.io.files import atomic
from vultus.observers.tracker import Tracker, canonical_face
from vultus.person import landmarks as lm
from vultus.person.atlas import Kind, kinds
from vultus.person.identity import Identity
from vultus.person.mesh import build_mesh
from vultus.render.triangles import Rasteriser, project

SIZE, FINER = 512, 2  # pixels of a picture, and rays a pixel along each side
FAR = 5.0  # pixels from a landmark at which a surface still counts as hit
OPEN = 0.40  # jawOpen
POSES = ({}, {"headYaw": 0.12}, {"headYaw": -0.12}, {"jawOpen": OPEN})  # radians
Floats = NDArray[np.float64]


def row_of(pose: dict[str, float]) -> NDArray[np.float32]:
    """The frame [69] of one of POSES."""
    row = np.zeros(len(ch.CHANNELS), np.float32)
    for name, value in pose.items():
        if name == "headYaw":
            row[ch.HEAD.start + 1] = value
        else:
            row[ch.INDEX[name]] = value
    return row


def allowed(point: int) -> tuple[int, ...]:
    """The materials that a point may lie on."""
    if point in lm.RIGHT_IRIS:
        return (Kind.EYE_RIGHT,)
    return (Kind.EYE_LEFT,) if point in lm.LEFT_IRIS else (Kind.SKIN,)


def to_coarse(triangle: NDArray[np.int64], bary: Floats, coarse: int) -> tuple[NDArray[np.int64], Floats]:
    """The inverse of ``landmarks.to_fine``."""
    a, b, c = bary.T
    whole, half = a + (b + c) / 2, np.stack([b, c]) / 2
    ways = np.stack(
        [
            np.stack([whole, half[0], half[1]], 1),
            np.stack([half[1], whole, half[0]], 1),
            np.stack([half[0], half[1], whole], 1),
            np.stack([(a + c) / 2, (a + b) / 2, (b + c) / 2], 1),
        ]
    )
    return triangle % coarse, ways[triangle // coarse, np.arange(len(bary))]


def hits(
    head: PersonHead, row: NDArray[np.float32], tracker: Tracker, coarse: int
) -> tuple[Any, Floats, Floats] | None:
    """Coarse triangle [478] (-1: none), weights [478, 3] where rays through the read landmarks meet the mesh, and how
    much the surface there faces the camera [478] in [0, 1]."""
    face = tracker.track(head.frame(row), fresh=True)
    if face is None:
        return None
    mesh, vertices = head.mesh_data, head.vertices(row)
    kind = kinds(mesh)
    shown = np.flatnonzero((kind != Kind.HIDDEN) & (kind != Kind.CLOTH))
    raster = Rasteriser(SIZE * FINER, SIZE * FINER)
    screen = project(head.camera.resized(SIZE * FINER, SIZE * FINER), vertices)
    raster.draw(screen, np.ascontiguousarray(mesh.triangles[shown]))
    seen = np.where(raster.ids >= 0, shown[raster.ids], -1)
    triangle, bary = np.full(lm.COUNT, -1, np.int64), np.zeros((lm.COUNT, 3))
    for what in ((Kind.SKIN,), (Kind.EYE_LEFT,), (Kind.EYE_RIGHT,)):
        points = np.array([p for p in range(lm.COUNT) if allowed(p) == what])
        y, x = np.nonzero((seen >= 0) & np.isin(kind[seen], what))
        if not len(y):
            continue
        tree = cKDTree(np.stack([x + 0.5, y + 0.5], 1) / FINER)
        far, nearest = tree.query(face.landmarks[points, :2])
        good = far < FAR
        rows, columns = y[nearest[good]], x[nearest[good]]
        weight = raster.bary[rows, columns].astype(np.float64)
        triangle[points[good]] = seen[rows, columns]
        bary[points[good]] = np.column_stack([weight, 1 - weight.sum(1)])
    found = triangle >= 0
    corner = vertices[mesh.triangles[triangle]].astype(np.float64)
    normal = np.cross(corner[:, 1] - corner[:, 0], corner[:, 2] - corner[:, 0])
    view = head.camera.position - corner.mean(1)
    facing = (normal * view).sum(1) / np.maximum(np.linalg.norm(normal, axis=1) * np.linalg.norm(view, axis=1), 1e-12)
    triangle[found], bary[found] = to_coarse(triangle[found], bary[found], coarse)
    return triangle, bary, np.clip(facing, 0.02, 1)


def median(points: Floats, share: Floats) -> Floats:
    """The geometric median [3] of points [N, 3] that count by *share* [N] (Weiszfeld's iteration)."""
    centre = np.median(points, 0)
    for _ in range(60):
        weight = share / np.maximum(np.linalg.norm(points - centre, axis=1), 1e-6)
        centre = weight @ points / weight.sum()
    return centre


def nearest_on(place: Floats, triangles: NDArray[np.int64], corners: Floats) -> tuple[int, Floats]:
    """The triangle, of those numbered, and the weights of the point nearest to *place*; *corners* [N, 3, 3]."""
    best = (np.inf, -1, np.zeros(3))
    for number, corner in zip(triangles, corners, strict=True):
        edges = np.stack([corner[0] - corner[2], corner[1] - corner[2]], 1)
        first = np.linalg.lstsq(edges, place - corner[2], rcond=None)[0]
        weight = np.clip(np.array([*first, 1 - first.sum()]), 0, None)
        weight /= weight.sum()
        far = float(np.linalg.norm(weight @ corner - place))
        if far < best[0]:
            best = far, int(number), weight
    return best[1], best[2]


def mirrors(canonical: Floats) -> NDArray[np.int32]:
    """The point on the other side [478]; irises run from one side over the top to the other in both eyes."""
    flipped = canonical * (-1, 1, 1)
    mirror = np.zeros(lm.COUNT, np.int32)
    mirror[:468] = cKDTree(canonical).query(flipped)[1]
    # 469 and 474 lie to the left in the picture, 471 and 476 to the right.
    mirror[468:] = (473, 476, 475, 474, 477, 468, 471, 470, 469, 472)
    return mirror


def main() -> None:
    """Draw, read, and write the file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--people", type=int, default=14)
    parser.add_argument("--seed", type=int, default=1000)
    parser.add_argument("--out", type=Path, default=Path("src/vultus/data/landmarks.npz"))
    options = parser.parse_args()
    bundle = store.path("face_landmarker")
    tracker = Tracker(bundle)
    with zipfile.ZipFile(bundle) as archive:
        canonical, _ = canonical_face(archive.read("geometry_pipeline_metadata_landmarks.binarypb"))
    mesh = build_mesh(Identity())
    rest = mesh.rest.astype(np.float64)[mesh.triangles]
    fine = build_mesh(Identity(), subdivisions=1)
    coarse = (len(fine.triangles) - len(mesh.triangles)) // 3
    found: list[list[tuple[int, Floats, float]]] = [[] for _ in range(lm.COUNT)]
    for seed in range(options.seed, options.seed + options.people):
        head = PersonHead(Identity.from_seed(seed).replace(glasses="none", beard="none"), size=(SIZE, SIZE))
        for pose in POSES:
            hit = hits(head, row_of(pose), tracker, coarse)
            print(f"person:{seed} {pose}: {'no face' if hit is None else int((hit[0] >= 0).sum())}", flush=True)
            if hit is None:
                continue
            for point in range(lm.COUNT):
                if hit[0][point] >= 0 and (point in lm.INNER_LIPS) == ("jawOpen" in pose):
                    found[point].append((int(hit[0][point]), hit[1][point], float(hit[2][point])))
    where = [np.array([weight @ rest[t] for t, weight, _ in some]) for some in found]
    share = [np.array([facing**2 for *_, facing in some]) for some in found]
    middle = np.array([median(some, each) for some, each in zip(where, share, strict=True)])
    mirror = mirrors(canonical)
    both = 0.5 * (middle + middle[mirror] * (-1, 1, 1))
    triangle, bary = np.zeros(lm.COUNT, np.int32), np.zeros((lm.COUNT, 3), np.float32)
    centre = rest.mean(1)
    flip = cKDTree(centre).query(centre * (-1, 1, 1))[1]
    kind = kinds(mesh)
    for point in range(lm.COUNT):
        options_ = {t for t, *_ in found[point]} | {int(flip[t]) for t, *_ in found[mirror[point]]}
        candidates = np.array(sorted(t for t in options_ if kind[t] in allowed(point)))
        triangle[point], bary[point] = nearest_on(both[point], candidates, rest[candidates])
    spread = [np.median(np.linalg.norm(some - both[p], axis=1)) for p, some in enumerate(where)]
    command = f"python tools/build_landmarks.py --people {options.people} --seed {options.seed}"
    with atomic(options.out) as path, path.open("wb") as file:
        np.savez_compressed(
            file, format=lm.FORMAT, version=lm.VERSION, seed=options.seed, people=options.people, command=command,
            triangle=triangle, bary=bary, mirror=mirror, spread=np.array(spread, np.float32),
        )  # fmt: skip
    print(f"{options.out}: median spread {1e3 * np.median(spread):.2f} mm, largest {1e3 * max(spread):.2f} mm")


if __name__ == "__main__":
    main()
