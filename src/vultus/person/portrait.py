"""A person in front of a camera: vertices in, pixels out."""

from __future__ import annotations

from collections.abc import Iterator
from copy import copy
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from vultus.camera import Camera
from vultus.channels import CHANNELS
from vultus.defaults import Quality
from vultus.errors import VultusError, unknown
from vultus.person import lamps, occlusion, places, recall, shading, surface, tone, visibility
from vultus.person.appearance import Appearance, lift, paint, palette
from vultus.person.atlas import Kind, painter_coordinates
from vultus.person.creases import creases, fold
from vultus.person.drawn import Surfaces, gather, lift_off, rows_of, split_seams, surfaces
from vultus.person.eyes import EyeFrames, pupil_diameter
from vultus.person.glasses import glasses
from vultus.person.hair import Hair, hair_top, shades
from vultus.person.identity import Identity
from vultus.person.light import LightRig, light_rows, rig
from vultus.person.mesh import PersonMesh, build_mesh
from vultus.person.pigment import SKIN
from vultus.person.worn import wear
from vultus.render.shadows import ShadowMap
from vultus.render.strands import StrandLayer
from vultus.render.threads import spread_out
from vultus.render.triangles import Rasteriser, project, vertex_normals

F32 = NDArray[np.float32]
I32 = NDArray[np.int32]
F64 = NDArray[np.float64]
U8 = NDArray[np.uint8]

FACE_SHARE = 0.55  # of the height of the default picture, chin to hairline
_DISTANCE = 1.3  # metres from the default camera to the face
_SOME = 1024  # points that one thread finds the light of at a time
_INSIDE = (Kind.EYE_LEFT, Kind.EYE_RIGHT, Kind.TONGUE, Kind.CAVITY, Kind.SOCKET)
_ROWS = 32  # that one thread shades at a time


@dataclass(frozen=True)
class _Effort:
    """What a quality spends: samples per pixel along each side, whether all are shaded, shadow map size and
    lookups in it, cells of hair per pixel along each side, strands of one kind of hair, how many heights of the
    picture these are long together, how many pixels wide they are at least, and whether the skin is fine: subdivided,
    with relief."""

    samples: int
    every: bool
    shadow: int
    taps: int
    cells: int
    strands: int
    reach: float
    grain: float
    fine: bool


_EFFORTS: dict[Quality, _Effort] = {
    "draft": _Effort(1, False, 0, 0, 1, 2000, 400, 0.4, False),
    "default": _Effort(2, False, 384, 16, 1, 8000, 1900, 0.0, True),
    "film": _Effort(3, True, 768, 24, 3, 100_000, np.inf, 0.0, True),
}


@lru_cache(maxsize=4)
def _bust(identity: Identity) -> PersonMesh:
    return recall.mesh(identity, lambda: build_mesh(identity, region="bust", subdivisions=1))


@lru_cache(maxsize=8)
def _painted(identity: Identity, size: int) -> Appearance:
    return recall.appearance(identity, size, lambda: paint(_bust(identity), identity, size))


@lru_cache(maxsize=8)
def _ambient(identity: Identity) -> F32:
    """The share of sky that each drawn vertex sees at rest, [N]."""
    return recall.ambient(identity, lambda: _sky(identity))


def _sky(identity: Identity) -> F32:
    mesh, s = _bust(identity), surfaces(_bust(identity))
    vertices = mesh.neutral[s.vertices]
    lift_off(vertices, vertex_normals(vertices, s.welded), lift(mesh, identity)[s.vertices])
    hair = [(some.points, some.width) for some in shades(mesh, identity)]
    return occlusion.ambient(vertices, vertex_normals(vertices, s.welded), s.welded, hair)


def framed(identity: Identity, size: tuple[int, int] = (512, 512)) -> Camera:
    """:func:`framing` of *identity* with all of the hair at rest in the picture, the same for whatever motion."""
    mesh = _bust(identity)
    return framing(mesh, size, hair_top(mesh, identity))


def framing(mesh: PersonMesh, size: tuple[int, int] = (512, 512), top: float = -np.inf) -> Camera:
    """A camera that shows head and shoulders from the front, the face FACE_SHARE of the picture's height.

    *top* is the height of the hair in metres; where it is so tall that chin and hair would not fit, the face is less.
    """
    chin, nasion = mesh.neutral[mesh.landmark("chin")], mesh.neutral[mesh.landmark("nasion")]
    face = 1.95 * float(nasion[1] - chin[1])
    # Room above the hair; a tall head moves the frame up.
    crown = max(float(mesh.neutral[:, 1].max()) + 0.02, top)
    height = max(face / FACE_SHARE, (crown - float(chin[1])) / 0.84)
    target = np.array([0.0, max(nasion[1] - 0.004, crown + 0.03 * height - 0.5 * height), 0.06])
    fov = 2 * float(np.degrees(np.arctan(0.5 * height / _DISTANCE)))
    return Camera.look_at(target + np.array([0, 0, _DISTANCE]), target, size=size, fov=fov)


class Portrait:
    """One identity, lit and framed; renders frame after frame into buffers that it keeps.

    ``draft`` has one sample a pixel and no shadows, ``default`` smooths edges and casts shadows, ``film`` shades nine
    samples a pixel under finer shadows. The same vertices give the same bytes, whatever the number of threads. One
    Portrait renders one frame at a time; several may work side by side.
    """

    def __init__(
        self,
        identity: Identity,
        size: tuple[int, int] = (512, 512),
        quality: Quality = "default",
        light: LightRig | str = "studio",
        camera: Camera | None = None,
        place: str | None = None,
    ) -> None:
        """*size* is (width, height) in pixels; *camera*, resized to it, replaces the default framing.

        *place*, one of ``places.PLACES``, stands behind the person instead of the one that goes with the *light*.
        """
        if quality not in _EFFORTS:
            raise unknown("quality", str(quality), _EFFORTS)
        width, height = size
        if not (8 <= width <= 4096 and 8 <= height <= 4096):
            raise VultusError(f"Cannot draw {width}x{height} pixels", "Choose sizes from 8 to 4096.")
        self.identity, self.size = identity, (width, height)
        self.light = rig(light) if isinstance(light, str) else light
        self._backdrop = places.place(place or self.light.place, width, height)
        self.mesh = _bust(identity)
        self.camera = (camera or framed(identity, (width, height))).resized(width, height)
        self._effort = _EFFORTS[quality]
        texels = 2048 if quality == "film" or height > 640 else (1024 if height > 192 else 512)
        self.appearance = _painted(identity, texels)
        self._surfaces = surfaces(self.mesh, not self._effort.fine)
        frame = glasses(self.mesh, identity)
        self._worn = wear(frame, self.mesh, self._surfaces, self.appearance) if frame else None
        if self._worn:
            self._surfaces = self._worn.surfaces
        self._prepare()

    def _prepare(self) -> None:
        width, height = self.size
        k, s = self._effort.samples, self._surfaces
        skin = len(s.vertices)
        count = skin + (len(self._worn.frame.vertices) if self._worn else 0)
        self._sample_camera = self.camera.resized(width * k, height * k)
        self._raster = Rasteriser(height * k, width * k)
        h = self._effort.cells
        self._layer = StrandLayer(height * h, width * h)
        self._raised, self._normals = np.empty((count, 3), np.float32), np.empty((count, 3), np.float32)
        self._lift = np.zeros(count, np.float32)
        self._lift[:skin] = self.appearance.lift[s.vertices]
        self._lifted = np.ascontiguousarray(s.welded[(self._lift[s.welded] != 0).any(1)])
        # Place, normal, share of sky, texture coordinates; and how far the three sets of creases show.
        self._points = np.zeros((len(s.points), 12), np.float32)
        seams = len(s.uv)
        self._points[:, 6] = 0.9  # of the sky, for what is worn
        self._points[:seams, 6] = _ambient(self.identity)[rows_of(self.mesh)[s.vertices]][s.points[:seams]]
        self._points[:seams, 7:9] = self.appearance.uv[s.uv]
        if self._worn:
            self._points[seams:, 7:9] = self._worn.uv
        self._creases = creases(painter_coordinates(self.mesh)[s.vertices[s.points[:seams]]])
        self._screen = np.empty((len(s.points), 3), np.float32)
        self._lit = np.ones(len(s.points), np.float32)  # the share of the key light that reaches each point
        self._light = light_rows(self.light, float(palette(self.identity)[SKIN].mean()))
        self._table = tone.tone_table()
        self._plain = places.dithered(tone.encode(self._backdrop, self._table))
        self._words = surface.packed(self._worn.texture if self._worn else self.appearance.texture)
        rough = self.appearance.relief if self._effort.fine else np.full((1, 1, 8), 128, np.uint8)
        self._relief = surface.packed(rough)
        diameter = pupil_diameter(self.light, self.identity.age)
        self._eyes = EyeFrames(self.mesh, self.mesh.neutral, self.appearance.uv, diameter)
        self._eye = self.camera.position.astype(np.float32)
        self._map: tuple[F64, ShadowMap] | None = None
        self._home = self.mesh.neutral[s.vertices].mean(0)
        self._casting = self._casters()
        margin = 0.05 * height * k
        self._box = np.array([-margin, -margin, width * k + margin, height * k + margin], np.float32)
        self._place(self.mesh.neutral)
        self._hair = Hair(
            self.mesh, self.identity, self._effort.strands, self._effort.reach, self._effort.grain,
            self.camera.resized(width * h, height * h), self._raised, self._normals, not self._effort.fine,
        )  # fmt: skip

    def twin(self) -> Portrait:
        """The same person as seen now, who renders into buffers of its own, beside this one in another thread."""
        other = copy(self)
        other._raster = Rasteriser(*self._raster.ids.shape)
        other._layer = StrandLayer(*self._layer.cells.shape[:2])
        other._raised, other._normals = np.empty_like(self._raised), np.empty_like(self._normals)
        other._points, other._screen, other._lit = self._points.copy(), np.empty_like(self._screen), self._lit.copy()
        other._eyes, other._hair, other._map = self._eyes.twin(), self._hair.twin(), None
        return other

    def _casters(self) -> I32:
        """The triangles [F, 3] over the drawn vertices that cast shadows: coarse ones, finer than the map's texels."""
        s = surfaces(self.mesh, not self._effort.every)
        triangles = rows_of(self.mesh, not self._effort.fine)[s.vertices[s.welded]]
        # What lies inside the head casts no shadow that could be seen.
        triangles = triangles[~np.isin(s.kind, _INSIDE)]
        if self._worn:
            triangles = np.concatenate([triangles, self._worn.frame.triangles + np.int32(self._worn.rows)])
        return np.ascontiguousarray(triangles, np.int32)

    def atlas(self) -> U8:
        """The painted colours as sRGB [S, S, 3], row 0 at v = 1; ``appearance.uv`` are their coordinates."""
        return self.appearance.srgb()

    def render(self, vertices: F32, row: F32 | None = None, sway: F32 | None = None) -> U8:
        """The picture uint8 [H, W, 3] of *vertices* float32 [V, 3] in metres; a fresh array every time.

        *row* [69] is the frame of the Motion that the vertices follow; without it skin shows no wrinkles of expression.
        *sway* [2, 3] is how far inertia carries free hair: a shift in metres and a rotation vector about the neck.
        Vertices that are not finite leave holes. Raises VultusError when *vertices* does not fit the mesh.
        """
        if vertices.shape != self.mesh.neutral.shape:
            raise VultusError(
                f"A portrait of this person takes vertices {self.mesh.neutral.shape}, not {vertices.shape}"
            )
        vertices = np.ascontiguousarray(vertices, np.float32)
        self._place(vertices)
        self._fold(row)
        eyes = self._eyes.follow(vertices)
        with np.errstate(invalid="ignore", over="ignore"):
            up = self.mesh.up(vertices).astype(np.float32)
        if not np.isfinite(up).all():
            up = np.array([0, 1, 0], np.float32)
        self._hair.pose(self._raised, self._normals, sway)
        shadow, light_camera = self._shadow()
        if self._effort.shadow and not self._effort.every:
            self._light_points(shadow, light_camera)
        self._hair.draw(self._layer, self._raster.inverse_depth, shadow, light_camera, self._light, self._eye)
        height = self.size[1]
        image = self._plain.copy()
        r, s, cells = self._raster, self._surfaces, self._layer.cells

        def rows(first: int, stop: int) -> None:
            shading.shade_rows(
                first, stop, self._effort.samples, self._effort.every,
                r.ids, r.corners, r.inverse_depth, cells, self._layer.spans, s.triangles, s.kind, self._points,
                self._words, self._relief, eyes, up, shadow, light_camera, self._effort.taps, self._lit, self._light,
                self._eye, self._sample_camera.focal[1], self._backdrop, self._table, image,
            )  # fmt: skip

        spread_out(rows, height, _ROWS)
        return image

    def aim(self, camera: Camera, backdrop: F32 | None = None) -> None:
        """See the person from *camera*, resized to the picture, from now on; *backdrop* float32 [H, W, 3] in linear
        light replaces what stands behind."""
        width, height = self.size
        k, h = self._effort.samples, self._effort.cells
        self.camera = camera.resized(width, height)
        self._sample_camera = self.camera.resized(width * k, height * k)
        self._eye = self.camera.position.astype(np.float32)
        self._hair.aim(self.camera.resized(width * h, height * h))
        if backdrop is not None:
            self._backdrop = backdrop
            self._plain = places.dithered(tone.encode(backdrop, self._table))

    def pose(self, vertices: F32, sway: F32 | None = None) -> None:
        """Move everything as :meth:`render` does, without a picture."""
        self._place(np.ascontiguousarray(vertices, np.float32))
        self._hair.pose(self._raised, self._normals, sway)

    @property
    def surfaces(self) -> Surfaces:
        """What is drawn but for strands."""
        return self._surfaces

    @property
    def points(self) -> F32:
        """Place in metres, unit normal, share of sky and texture coordinates in the first nine columns, a row for each
        of ``surfaces.points``, as posed last; a buffer."""
        return self._points

    def centres(self) -> tuple[I32, F32, F32] | None:
        """``ids``, ``bary`` and ``inverse_depth`` of a ``Rasteriser`` at the centres of pixels, as posed last; None
        where no sample lies there, because their number a side is even."""
        k = self._effort.samples
        if k % 2 == 0:
            return None
        r, some = self._raster, (slice(k // 2, None, k), slice(k // 2, None, k))
        return r.ids[some], r.bary[some], r.inverse_depth[some]

    def strands(self) -> Iterator[tuple[str, F32, F32]]:
        """What each kind of hair is called, its strands [N, P, 3] in metres as posed last, and their widths [N]."""
        return self._hair.posed()

    def _place(self, vertices: F32) -> None:
        """Lift hair and shirt, find normals, and draw what the camera sees."""
        s = self._surfaces
        gather(vertices, s.vertices, self._raised)
        if self._worn:
            self._worn.pose(vertices, self._raised[self._worn.rows :])
        vertex_normals(self._raised, self._lifted, self._normals)
        lift_off(self._raised, self._normals, self._lift)
        vertex_normals(self._raised, s.welded, self._normals)
        split_seams(self._raised, self._normals, s.points, self._points)
        project(self._sample_camera, self._points, self._screen)
        self._raster.draw(self._screen, s.triangles)

    def _fold(self, row: F32 | None) -> None:
        """Crease the skin as the Motion's frame *row* says."""
        if not self._effort.fine:
            return
        c = self._creases
        row = np.zeros(len(CHANNELS), np.float32) if row is None else np.array(row, np.float32)
        fold(row, c.rows, c.start, c.channel, c.share, self._points[:, 9:])

    def _shadow(self) -> tuple[F32, F32]:
        """The shadow map of the key light for the current vertices, and its camera for the kernel."""
        size = self._effort.shadow
        if not size:
            return np.zeros((1, 1), np.float32), np.zeros((4, 4), np.float32)
        # The map moves with the person in steps only, so that its texels stand still while someone just talks.
        middle = self._raised.mean(0)
        if not np.isfinite(middle).all():
            whole = self._raised[np.isfinite(self._raised).all(1)]
            middle = whole.mean(0) if len(whole) else self._home
        moved = np.clip(middle - self._home, -100, 100)
        centre = self._home + np.round(moved / 0.1) * 0.1 + [0, 0.06, 0]
        lamp = np.array(self.light.key.direction)
        lamp = centre + 2.5 * lamp / np.linalg.norm(lamp)
        if self._map is None or not np.array_equal(lamp, self._map[0]):
            self._map = lamp, ShadowMap(Camera.look_at(lamp, centre, size=(size, size), fov=12.0))
        shadow = self._map[1]
        shadow.draw(self._raised, self._casting, cull="back")
        self._hair.cast(shadow, self._raised, self._normals)
        return shadow.inverse_depth, lamps.camera_rows(shadow.camera)

    def _light_points(self, shadow: F32, light_camera: F32) -> None:
        """Find the key light of every point: soft shadows do not need it of every pixel."""

        def some(first: int, stop: int) -> None:
            visibility.light_points(
                first, stop, self._points, self._screen, self._box, self._eye, shadow,
                light_camera, self._light[3, 0], self._effort.taps, self._lit,
            )  # fmt: skip

        spread_out(some, len(self._points), _SOME)

    def drawn(self) -> tuple[F32, I32]:
        """Screen points [V, 3] and triangles [F, 3] of the picture rendered last, as ``Rasteriser.draw`` takes them."""
        return self._screen, self._surfaces.triangles

    def depth(self) -> F32:
        """Distance along the view axis in metres [H, W] of the picture rendered last; infinite behind the person."""
        k = self._effort.samples
        inverse = self._raster.inverse_depth[::k, ::k]
        return np.where(inverse > 0, 1 / np.where(inverse > 0, inverse, 1), np.inf).astype(np.float32)

    def kinds(self) -> I32:
        """The material (``atlas.Kind``) at every pixel [H, W] of the picture rendered last; -1 is the background."""
        k = self._effort.samples
        ids = self._raster.ids[::k, ::k]
        return np.where(ids >= 0, self._surfaces.kind[ids], -1).astype(np.int32)
