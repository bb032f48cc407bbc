"""The look of one identity as a texture: colours and surface of every texel, painted once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import scipy
from numpy.typing import NDArray

from vultus.person import draws
from vultus.person.atlas import MOUTH_TILES, Kind, Textured, atlas_uv, kinds, painter_coordinates
from vultus.person.choices import EYE_COLOURS, HAIR_COLOURS, SHIRT_COLOURS
from vultus.person.clothes import NECK, hem, outfit, stand_off
from vultus.person.hairline import growth
from vultus.person.identity import Identity
from vultus.person.paint import paint_rows
from vultus.person.pigment import CHANNELS, EYE_Y, HEM_ROWS, OPEN
from vultus.person.relief import heights, slopes
from vultus.person.skin_traits import make_up, skin_traits
from vultus.render.threads import spread
from vultus.render.triangles import Rasteriser, interpolate, sample

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]
U8 = NDArray[np.uint8]

# sRGB from the lightest to the darkest skin, after the Monk scale but spaced evenly in lightness.
_SKINS = np.array(
    [[0.885, 0.712, 0.622], [0.830, 0.632, 0.532], [0.744, 0.545, 0.438], [0.604, 0.422, 0.322],
     [0.448, 0.306, 0.232], [0.316, 0.221, 0.174]]
)  # fmt: skip


class Masked(Textured, Protocol):
    """A mesh with MakeHuman's masks in the UV space of ``uv``: name -> uint8 [1024, 1024], row 0 at v = 1."""

    @property
    def masks(self) -> Mapping[str, U8]: ...


@dataclass(frozen=True, eq=False)
class Appearance:
    """The painted person.

    ``texture`` uint8 [S, S, 8]: three colours as 255 sqrt(linear), then hair (on skin and
    cloth the depth in the cloth), gloss, shine, openness (how much light
    can reach it at rest) and softness (how far light scatters below; 204 for skin, more where light shines through),
    255 = full; row 0 at v = 1. ``relief`` uint8 [S, S, 8] are the skin's slopes as
    :func:`vultus.person.relief.slopes` makes them. ``uv`` float32 [VT, 2] are the coordinates of both for the corners
    ``uv_triangles`` of the mesh. ``lift`` float32 [V] is how far, in metres, the shirt lifts each vertex off the
    skin.
    """

    texture: U8
    relief: U8
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
    # Undertones run from rosy to golden, and skins from dull to clear.
    warm, clear = rng.normal(0, 1, 2)
    skin = skin * (1 + 0.02 * clear) * (1 + warm * np.array([0.008, 0.012, -0.045]))
    skin[1:] *= 1 - 0.018 * abs(clear)
    # Across that runs another undertone, from pink to olive.
    skin = skin * (1 + np.random.default_rng([identity.seed, 6]).uniform(-1.6, 1.6) * np.array([-0.012, 0.010, -0.020]))
    # Lips show blood through thin skin: redder than pale skin, a dull plum on dark skin.
    dark, pale = identity.skin_tone, 1 - identity.skin_tone
    lip = skin * (
        np.array([0.78, 0.52, 0.56]) + pale * np.array([0.08, 0.0, 0.03]) + dark * np.array([-0.04, 0.0, 0.18])
    )
    lip *= 1 + identity.gender * np.array([0.0, -0.07, -0.05])
    lip *= np.exp(draws.gauss(identity.seed, "lip depth", 0.19) * np.array([0.7, 1.0, 1.0]))
    lip[1:] *= np.exp(draws.gauss(identity.seed, "lip red", 0.13))
    shades = np.array([[0.42, 0.10, 0.10], [0.36, 0.055, 0.075], [0.46, 0.17, 0.15], [0.30, 0.06, 0.09]])
    shade = shades[rng.integers(len(shades))] * (0.6 + 0.4 * pale)
    lip += (shade - lip) * 0.85 * max(0.0, float(make_up(identity)[0]) - 0.25)
    hair = linear(HAIR_COLOURS[identity.hair_colour]) * 1.15 + [0.007, 0.0055, 0.0045]
    brow = 0.8 * hair / (1 + 3 * hair.mean()) + 0.012 * skin  # light hair goes with darker brows
    brow = brow * np.exp(draws.gauss(identity.seed, "brow colour", 0.5))
    # An iris is painted darker than the colour it is known by, because fibres and ring lighten and darken it.
    iris = linear(EYE_COLOURS[identity.eye_colour]) * 1.9 + [0.016, 0.011, 0.008]
    iris = iris + max(0.0, 1 - iris.mean() / 0.09) * np.array([0.044, 0.021, 0.005])  # lit fibres keep brown from black
    return np.stack([skin, lip, brow, hair, iris, linear(SHIRT_COLOURS[identity.shirt_colour])])


def settings(identity: Identity) -> F64:
    """The painter's numbers in the order of ``pigment``'s constants: seed, stubble, freckles, age, make-up, …"""
    rng = np.random.default_rng([identity.seed, 2])
    freckled, redness = rng.uniform(0, 1), rng.uniform(0.05, 0.85)
    pale = max(0.0, 1 - 2.2 * identity.skin_tone)
    red_hair = identity.hair_colour in ("auburn", "ginger", "blond", "light_blond")
    freckles = pale * (0.3 + 0.7 * freckled if freckled > (0.25 if red_hair else 0.65) else 0.0)
    # Sun, smoke and luck make skin older or younger than its years.
    age = float(np.clip((identity.age - 28 + draws.gauss(identity.seed, "weathered", 8.0)) / 50, 0, 1))
    brows = 0.55 + 0.5 * identity.brow_weight
    lashes = 0.25 + 0.75 * identity.lashes
    painted = float(make_up(identity)[0])
    first = [identity.seed % 100_000, identity.stubble, freckles, age, painted, brows, redness, lashes]
    return np.concatenate([first, skin_traits(identity)])


def brow_line(identity: Identity) -> F64:
    """The left brow from nose to temple [K, 3]: x, y of its middle and half its thickness, in painter metres.

    Women's brows lie higher and arch more; men's are straight and thick; with age they sink at the temple.
    """

    def vary(name: str, spread: float) -> float:
        return draws.gauss(identity.seed, f"brow {name}", spread)

    woman, age = identity.gender, float(np.clip((identity.age - 40) / 40, 0, 1))
    t = np.linspace(0, 1, 24)
    start, stop = 0.0135 + 0.0012 * woman + vary("start", 0.0010), 0.0535 + vary("stop", 0.0012)
    peak = 0.62 + vary("peak", 0.055)
    arch = max(0.0004, 0.0030 + 0.0016 * woman + vary("arch", 0.0006)) * np.sin(0.5 * np.pi * np.clip(t / peak, 0, 1))
    fall = (0.0062 + 0.0012 * woman + 0.001 * age + vary("fall", 0.0012)) * (
        np.clip(t - peak, 0, 1) / (1 - peak)
    ) ** 1.5
    # Brows that lie much lower would scowl, much higher ones be startled.
    y = EYE_Y + 0.0178 + 0.0012 * woman + vary("height", 0.0004) + arch - fall
    thick = (0.0024 + 0.0021 * identity.brow_weight - 0.0008 * woman) * np.exp(vary("thickness", 0.32))
    thick = thick * (1 - (0.70 + vary("tail", 0.08)) * t**1.6) * np.clip(0.62 + 3.5 * t, 0, 1)
    return np.stack([start + (stop - start) * t, y, thick], 1)


def lift(mesh: Textured, identity: Identity) -> F32:
    """How far clothes lift each vertex off the skin [V], in metres; 0 at their edge."""
    out = np.zeros(len(mesh.rest), np.float32)
    places = painter_coordinates(mesh)
    kind = int(outfit(identity)[NECK])
    skin = np.unique(mesh.triangles[kinds(mesh) == Kind.SKIN])
    for v in skin[places[skin, 1] < 0.64]:
        x, y, z = (float(c) for c in places[v])
        out[v] = stand_off(x, y, z, kind)
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

    def rows(i: int) -> None:
        paint_rows(
            16 * i, min(size, 16 * i + 16), kind, place, masks, colours, numbers, line, hairs, dress, MOUTH_TILES,
            texture,
        )  # fmt: skip

    spread(rows, -(-size // 16))
    height = heights(kind, place, masks, numbers)
    _deepen(texture, height[..., 0])
    # Filtering reads a little past the edges of the islands: repeat the nearest painted texel there.
    nearest = scipy.ndimage.distance_transform_edt(kind < 0, return_distances=False, return_indices=True)
    texture = np.ascontiguousarray(texture[nearest[0], nearest[1]])
    # The last columns belong to no island.
    edge = hem(colours, dress)
    edge[:3] = np.sqrt(edge[:3])
    texture[slice(*HEM_ROWS), -2:] = np.rint(255 * edge)
    return Appearance(texture, slopes(kind, place, height), uv, lift(mesh, identity))


def _deepen(texture: U8, height: F32) -> None:
    """Darken and redden what lies deeper in the relief than its surroundings, in place; *height* [S, S] in metres."""
    deep = np.clip((scipy.ndimage.gaussian_filter(height, len(height) / 400) - height) * 1800, -0.12, 0.45)
    for c, share in enumerate((0.62, 1.0, 1.0)):
        texture[..., c] = np.clip(texture[..., c] * np.sqrt(1 - share * deep), 0, 255).astype(np.uint8)
