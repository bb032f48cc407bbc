"""One face of one photo, taken apart once and put together again for every frame."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from vultus import channels as ch
from vultus import rotations
from vultus.observers.basis import template
from vultus.observers.fit import Fit
from vultus.person import landmarks as lm
from vultus.photo import acting, eyes, folds, fringe, kernels, lids, mouth
from vultus.photo.filters import F32, blur, grain, light, sharpness, step
from vultus.photo.ground import Ground, ground, place
from vultus.photo.surface import Maps, Surface, maps, surface
from vultus.render.threads import both
from vultus.render.triangles import Rasteriser, vertex_normals

U8 = NDArray[np.uint8]
F64 = NDArray[np.float64]
_STILL = 3.0 / 512  # of the longer side: moved that far, a place is drawn by the layers alone
_EVEN = 5  # rounds in which a change of light is spread over neighbours
_SHARP = 0.75  # of how soft the photo's own edges are: looking things up blurs them, too
_GAIN = (0.82, 1.2)  # of the light, at most
_BLINKS = [ch.INDEX["eyeBlinkLeft"], ch.INDEX["eyeBlinkRight"]]
_COMES = (0.02, 0.06)  # distances between the eyes by which a lid moves that comes down
_CORNERS = (78, 308)  # of the mouth, inside
_MEET = (0.0008, 0.0022)  # metres between lips that are closed, and that are open
_CORNER = 0.06  # distances between the eyes around them that are blurred when a mouth closes
_MARGIN = 0.06  # of the picture that the face's layer may move beyond where it is in the photo


@dataclass(frozen=True, eq=False)
class Scene:
    """What all frames of one face share; ``skin`` [H, W, 3] is the photo without hair over the forehead; ``missing``
    [H, W, 3] is what the layers lack of the photo at rest, ``seal`` [V, 3] closes the lips, and ``apart`` metres are
    between their landmarks then; ``shut`` the closed eyes; ``sharp`` is the standard deviation in pixels by which edges
    are softened: looking things up blurs them, too."""

    photo: F32
    skin: F32
    fit: Fit
    shut: lids.Closed
    ground: Ground
    surface: Surface
    areas: Maps
    eyes: F32
    folds: folds.Folds
    seal: F32
    apart: float
    sharp: float
    home: F32
    base: F32
    missing: F32


def prepare(photo: F32, fit: Fit, mask: Callable[[], F32]) -> Scene:
    """Take *photo* float32 [H, W, 3] in [0, 1] apart; *fit* belongs to it, *mask* gives the person [H, W]."""
    down = mouth.teeth_down(photo, fit)
    if down:
        fit = lowered(fit, down)
    mesh = fit.mesh
    vertices = np.empty_like(mesh.neutral)
    mesh.evaluate_into(fit.row, vertices)
    seen, screen = to_camera(fit, vertices)
    (shut, areas, layer), there = both(
        lambda: _face(photo, fit, vertices, seen, screen), lambda: place(photo, mask(), fit)
    )
    loose = fringe.hair(photo, fit)
    sharp = max(_SHARP * sharpness(light(photo), areas.face), 0.4)
    outline = float(np.median(mouth.marks(mesh, seen, lm.CONTOUR)[:, 2]))
    (behind, closing, baked), areas = both(
        lambda: (
            ground(there, fit, seen, screen, outline, areas.inside, layer.skin, loose), mouth.seal(mesh),
            _eyes(photo, fit, areas, layer),
        ),
        lambda: _textured(photo, loose, fit, areas, layer, screen, sharp),
    )  # fmt: skip
    blank = np.zeros((*photo.shape[:2], 3), np.float32)
    apart = mouth.gap(mesh, mesh.neutral + closing)
    base, skin = np.ascontiguousarray(layer.points), fringe.without(photo, loose, fit)
    folding = folds.folds(fit)
    scene = Scene(
        photo, skin, fit, shut, behind, layer, areas, baked, folding, closing, apart, sharp, vertices, base, blank
    )
    painter = Painter(scene)
    made = painter.layers(np.zeros(len(ch.CHANNELS), np.float32), 0.0)
    bare = painter.bare()
    np.copyto(behind.plate, photo, where=bare[..., None])
    blank[:] = np.where(bare[..., None], 0, photo - made[..., :3])
    return scene


def _face(photo: F32, fit: Fit, vertices: F32, seen: F32, screen: F32) -> tuple[lids.Closed, Maps, Surface]:
    """The closed eyes, the masks and the face's own layer; arguments as of :func:`surface`."""
    shut, places = _closed(photo, fit)
    areas = maps(fit, shut.near)
    layer = surface(photo, fit, areas, vertices, seen, screen)
    layer.points[:, kernels.SHUT : kernels.SHUT + 2] = places
    # A lid that comes down shows the painted one at once; below, the lashes are painted where the two meet.
    comes = np.linalg.norm(places - screen[:, :2], axis=1) / fit.eyes
    layer.points[:, kernels.PLACE + 1] = step(comes, *_COMES)
    return shut, areas, layer


def _textured(photo: F32, loose: F32, fit: Fit, areas: Maps, layer: Surface, screen: F32, sharp: float) -> Maps:
    """*areas* with the creases and the grain of the face, and hair over it, *loose* [H, W]."""
    creased = folds.painted(photo, fit, screen, layer.skin, layer.light, layer.lit)
    noise = grain(light(photo), areas.inside, sharp)[..., None]
    stack = np.concatenate([areas.stack, creased, noise, loose[..., None]], -1)
    return replace(areas, stack=np.ascontiguousarray(stack))


def _closed(photo: F32, fit: Fit) -> tuple[lids.Closed, F32]:
    """The photo with closed eyes, and where [V, 2] it shows each vertex."""
    row = fit.row.copy()
    row[_BLINKS] = 1
    vertices = np.empty_like(fit.mesh.neutral)
    fit.mesh.evaluate_into(row, vertices)
    _, margins = to_camera(fit, mouth.marks(fit.mesh, vertices, range(lm.COUNT)))
    return lids.closed(photo, fit, margins[:, :2]), to_camera(fit, vertices)[1][:, :2]


def _eyes(photo: F32, fit: Fit, areas: Maps, layer: Surface) -> F32:
    """The pictures [2, S, S, 3] of the left and the right eyeball, whose places *layer* gets."""
    baked = []
    both = zip(eyes.balls(fit.mesh), (lm.LEFT_IRIS, lm.RIGHT_IRIS), eyes.turned(fit.row), strict=True)
    for ball, iris, turn in both:
        ring = fit.landmarks[list(iris[1:])] - fit.landmarks[iris[0]]
        layer.points[ball.vertices, kernels.PLACE : kernels.PLACE + 2] = ball.place
        baked.append(
            eyes.bake(
                ball, turn, photo, areas.eyes, float(np.linalg.norm(ring, axis=1).mean()),
                (fit.rotation, fit.translation), fit.focal, fit.centre, layer.colour * 1.12,
            )
        )  # fmt: skip
    return np.ascontiguousarray(np.stack(baked), np.float32)


def lowered(fit: Fit, by: float) -> Fit:
    """*fit* with the upper teeth *by* metres further down, and the lower ones half of that."""
    rows, mesh = fit.rows.copy(), template(0)
    rows[mesh.part_vertices("teethUpper"), 1] -= by
    rows[mesh.part_vertices("teethLower"), 1] -= 0.5 * by
    rows[mesh.part_vertices("tongue"), 1] -= 0.5 * by
    return replace(fit, rows=rows)


def to_camera(fit: Fit, vertices: F32) -> tuple[F32, F32]:
    """Vertices [V, 3] of the model -> camera points [V, 3], and pixels and 1/z [V, 3]."""
    seen = (vertices @ fit.rotation.T.astype(np.float32) + fit.translation.astype(np.float32)).astype(np.float32)
    return seen, on_screen(fit, seen)


def on_screen(fit: Fit, seen: F32) -> F32:
    """Camera points [N, 3] -> pixels and 1/z [N, 3]."""
    inverse = 1 / np.maximum(seen[:, 2:], 1e-3)
    centre = fit.centre.astype(np.float32)
    return np.concatenate([np.float32(fit.focal) * seen[:, :2] * inverse + centre, inverse], 1).astype(np.float32)


class Painter:
    """Draws frames of a scene into buffers of its own; one for each thread."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        height, width = scene.photo.shape[:2]
        self._vertices = np.empty_like(scene.home)
        self._normals = np.empty_like(scene.home)
        self._points = scene.base.copy()
        self._grid = Rasteriser(height, width)
        self._made = np.empty((height, width, 4), np.float32)
        self._flow = np.empty((height, width, 2), np.float32)
        self._shown = np.zeros((height, width), np.uint8)
        self._soft = np.empty((height, width, 3), np.float32)
        alpha = scene.surface.alpha > 0
        _, screen = to_camera(scene.fit, scene.home)
        low, high = screen[alpha, :2].min(0), screen[alpha, :2].max(0)
        room = _MARGIN * max(width, height)
        span = np.minimum(np.ceil(high - low + 2 * room), [width, height]).astype(int)
        self._span = int(span[0]), int(span[1])
        self._face = Rasteriser(2 * self._span[1], 2 * self._span[0])
        self._moved = alpha
        self._covered = bool(scene.areas.stack[..., 7].max() > 0)  # by hair over the forehead
        self._opened = bool(scene.areas.lips.max() > 0.5)  # the photo shows what is between the lips

    def draw(self, row: F32, given: float | None = None, alpha: bool = False) -> U8:
        """The picture uint8 [H, W, 3] of a frame [69], or [H, W, 4] with *alpha*, the person's opacity.

        *given* is how far the photo's own mouth gives way (:class:`acting.Rest`).
        """
        made = self.layers(row, acting.acted(row) if given is None else given)
        height, width = made.shape[:2]
        out = np.empty((height, width, 4 if alpha else 3), np.uint8)
        reach = _STILL * max(height, width)
        kernels.finish(0, height, made, self._flow, self.scene.missing, reach, out)
        return out

    def bare(self) -> NDArray[np.bool_]:
        """Where [H, W] the last frame shows nothing but what stands behind."""
        return self._flow[..., 0] < -1e3

    def layers(self, row: F32, given: float) -> F32:
        """Colours and opacity float32 [H, W, 4] of a frame, before what keeps still is made equal to the photo."""
        s = self.scene
        fit, mesh = s.fit, s.fit.mesh
        shown = acting.shown(row, fit.row, given)
        mesh.evaluate_into(shown, self._vertices)
        vertices = self._vertices
        closed = given * (1 - float(step(shown[ch.INDEX["jawOpen"]], 0.02, 0.25)))
        if closed > 0:
            vertices += np.float32(closed) * s.seal
        rotation, shift = acting.turn(row, mesh, fit.angles[0])
        self._draw_ground(vertices, rotation, shift)
        met = given * (1 - float(step(self._draw_face(vertices, rotation, shift, shown), *_MEET)))
        if met > 0 and self._opened:
            corners = mouth.marks(mesh, vertices, _CORNERS) @ rotation.T.astype(np.float32) + shift.astype(np.float32)
            self._calm_corners(corners, met)
        return self._made

    def _calm_corners(self, corners: F32, share: float) -> None:
        """Blur the corners of lips that were open in the photo and are closed now: what was dark between them is pushed
        together there. *corners* [2, 3] are where they are in the model's metres; *share* in [0, 1]."""
        fit = self.scene.fit
        reach = _CORNER * fit.eyes
        for x, y in to_camera(fit, corners)[1][:, :2]:
            rows = slice(max(int(y - 2 * reach), 0), max(int(y + 2 * reach) + 1, 0))
            columns = slice(max(int(x - 2 * reach), 0), max(int(x + 2 * reach) + 1, 0))
            part = self._made[rows, columns, :3]
            if min(part.shape) == 0:
                continue
            i, j = np.mgrid[: part.shape[0], : part.shape[1]].astype(np.float32) + 0.5
            away = np.hypot(i + rows.start - y, j + columns.start - x) / reach
            part += (share * np.exp(-(away**4)))[..., None] * (blur(part, 0.4 * reach) - part)

    def _draw_ground(self, vertices: F32, rotation: F64, shift: F64) -> None:
        s = self.scene
        g, fit = s.ground, s.fit
        view = fit.rotation.astype(np.float32)
        nodes = g.moved(np.asarray((vertices - s.home) @ view.T, np.float32))
        # x -> R x + s about the head's joint: a turn by a share of the angle, and the same share of what is left.
        pivot = fit.mesh.joints.position("head").astype(np.float64)
        left = rotation @ pivot + shift - pivot
        axis = (fit.rotation @ rotations.from_matrix(rotation)).astype(np.float32)
        angle = float(np.linalg.norm(axis))
        centre = (fit.rotation @ pivot + fit.translation).astype(np.float32)
        if angle > 1e-6:
            axis = axis / np.float32(angle)
            some = (np.float32(angle) * g.rigid)[:, None]
            cosine, sine = np.cos(some), np.sin(some)
            arm = nodes - centre
            nodes = arm * cosine + np.cross(axis, arm) * sine + axis * (arm @ axis)[:, None] * (1 - cosine) + centre
        if np.abs(left).max() > 0:
            nodes = nodes + g.rigid[:, None] * (fit.rotation @ left).astype(np.float32)
        self._grid.draw(on_screen(fit, np.ascontiguousarray(nodes, np.float32)), g.triangles, cull="none", threads=1)
        kernels.body(
            0, len(self._made), self._grid.ids, self._grid.bary, g.triangles, g.source, g.layer,
            g.plate, self._made, self._flow,
        )  # fmt: skip

    def _draw_face(self, vertices: F32, rotation: F64, shift: F64, shown: F32) -> float:
        """Draw the face's own layer; returns how far the lips are apart, in metres."""
        s = self.scene
        fit, layer, points = s.fit, s.surface, self._points
        turned = vertices @ rotation.T.astype(np.float32) + shift.astype(np.float32)
        _, screen = to_camera(fit, turned)
        vertex_normals(turned, layer.triangles, self._normals)
        facing = self._normals @ fit.rotation.T.astype(np.float32)
        gain = np.maximum(layer.light[0] + facing @ layer.light[1:], 0.05) / layer.lit
        gain = np.clip(gain, *_GAIN)
        for _ in range(_EVEN):
            gain = layer.even @ gain
        points[:, kernels.GAIN] = gain
        points[s.folds.rows, kernels.FOLD : kernels.FOLD + folds.SETS] = s.folds.of(shown)
        if np.abs(rotation - np.eye(3)).max() > 1e-6:
            edge = step(-facing[:, 2], 0.02, 0.30)
            points[:, kernels.ALPHA] = np.where(layer.fixed, layer.alpha, layer.alpha * edge)
        else:
            points[:, kernels.ALPHA] = layer.alpha
        width, height = fit.size
        low, high = screen[self._moved, :2].min(0), screen[self._moved, :2].max(0)
        most = np.array([width - self._span[0], height - self._span[1]])
        left, top = np.clip(np.round(0.5 * (low + high) - 0.5 * np.array(self._span)), 0, most).astype(int)
        fine = np.stack([2 * (screen[:, 0] - left), 2 * (screen[:, 1] - top), screen[:, 2]], 1)
        self._face.draw(np.ascontiguousarray(fine, np.float32), layer.triangles, threads=1)
        own = fit.row
        blink = (shown[_BLINKS] - own[_BLINKS]) / np.maximum(1 - own[_BLINKS], 0.2)
        apart = mouth.gap(fit.mesh, vertices) - s.apart
        light = 0.45 + 0.55 * float(step(apart, 0.001, 0.010))
        sealed = 1 - float(step(apart, 0.0002, 0.0014))
        settings = np.array([light, sealed, *layer.sealed, *s.shut.lashes.ravel(), float(self._covered)], np.float32)
        self._shown.fill(0)
        kernels.face(
            0, self._span[1], int(left), int(top), self._face.ids, self._face.bary,
            layer.triangles, layer.kinds, points, s.skin, s.shut.picture, s.areas.stack, s.eyes,
            np.clip(blink, 0, 1).astype(np.float32), settings, self._made, self._flow, self._shown,
        )  # fmt: skip
        right, bottom = int(left) + self._span[0], int(top) + self._span[1]
        kernels.soften(int(top), bottom, int(left), right, s.sharp, self._shown, self._made, self._soft)
        return apart
