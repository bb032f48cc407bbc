"""Derive src/vultus/data/landmarks.npz: where the tracker's 478 points lie on the person.

    python tools/build_landmarks.py [--people 12] [--seed 1000] [--out src/vultus/data/landmarks.npz]

People are drawn in the default look, neutral, turned to either side, and with the mouth open; the tracker reads their
landmarks. Rays through these hit the mesh, and the median of the hits on the template that people share is where the
search begins. A point's place is then the one, of many on all triangles nearby that are in sight, whose picture lies
nearest to what was read, over all pictures and with its mirror image on the other side (a sum of distances, which
outliers do not rule). Inner lips come from open mouths, irises from the eyeballs.
"""

from __future__ import annotations

import argparse
import zipfile
from collections import Counter
from dataclasses import dataclass
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
from vultus.person.mesh import PersonMesh, build_mesh
from vultus.render.triangles import Rasteriser, project

SIZE = 512  # pixels of a picture
FAR = 5.0  # pixels from a landmark at which a surface still counts as hit
OPEN = 0.40  # jawOpen
POSES = ({}, *({"headRotationY": yaw} for yaw in (0.12, -0.12, 0.3, -0.3)), {"jawOpen": OPEN})  # radians
NEAR = 0.016  # metres around the median hit that are searched
FINE = 6  # steps along a triangle's side that are tried
STAY = 0.06  # what a place costs that lies as far from the median hit as it is wrong in pictures
SEEN = 0.15  # share of the pictures in which a triangle must be in sight
Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Picture:
    """What one picture told: whether the mouth is open and the head straight, the read points [478, 2] and the
    vertices of the fine mesh [V, 2] in pixels, the distance between the eyes in pixels, the coarse triangles in sight,
    and where rays through the points hit: coarse triangles [478] (-1: nowhere) and weights [478, 3]."""

    opened: bool
    ahead: bool
    read: Floats
    vertices: Floats
    unit: float
    seen: Ints
    triangle: Ints
    bary: Floats


def allowed(point: int) -> int:
    """The material that a point lies on."""
    if point in lm.RIGHT_IRIS:
        return Kind.EYE_RIGHT
    return Kind.EYE_LEFT if point in lm.LEFT_IRIS else Kind.SKIN


def to_coarse(triangle: Ints, bary: Floats, coarse: int) -> tuple[Ints, Floats]:
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


def look(head: PersonHead, pose: dict[str, float], tracker: Tracker, coarse: int) -> Picture | None:
    """Draw *head*, read its landmarks and find what they hit; None when the tracker finds no face."""
    row = np.zeros(len(ch.CHANNELS), np.float32)
    for name, value in pose.items():
        row[ch.INDEX[name]] = value
    face = tracker.track(head.frame(row), fresh=True)
    if face is None:
        return None
    mesh, vertices = head.mesh_data, head.vertices(row)
    kind = kinds(mesh)
    shown = np.flatnonzero((kind != Kind.HIDDEN) & (kind != Kind.CLOTH))
    raster, screen = Rasteriser(SIZE, SIZE), project(head.camera, vertices)
    raster.draw(screen, np.ascontiguousarray(mesh.triangles[shown]))
    seen = np.where(raster.ids >= 0, shown[raster.ids], -1)
    triangle, bary = np.full(lm.COUNT, -1, np.int64), np.zeros((lm.COUNT, 3))
    read = face.landmarks[:, :2].astype(np.float64)
    for what in (Kind.SKIN, Kind.EYE_LEFT, Kind.EYE_RIGHT):
        points = np.array([p for p in range(lm.COUNT) if allowed(p) == what])
        y, x = np.nonzero((seen >= 0) & (kind[seen] == what))
        if not len(y):
            continue
        far, nearest = cKDTree(np.stack([x + 0.5, y + 0.5], 1)).query(read[points])
        good = far < FAR
        rows, columns = y[nearest[good]], x[nearest[good]]
        weight = raster.bary[rows, columns].astype(np.float64)
        triangle[points[good]] = seen[rows, columns]
        bary[points[good]] = np.column_stack([weight, 1 - weight.sum(1)])
    found = triangle >= 0
    triangle[found], bary[found] = to_coarse(triangle[found], bary[found], coarse)
    unit = float(np.linalg.norm(read[lm.LEFT_IRIS[0]] - read[lm.RIGHT_IRIS[0]])) / np.cos(pose.get("headRotationY", 0))
    inside = np.unique(seen[(seen >= 0) & (seen < 4 * coarse)] % coarse)
    return Picture(
        "jawOpen" in pose, not pose, read, screen[:, :2].astype(np.float64), unit, inside, triangle, bary
    )  # fmt: skip


def median(points: Floats) -> Floats:
    """The geometric median [3] of points [N, 3] (Weiszfeld's iteration)."""
    centre = np.median(points, 0)
    for _ in range(60):
        weight = 1 / np.maximum(np.linalg.norm(points - centre, axis=1), 1e-6)
        centre = weight @ points / weight.sum()
    return centre


def mirrors(canonical: Floats) -> NDArray[np.int32]:
    """The point on the other side [478]; irises run from one side over the top to the other in both eyes."""
    mirror = np.zeros(lm.COUNT, np.int32)
    mirror[:468] = cKDTree(canonical).query(canonical * (-1, 1, 1))[1]
    # 469 and 474 lie to the left in the picture, 471 and 476 to the right.
    mirror[468:] = (473, 476, 475, 474, 477, 468, 471, 470, 469, 472)
    return mirror


def other_side(rest: Floats) -> Ints:
    """The vertex that lies as each of *rest* [V, 3] does, on the other side [V]."""
    return np.asarray(cKDTree(rest).query(rest * (-1, 1, 1))[1])


class Search:
    """Finds places on the coarse mesh that look right in all pictures."""

    def __init__(self, pictures: list[Picture], mesh: PersonMesh, fine: PersonMesh, coarse: int) -> None:
        self.pictures, self.mesh, self.fine, self.coarse = pictures, mesh, fine, coarse
        self.kind, self.rest = kinds(mesh), mesh.rest.astype(np.float64)
        self.centre = self.rest[mesh.triangles].mean(1)
        self.flip, self.flip_fine = other_side(self.rest), other_side(fine.rest.astype(np.float64))
        n = np.arange(FINE + 1)
        a, b = (g.ravel() for g in np.meshgrid(n, n))
        self.grid = np.stack([a, b, FINE - a - b], 1)[a + b <= FINE] / FINE
        self.visible = {opened: self._visible(opened) for opened in (False, True)}

    def _visible(self, opened: bool) -> Ints:
        some = [p for p in self.pictures if p.opened == opened]
        count = Counter(int(t) for p in some for t in p.seen)
        return np.array(sorted(t for t, many in count.items() if many >= SEEN * len(some)))

    def place(self, point: int, mirrored: int, start: Floats) -> tuple[int, Floats]:
        """Triangle and weights [3] of *point*, whose image on the other side is the point *mirrored*; *start* [3] is
        the median hit on the template."""
        inner = point in lm.INNER_LIPS
        triangles = self.visible[inner]
        far = np.linalg.norm(self.centre[triangles] - start, axis=1)
        near = triangles[(far < NEAR) & (self.kind[triangles] == allowed(point))]
        triangle = near.repeat(len(self.grid))
        bary = np.tile(self.grid, (len(near), 1))
        places = np.einsum("nci,nc->ni", self.rest[self.mesh.triangles[triangle]], bary)
        number, weight = lm.to_fine(triangle.astype(np.int32), bary.astype(np.float32), self.coarse)
        index = self.fine.triangles[number]
        some = [p for p in self.pictures if p.opened == inner]
        cost = np.zeros(len(places))
        for p in some:
            for corners, target in ((index, point), (self.flip_fine[index], mirrored)):
                at = np.einsum("nci,nc->ni", p.vertices[corners], weight)
                cost += np.linalg.norm(at - p.read[target], axis=1) / p.unit / (2 * len(some))
        best = int((cost + STAY * np.linalg.norm(places - start, axis=1) / 0.062).argmin())
        return int(triangle[best]), bary[best]

    def reflected(self, triangle: int, bary: Floats) -> tuple[int, Floats]:
        """The same place on the other side."""
        corners = self.flip[self.mesh.triangles[triangle]]
        for number in np.flatnonzero((np.sort(self.mesh.triangles, 1) == np.sort(corners)).all(1)):
            order = [list(corners).index(v) for v in self.mesh.triangles[number]]
            return int(number), bary[order]
        raise SystemExit(f"Triangle {triangle} has no mirror image")


def pictures_of(seeds: range, tracker: Tracker, coarse: int) -> list[Picture]:
    """All people in all poses."""
    out = []
    for seed in seeds:
        head = PersonHead(Identity.from_seed(seed).replace(glasses="none", beard="none"), size=(SIZE, SIZE))
        every = [look(head, pose, tracker, coarse) for pose in POSES]
        out += [p for p in every if p is not None]
        print(f"person:{seed}: {sum(p is not None for p in every)} of {len(POSES)} pictures", flush=True)
    return out


def main() -> None:
    """Draw, read, search, and write the file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--people", type=int, default=12)
    parser.add_argument("--seed", type=int, default=1000)
    parser.add_argument("--out", type=Path, default=Path("src/vultus/data/landmarks.npz"))
    options = parser.parse_args()
    bundle = store.path("face_landmarker")
    with zipfile.ZipFile(bundle) as archive:
        canonical, _ = canonical_face(archive.read("geometry_pipeline_metadata_landmarks.binarypb"))
    mirror = mirrors(canonical)
    mesh, fine = build_mesh(Identity()), build_mesh(Identity(), subdivisions=1)
    coarse = (len(fine.triangles) - len(mesh.triangles)) // 3
    pictures = pictures_of(range(options.seed, options.seed + options.people), Tracker(bundle), coarse)
    rest = mesh.rest.astype(np.float64)[mesh.triangles]
    where: list[Any] = []
    for point in range(lm.COUNT):
        some = [p for p in pictures if p.triangle[point] >= 0 and p.opened == (point in lm.INNER_LIPS)]
        # Turned heads hide one side: what rays hit there may be anything.
        some = [p for p in some if p.ahead or p.opened] or some
        where.append(np.array([p.bary[point] @ rest[p.triangle[point]] for p in some]))
    middle = np.array([median(some) for some in where])
    both = 0.5 * (middle + middle[mirror] * (-1, 1, 1))
    search = Search(pictures, mesh, fine, coarse)
    triangle, bary = np.zeros(lm.COUNT, np.int32), np.zeros((lm.COUNT, 3), np.float32)
    for point in range(lm.COUNT):
        if (other := int(mirror[point])) >= point:
            triangle[point], bary[point] = search.place(point, other, both[point])
            if other > point:
                triangle[other], bary[other] = search.reflected(int(triangle[point]), bary[point])
    final = np.einsum("pci,pc->pi", rest[triangle], bary)
    spread = [np.median(np.linalg.norm(some - final[p], axis=1)) for p, some in enumerate(where)]
    command = f"python tools/build_landmarks.py --people {options.people} --seed {options.seed}"
    with atomic(options.out) as path, path.open("wb") as file:
        np.savez_compressed(
            file, format=lm.FORMAT, version=lm.VERSION, seed=options.seed, people=options.people, command=command,
            triangle=triangle, bary=bary, mirror=mirror, spread=np.array(spread, np.float32),
        )  # fmt: skip
    print(f"{options.out}: median spread {1e3 * np.median(spread):.2f} mm, largest {1e3 * max(spread):.2f} mm")


if __name__ == "__main__":
    main()
