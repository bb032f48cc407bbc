"""A photo as a head: Motion -> pictures of the person in it."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import nullcontext
from dataclasses import replace
from functools import cache, cached_property
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from vultus import channels as ch
from vultus.errors import VultusError
from vultus.heads.ordered import in_order
from vultus.io import files
from vultus.kept import keeping
from vultus.mesh import Model
from vultus.motion import Motion
from vultus.observers.basis import personal, template
from vultus.observers.fit import Fit, fit_faces
from vultus.person.atlas import atlas_uv
from vultus.photo import file, find, matte, recall
from vultus.photo.acting import Rest
from vultus.photo.scene import Painter, Scene, prepare

F32 = NDArray[np.float32]
Pixels = NDArray[np.uint8]

_FINEST: Final = 1.4
"""Pixels drawn for each of the photo along a side, at most. Larger pictures are enlarged: what is made up, such as
teeth, is then no sharper than the photo."""
_SHARPEST: Final = 2048
"""Pixels along the longer side of a photo that a texture is made from."""
_AROUND: Final = 2.5  # heights of the face that the picture is wide when it is cut out of the photo


def fitted(photo: str | Path | Pixels) -> file.FittedPhoto:
    """A photo, by name or as uint8 [H, W, 3] (sRGB), with its faces fitted; a .face file is read.

    Raises VultusError when there is no face that could be moved.
    """
    if not isinstance(photo, np.ndarray):
        if Path(photo).suffix.lower() == ".face":
            return file.read(photo)
        from vultus.io.image import read_image

        photo = read_image(photo)
    size = (photo.shape[1], photo.shape[0])
    found = find.faces(photo)
    (main,) = find.chosen(found, "", size)
    good = [i for i, face in enumerate(found) if find.complaint(face, size) is None]
    fits = [fit_faces([found[i]], size)[0] for i in good]
    return file.FittedPhoto(photo, tuple(fits), good.index(main))


def save(photo: str | Path, out: str | Path) -> tuple[Path, tuple[Fit, ...]]:
    """Fit the faces of a photo and write them with it to the .face file *out*, or the largest as a .glb; VultusError
    for another name."""
    kind = Path(out).suffix.lower()
    if kind not in (".face", ".glb"):
        raise VultusError(f"{out} is no name for a face", "Give one that ends with .face or .glb")
    if Path(out).resolve() == Path(photo).resolve():
        raise VultusError(f"{out} is the input", "Choose another name for the output")
    files.check_writable(Path(out))
    made = fitted(photo)
    if kind == ".face":
        file.write(out, made)
        PhotoHead(replace(made, saved=True)).bake()  # so that the next run starts at once
        return Path(out), made.faces
    from vultus.io import gltf

    gltf.write(out, engine_model(made))
    return Path(out), (made.faces[made.main],)


def engine_model(photo: str | Path | Pixels | file.FittedPhoto, which: str = "") -> Model:
    """A face of a photo for engines, see :meth:`PhotoHead.model`, from all of the photo's pixels; *photo* and *which*
    are those of :class:`PhotoHead`."""
    made = photo if isinstance(photo, file.FittedPhoto) else fitted(photo)
    return PhotoHead(made, size=min(max(made.photo.shape[:2]), _SHARPEST), full=True, which=which).model()


class PhotoHead:
    """The people of a photo, taken apart once, who follow Motions.

    What keeps still is exactly the photo. Motions are relative to it: expressions add to the one that it shows, and
    the head and the eyes turn from where they are, up to soft limits (``photo.acting``).
    """

    def __init__(
        self,
        photo: str | Path | Pixels | file.FittedPhoto,
        *,
        size: int | tuple[int, int] = 512,
        full: bool = False,
        which: str = "",
        alpha: bool = False,
    ) -> None:
        """*photo* as :func:`fitted` takes it. *size* in pixels is the side of a square around the face, or (width,
        height); with *full* the whole photo is shown, and *size* is its longer side (rounded to even numbers).

        *which* is "" for the largest face, its number from the left, from 1, or "all"; *alpha* adds the person's
        opacity as a fourth channel, with colours of the person alone. Raises VultusError.
        """
        self.fitted = photo if isinstance(photo, file.FittedPhoto) else fitted(photo)
        self.alpha = alpha
        faces = self.fitted.faces
        if which == "all":
            numbers = list(range(len(faces)))
        elif which == "":
            numbers = [self.fitted.main]
        elif which.isascii() and which.isdigit() and 1 <= int(which) <= len(faces):
            numbers = [int(which) - 1]
        else:
            count = "is one face" if len(faces) == 1 else f"are {len(faces)} faces"
            raise VultusError(f"There {count} in the photo, but not {which!r}", "Give a number from the left, or all")
        self._view = _framing(self.fitted.photo, [faces[i] for i in numbers], size, full or len(numbers) > 1)
        left, top, scale, self.size = self._view
        shrink = min(_FINEST / scale, 1.0)
        work = (max(round(self.size[0] * shrink), 8), max(round(self.size[1] * shrink), 8))
        scale = scale * work[0] / self.size[0]
        self._work = _cut_out(self.fitted.photo, left, top, scale, work)
        self.photo = _enlarged(self._work, self.size)
        self.fits = tuple(faces[i].cut(left, top, scale, work) for i in numbers)
        self._all = tuple(fit.cut(left, top, scale, work) for fit in faces)
        self._scenes: tuple[Scene, ...] = ()
        self._painters: deque[tuple[Painter, ...]] = deque()

    def bake(self) -> None:
        """Take the photo apart now instead of with the first picture; what a .face file holds is kept for next time."""
        if self._scenes:
            return
        photo = np.asarray(self._work, np.float32) / np.float32(255)
        people = cache(lambda: matte.person(photo))

        def taken_apart(fit: Fit) -> Scene:
            return recall.scene(
                self._work, fit, self._all, lambda: prepare(photo, fit, lambda: _own(people(), fit, self._all))
            )  # fmt: skip

        with keeping() if self.fitted.saved else nullcontext():
            self._scenes = tuple(map(taken_apart, self.fits))
        self._painters.append(tuple(map(Painter, self._scenes)))

    def frames(self, motions: Iterable[Motion]) -> Iterator[Pixels]:
        """A picture uint8 [H, W, 3] (4 with alpha) in sRGB for each frame of each piece; memory does not grow.

        The photo's own mouth gives way to speech, and comes back after it.
        """
        self.bake()
        rest = Rest()
        rows = ((row, rest.step(row, float(motion.fps))) for motion in motions for row in motion.data)
        yield from in_order(rows, lambda some: self._drawn(*some))

    def frame(self, row: F32, given: float | None = None) -> Pixels:
        """The picture of one frame [69]; *given* in [0, 1] is how far the photo's own mouth gives way to it."""
        self.bake()
        return self._drawn(row, given)

    def model(self) -> Model:
        """The first of the people for engines, as ``io.gltf`` writes it: the fitted mesh at rest with the photo as its
        texture, 54 named shapes and a skeleton. Hair is painted on, for a fit has none."""
        from vultus.heads.engine import body
        from vultus.photo.texture import texture

        self.bake()
        scene = self._scenes[0]
        mesh = personal(scene.fit.rows, 0)
        one = body(mesh, mesh.neutral, atlas_uv(template(scene.fit.mesh.subdivisions)))
        moves = zip((*ch.ARKIT, *ch.TONGUE), mesh.basis[:, one.source], strict=True)
        return Model(
            "photo", one.vertices, one.triangles, one.uv, dict(moves), one.skeleton, one.joints, one.weights,
            texture(scene), one.primitives,
        )  # fmt: skip

    def _drawn(self, row: F32, given: float | None) -> Pixels:
        try:
            painters = self._painters.popleft()
        except IndexError:
            painters = tuple(map(Painter, self._scenes))
        try:
            pictures = [painter.draw(row, given, self.alpha) for painter in painters]
        finally:
            self._painters.append(painters)
        if len(pictures) == 1:
            return _enlarged(self._alone(pictures[0]), self.size)
        # Each face moves its own part of the photo and leaves the rest as it is.
        total = self._work.astype(np.int16)
        for picture in pictures:
            total += picture[..., :3].astype(np.int16) - self._work
        out = np.clip(total, 0, 255).astype(np.uint8)
        if self.alpha:
            out = np.concatenate([out, np.max([p[..., 3:] for p in pictures], axis=0)], -1)
        return _enlarged(self._alone(out), self.size)

    @cached_property
    def _behind(self) -> F32:
        """What stands behind the people [h, w, 3], 0 to 255."""
        # Each scene fills in what its person hides.
        fills = (scene.ground.plate - scene.photo for scene in self._scenes)
        return np.asarray(self._work + 255 * sum(fills, np.float32(0)), np.float32)

    def _alone(self, picture: Pixels) -> Pixels:
        """*picture* [h, w, 4] with the colours of the people alone, for other places; one without opacity as it is."""
        if not self.alpha:
            return picture
        opaque = picture[..., 3:].astype(np.float32) / 255
        colours = (picture[..., :3] - (1 - opaque) * self._behind) / np.maximum(opaque, 1e-3)
        mixed = (opaque > 0) & (opaque < 1)
        return np.concatenate(
            [np.where(mixed, np.clip(np.rint(colours), 0, 255), picture[..., :3]).astype(np.uint8), picture[..., 3:]],
            -1,
        )


def _framing(
    photo: Pixels, fits: list[Fit], size: int | tuple[int, int], full: bool
) -> tuple[float, float, float, tuple[int, int]]:
    """Left and top in the photo, scale, and size (width, height) of the pictures."""
    height, width = photo.shape[:2]
    if full:
        longer = max(size) if isinstance(size, tuple) else size
        scale = longer / max(width, height)
        even = (max(2 * round(0.5 * width * scale), 2), max(2 * round(0.5 * height * scale), 2))
        return 0.0, 0.0, scale, even
    target = size if isinstance(size, tuple) else (size, size)
    marks = fits[0].landmarks
    low, high = marks.min(0), marks.max(0)
    tall = float((high - low).max())
    shape = np.array(target) / min(target)
    side = min(_AROUND * tall, float((np.array([width, height]) / shape).min()))
    span = side * shape
    centre = (low + high) / 2 + [0, 0.04 * tall]
    corner = np.clip(centre - span / 2, 0, np.maximum([width, height] - span, 0))
    return float(corner[0]), float(corner[1]), float(target[0] / span[0]), target


def _cut_out(photo: Pixels, left: float, top: float, scale: float, size: tuple[int, int]) -> Pixels:
    """A part of the photo in other pixels; the photo itself where nothing changes."""
    height, width = photo.shape[:2]
    if scale == 1 and left == top == 0 and size == (width, height):
        return photo
    from PIL import Image

    box = (left, top, min(left + size[0] / scale, width), min(top + size[1] / scale, height))
    return np.asarray(Image.fromarray(photo).resize(size, Image.Resampling.LANCZOS, box=box), np.uint8).copy()


def _enlarged(picture: Pixels, size: tuple[int, int]) -> Pixels:
    """*picture* [h, w, 3 or 4] in *size* (width, height)."""
    if size == (picture.shape[1], picture.shape[0]):
        return picture
    from PIL import Image

    return np.array(Image.fromarray(picture).resize(size, Image.Resampling.BICUBIC), np.uint8)


def _own(mask: F32, fit: Fit, everyone: tuple[Fit, ...]) -> F32:
    """*mask* [H, W] of people without those of the others: what is nearer to their faces, by their size."""
    if len(everyone) < 2:
        return mask
    y, x = np.mgrid[: mask.shape[0], : mask.shape[1]].astype(np.float32)

    def away(one: Fit) -> F32:
        marks = one.landmarks
        centre, tall = marks.mean(0), float(np.ptp(marks[:, 1]))
        return np.asarray(np.hypot(x - centre[0], y - centre[1]) / max(tall, 1.0), np.float32)

    others = np.min([away(one) for one in everyone if one is not fit and not _same(one, fit)], axis=0)
    return np.asarray(mask * np.clip(0.5 + 4 * (others - away(fit)), 0, 1), np.float32)


def _same(a: Fit, b: Fit) -> bool:
    return bool(np.array_equal(a.landmarks, b.landmarks))
