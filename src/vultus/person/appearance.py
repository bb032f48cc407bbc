"""The look of one identity as a texture: colours and surface of every texel, painted once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt

from vultus.person.atlas import MOUTH_TILES, Kind, Textured, atlas_uv, kinds, painter_coordinates
from vultus.person.choices import EYE_COLOURS, HAIR_COLOURS, SHIRT_COLOURS
from vultus.person.clothes import NECK, outfit, stand_off
from vultus.person.hairline import growth
from vultus.person.identity import Identity
from vultus.person.paint import paint_rows
from vultus.person.pigment import CHANNELS, EYE_Y, OPEN
from vultus.render.threads import spread
from vultus.render.triangles import Rasteriser, interpolate, sample

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]
U8 = NDArray[np.uint8]

# sRGB from the lightest to the darkest skin, after the Monk scale but spaced evenly in lightness.
_SKINS = np.array(
    [[0.92, 0.785, 0.725], [0.86, 0.71, 0.625], [0.75, 0.585, 0.475], [0.585, 0.43, 0.34], [0.425, 0.305, 0.24],
     [0.29, 0.21, 0.17]]
)  # fmt: skip


class Masked(Textured, Protocol):
    """A mesh with MakeHuman's masks in the UV space of ``uv``: name -> uint8 [1024, 1024], row 0 at v = 1."""

    @property
    def masks(self) -> Mapping[str, U8]: ...


@dataclass(frozen=True, eq=False)
class Appearance:
    """The painted person.

    ``texture`` uint8 [S, S, 8]: three colours as 255 sqrt(linear), then hair, gloss, shine, openness (how much light
    can reach it at rest) and softness (how far light scatters below), 255 = full; row 0 at v = 1. ``uv`` float32
    [VT, 2] are its coordinates for the corners ``uv_triangles`` of the mesh. ``lift`` float32 [V] is how far, in
    metres, the shirt lifts each vertex off the skin.
    """

    texture: U8
    uv: F32
    lift: F32

    def srgb(self) -> U8:
        """The colours alone as an sRGB image [S, S, 3], as glTF wants its base colour texture.

        What light hardly reaches (back teeth, the inside of the mouth) is dark in it, because engines do not know.
        """
        light = (self.texture[..., :3] / np.float32(255)) ** 2 * (self.texture[..., OPEN, None] / np.float32(255))
        encoded = np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)
        return np.rint(255 * encoded).astype(np.uint8)


def linear(colour: tuple[float, float, float] | F64) -> F64:
    """sRGB in [0, 1] -> linear RGB (IEC 61966-2-1)."""
    c = np.asarray(colour, np.float64)
    return np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4)


def palette(identity: Identity) -> F64:
    """The colours [6, 3] that the painter uses, linear RGB: skin, lips, brows, hair, iris, shirt."""
    t = identity.skin_tone * (len(_SKINS) - 1)
    skin = linear(np.array([np.interp(t, np.arange(len(_SKINS)), _SKINS[:, c]) for c in range(3)]))
    rng = np.random.default_rng([identity.seed, 1])
    skin = skin * (1 + rng.normal(0, [0.03, 0.03, 0.05]))
    lip = skin * (np.array([0.84, 0.56, 0.555]) - np.array([0.02, 0.10, 0.085]) * identity.gender)
    lip += (np.array([0.36, 0.075, 0.085]) - lip) * 0.30 * identity.gender * (1 - 0.5 * identity.skin_tone)
    hair = linear(HAIR_COLOURS[identity.hair_colour]) * 1.15 + [0.007, 0.0055, 0.0045]
    brow = 0.8 * hair / (1 + 3 * hair.mean()) + 0.012 * skin  # light hair goes with darker brows
    # An iris is painted darker than the colour it is known by, because fibres and ring lighten and darken it.
    iris = linear(EYE_COLOURS[identity.eye_colour]) * 1.9 + [0.016, 0.011, 0.008]
    return np.stack([skin, lip, brow, hair, iris, linear(SHIRT_COLOURS[identity.shirt_colour])])


def settings(identity: Identity) -> F64:
    """The painter's numbers in the order of its constants: seed, stubble, freckles, age, make-up, …"""
    rng = np.random.default_rng([identity.seed, 2])
    freckled, redness = rng.uniform(0, 1), rng.uniform(0.2, 0.7)
    pale = max(0.0, 1 - 2.2 * identity.skin_tone)
    red_hair = identity.hair_colour in ("auburn", "ginger", "blond", "light_blond")
    freckles = pale * (freckled if freckled > (0.45 if red_hair else 0.75) else 0.0)
    age = float(np.clip((identity.age - 28) / 50, 0, 1))
    make_up = float(np.clip(identity.gender * 1.2 - 0.2, 0, 1)) * rng.uniform(0.1, 0.8)
    brows = 0.55 + 0.5 * identity.brow_weight
    lashes = 0.25 + 0.75 * identity.lashes
    return np.array([identity.seed % 100_000, identity.stubble, freckles, age, make_up, brows, redness, lashes])


def brow_line(identity: Identity) -> F64:
    """The left brow from nose to temple [K, 3]: x, y of its middle and half its thickness, in painter metres.

    Women's brows lie higher and arch more; men's are straight and thick; with age they sink at the temple.
    """
    rng = np.random.default_rng([identity.seed, 3])
    woman, age = identity.gender, float(np.clip((identity.age - 40) / 40, 0, 1))
    t = np.linspace(0, 1, 24)
    start, stop = 0.0112 + rng.normal(0, 0.0007), 0.0535 + rng.normal(0, 0.0008)
    peak = 0.62 + rng.normal(0, 0.04)
    arch = (0.0032 + 0.0024 * woman + rng.normal(0, 0.0007)) * np.sin(0.5 * np.pi * np.clip(t / peak, 0, 1))
    fall = (0.0062 + 0.0012 * woman + 0.001 * age) * (np.clip(t - peak, 0, 1) / (1 - peak)) ** 1.5
    y = EYE_Y + 0.0178 + 0.0012 * woman + rng.normal(0, 0.0006) + arch - fall
    thick = (0.0027 + 0.0016 * identity.brow_weight - 0.0009 * woman) * (1 - 0.70 * t**1.6)
    thick *= np.clip(0.62 + 3.5 * t, 0, 1)
    return np.stack([start + (stop - start) * t, y, thick], 1)


def lift(mesh: Textured, identity: Identity) -> F32:
    """How far clothes lift each vertex off the skin [V], in metres; 0 at their edge."""
    out = np.zeros(len(mesh.rest), np.float32)
    places = painter_coordinates(mesh)
    kind = int(outfit(identity)[NECK])
    for v in np.unique(mesh.triangles[kinds(mesh) == Kind.SKIN]):
        x, y, z = (float(c) for c in places[v])
        out[v] = stand_off(x, y, z, kind) if y < 0.64 else 0.0
    return out


def _visible(mesh: Masked, size: int, uv: F32) -> tuple[NDArray[np.int32], F32, U8]:
    """Per texel: material or -1 [S, S], place on the template [S, S, 3], masks [S, S, 4]."""
    kind = kinds(mesh)
    keep = kind != Kind.HIDDEN
    triangles, corners = mesh.triangles[keep], np.ascontiguousarray(mesh.uv_triangles[keep])
    raster = Rasteriser(size, size)
    screen = np.stack([uv[:, 0] * size, (1 - uv[:, 1]) * size, np.ones(len(uv))], 1).astype(np.float32)
    raster.draw(screen, corners, cull="none")
    place = interpolate(raster, np.ascontiguousarray(triangles), painter_coordinates(mesh))
    original = interpolate(raster, corners, mesh.uv)
    names = ("lips", "insideMouth", "eyelids", "ears")
    masks = sample(np.stack([mesh.masks[name] for name in names], -1).astype(np.float32), original)
    return (
        np.where(raster.ids >= 0, kind[keep][raster.ids], -1).astype(np.int32),
        place,
        np.rint(masks).astype(np.uint8),
    )


def paint(mesh: Masked, identity: Identity, size: int = 1024) -> Appearance:
    """Paint *identity* on a texture of *size* x *size*; the same identity gives the same bytes."""
    uv = atlas_uv(mesh)
    kind, place, masks = _visible(mesh, size, uv)
    texture = np.zeros((size, size, CHANNELS), np.uint8)
    colours, numbers, line = palette(identity), settings(identity), brow_line(identity)
    hairs, dress = growth(identity), outfit(identity)
    pieces = -(-size // 16)
    spread(
        lambda i: paint_rows(
            i * 16,
            min(size, i * 16 + 16),
            kind,
            place,
            masks,
            colours,
            numbers,
            line,
            hairs,
            dress,
            MOUTH_TILES,
            texture,
        ),
        pieces,
    )
    # Filtering reads a little past the edges of the islands: repeat the nearest painted texel there.
    nearest = distance_transform_edt(kind < 0, return_distances=False, return_indices=True)
    return Appearance(np.ascontiguousarray(texture[nearest[0], nearest[1]]), uv, lift(mesh, identity))
