"""How a face is drawn: a person, a photo or a trained recipe, by the words of the command line."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from vultus.defaults import FACE, LIGHT, SIZE, Quality
from vultus.errors import VultusError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from vultus.mesh import Model
    from vultus.motion import Motion

    Draw = Callable[[Iterable[Motion]], Iterator[NDArray[np.uint8]]]

PICTURES = (".png", ".jpg", ".jpeg", ".webp", ".avif", ".bmp", ".tif", ".tiff", ".heic", ".heif")
"""Extensions of files that hold one picture; some are only told what they are, and refused."""
PHOTOS = (*PICTURES, ".gif", ".face")
"""What a photo that is to speak may be called; of an animation it is the first picture."""


@dataclass(frozen=True)
class Look:
    """How a face is drawn: who, how large in pixels, with how much work, in which light and where.

    *face* is a person, the name of a photo or a .face file, or ``avatar:DIR``, a trained recipe. Of a photo, which face
    is the *speaker* and whether it is shown in *full* are those of ``heads.photo.PhotoHead``. *quality*, *light* and
    *place* are for persons alone.
    A *label* is written onto every picture.
    """

    face: str = FACE
    size: int = SIZE
    quality: Quality = "default"
    light: str = LIGHT
    place: str | None = None
    speaker: str = ""
    full: bool = False
    label: str = ""

    @property
    def photo(self) -> bool:
        """Whether the face is a photo and no drawn person."""
        return not (self.avatar or self.face.strip().startswith("person:")) and Path(self.face).suffix.lower() in PHOTOS

    @property
    def avatar(self) -> bool:
        """Whether the face is a trained recipe."""
        return self.face.strip().startswith("avatar:")

    def check(self) -> None:
        """Raise VultusError for a name that does not exist, before the work and not after it."""
        from vultus.person import light, places
        from vultus.person.identity import parse_identity

        if self.photo:
            from vultus.io.files import check_readable

            check_readable(self.face, "photo")
            if self.place is not None:
                raise VultusError("A photo has a place of its own", "Leave out --place")
            return
        if self.avatar and self.place is not None:
            raise VultusError("An avatar has a place of its own", "Leave out --place")
        if self.speaker or self.full:
            raise VultusError("--speaker and --full are for photos", "Leave them out, or name a photo with --face")
        if self.avatar:
            from vultus.lab.avatar import Avatar

            Avatar.of(self.face)
            return
        if Path(self.face).exists() or "." in self.face.partition("=")[0].partition(":")[0]:
            raise VultusError(f"{self.face} is no picture that can speak", f"Known: person:SEED, {', '.join(PHOTOS)}")
        parse_identity(self.face)
        light.rig(self.light)
        if self.place is not None:
            places.check(self.place)

    def head(self, alpha: bool = False) -> tuple[Draw, tuple[int, int]]:
        """What draws the pieces of a motion as one stream, and the size (width, height) of its pictures.

        With *alpha* they have the person's opacity as a fourth channel. Raises VultusError when the face cannot be
        drawn, or not so.
        """
        if alpha:
            self.check_alpha()
        draw, size = self._bare(alpha)
        if not self.label:
            return draw, size
        from vultus.mark import labelled

        return lambda motions: (labelled(picture, self.label) for picture in draw(motions)), size

    def check_alpha(self) -> None:
        """Raise VultusError for a face that is not drawn without what stands behind it."""
        if not self.photo:
            raise VultusError(f"{self.face} is drawn with what stands behind it", "Name a photo, or write an .mp4")

    def check_model(self) -> None:
        """Raise VultusError for a face that has no mesh for engines."""
        if self.avatar:
            raise VultusError("An avatar makes pictures and has no mesh", "Write an .mp4, or curves")

    def model(self) -> Model:
        """The face for engines: textured, with named shapes and a skeleton. Raises VultusError."""
        self.check_model()
        if self.photo:
            from vultus.heads.photo import engine_model

            return engine_model(self.face, which=self.speaker)
        from vultus.heads.person import PersonHead

        return PersonHead(self.face, quality="draft").model()

    def _bare(self, alpha: bool) -> tuple[Draw, tuple[int, int]]:
        """What :meth:`head` gives, without a label."""
        if self.photo:
            from vultus.heads.photo import PhotoHead

            photo = PhotoHead(self.face, size=self.size, full=self.full, which=self.speaker, alpha=alpha)
            photo.bake()
            return photo.frames, photo.size
        if self.avatar:
            from vultus.lab.avatar import Avatar, AvatarHead

            trained = AvatarHead(Avatar.of(self.face), self.size)
            if trained.drawn != trained.size:
                (w, h), (x, y) = trained.drawn, trained.size
                print(f"{self.face} draws {w}x{h} pixels; its pictures are scaled to {x}x{y}", file=sys.stderr)
            return lambda motions: (picture for motion in motions for picture in trained.frames(motion)), trained.size
        from vultus.heads.person import PersonHead
        from vultus.kept import keeping

        size = (self.size, self.size)
        person = PersonHead(self.face, size=size, quality=self.quality, light=self.light, place=self.place)
        with keeping():
            person.bake()
        return person.frames, size
