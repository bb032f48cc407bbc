"""Strands of hair: what a hairstyle is made of, and how strands follow the person."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from vultus.errors import VultusError

F32 = NDArray[np.float32]
I32 = NDArray[np.int32]


@dataclass(frozen=True, eq=False)
class Groom:
    """Strands of one kind of hair of one person at rest; a person's hair is a tuple of these.

    ``points`` float32 [N, P, 3] metres, world coordinates at rest (``PersonMesh.neutral`` of the bust with one
    subdivision), ``[:, 0]`` being the roots on the skin; ``triangle`` int32 [N] the row of ``mesh.triangles`` that
    each root sits on and ``bary`` float32 [N, 2] the weights of that triangle's first two corners; ``width`` float32
    [N] the diameter in metres as drawn (a strand may stand for a small clump: 0.1 to 1.2 mm), which tapers to the
    tip; ``colour`` float32 [N, 3] the linear RGB albedo.

    Per point, float32 [N, P] in [0, 1]: ``follow`` is how far a point follows its root's frame (1) rather than the
    torso (0), because long hair rests on shoulders; ``sway`` how far inertia carries it, 0 at roots; ``open`` the
    share of light that gets there inside the volume of the hair.

    Strands come in shuffled order, so that every prefix is an even sample. Raises VultusError on arrays that do not
    fit together.
    """

    points: F32
    triangle: I32
    bary: F32
    width: F32
    colour: F32
    follow: F32
    sway: F32
    open: F32

    def __post_init__(self) -> None:
        n, p = self.points.shape[:2] if self.points.ndim == 3 else (-1, -1)
        shapes = {
            "points": (n, p, 3), "triangle": (n,), "bary": (n, 2), "width": (n,), "colour": (n, 3),
            "follow": (n, p), "sway": (n, p), "open": (n, p),
        }  # fmt: skip
        for name, shape in shapes.items():
            kind = np.int32 if name == "triangle" else np.float32
            value = getattr(self, name)
            if value.shape != shape or value.dtype != kind:
                raise VultusError(f"{name} of strands must be {np.dtype(kind)} {shape}, not {value.dtype} {value.shape}")
        if p < 2:
            raise VultusError("A strand needs at least two points")

    def __len__(self) -> int:
        """The number of strands."""
        return len(self.points)


def thinned(groom: Groom, share: float) -> Groom:
    """The first *share* in (0, 1] of the strands, widened so that they cover as much."""
    count = max(1, round(len(groom) * min(share, 1.0))) if len(groom) else 0
    if count == len(groom):
        return groom
    widen = np.float32((len(groom) / count) ** 0.75)  # not in full: wide strands overlap less
    return replace(
        groom, points=groom.points[:count], triangle=groom.triangle[:count], bary=groom.bary[:count],
        width=groom.width[:count] * widen, colour=groom.colour[:count], follow=groom.follow[:count],
        sway=groom.sway[:count], open=groom.open[:count],
    )  # fmt: skip
