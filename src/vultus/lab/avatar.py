"""A trained recipe as a head: ``--face avatar:DIR``, where DIR holds the weights and, for some, the portrait.

Two kinds of recipe draw faces: those that take a Motion give its pictures; those that take a picture and the frames of
a film get the Motion drawn with the default person, whose neutral face comes first, so that the portrait at rest is
the picture itself. Nothing grows with the length of the Motion.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from vultus.camera import Camera
from vultus.defaults import FACE
from vultus.errors import VultusError
from vultus.lab import presets, recipes
from vultus.motion import Motion

Pixels = NDArray[np.uint8]

PREFIX: Final = "avatar:"
PORTRAIT: Final = ("portrait.png", "portrait.jpg", "portrait.jpeg")
"""What the portrait may be called."""
CHUNK: Final = 16
"""Frames that are drawn at a time."""
_DRIVING: Final = (64, 256)  # pixels of the person who drives a portrait, at least and at most


@dataclass(frozen=True)
class Avatar:
    """What a folder holds: the recipe, its weights, and the portrait where the recipe takes one."""

    recipe: str
    weights: Path
    portrait: Path | None

    @classmethod
    def of(cls, face: str) -> Avatar:
        """What lies in the folder of ``avatar:DIR``. VultusError, before any work, when it is not there or not whole,
        when its recipe draws no faces, and when torch is not installed."""
        folder = Path(face.strip().removeprefix(PREFIX))
        if not folder.is_dir():
            raise VultusError(f"{folder} is not a folder", "Give avatar:DIR, where vultus train wrote its weights")
        records = sorted(folder.glob("*.recipe.json"))
        if not records:
            raise VultusError(f"{folder} holds no trained recipe", f"Train one: vultus train NAME --out {folder}")
        if len(records) > 1:
            names = ", ".join(path.name.removesuffix(".recipe.json") for path in records)
            raise VultusError(f"{folder} holds several trained recipes: {names}", "Give each a folder of its own")
        weights = records[0].with_name(records[0].name.removesuffix(".recipe.json") + ".safetensors")
        if not weights.is_file():
            raise VultusError(f"{weights} is missing", "Copy it there, or train again")
        name = presets.record(weights)["recipe"]
        facts = recipes.facts(name)
        moved = "motion" in facts.takes and set(facts.takes) <= {"motion", "camera", "picture"}
        if facts.gives == "motion" and set(facts.takes) <= {"sound", "phones"}:
            raise VultusError(f"{name} makes motion from speech", f"Give --driver {name} --weights {weights}")
        if facts.gives != "frames" or not (moved or set(facts.takes) == {"picture", "frames"}):
            raise VultusError(f"{name} does not draw faces that move", "See vultus recipes")
        portrait = None
        if "picture" in facts.takes:
            found = [folder / some for some in PORTRAIT if (folder / some).is_file()]
            if len(found) != 1:
                told = "several portraits" if found else "no portrait"
                raise VultusError(f"{folder} holds {told}, and {name} moves one", f"Put one there: {PORTRAIT[0]}")
            portrait = found[0]
        recipes.load(name)
        return cls(name, weights, portrait)


class AvatarHead:
    """A trained recipe that follows Motions; its pictures are *size* pixels along the longer side, enlarged or reduced
    where the recipe draws others (``drawn`` is what it does draw, (width, height))."""

    def __init__(self, avatar: Avatar, size: int) -> None:
        """Load the weights and draw a neutral face. Raises VultusError when the weights are of another network, and
        when what the recipe gives is no picture."""
        self._avatar, self._want = avatar, size
        self._takes = recipes.facts(avatar.recipe).takes
        self._model = presets.trained(avatar.recipe, avatar.weights)
        self._fixed: dict[str, Any] = {}
        if avatar.portrait is not None:
            from vultus.io.image import read_image

            self._fixed["picture"] = np.ascontiguousarray(read_image(avatar.portrait)[..., :3])
        if "camera" in self._takes:
            self._fixed["camera"] = _camera(avatar, size)
        self._state: Any = None
        self._done = 0
        first = self._made(Motion.neutral(1, 25))
        if first.dtype != np.uint8 or first.ndim != 4 or len(first) != 1 or first.shape[3] != 3:
            raise VultusError(f"{avatar.recipe} gave {first.dtype} {list(first.shape)}, no picture", "See docs/recipes")
        self.drawn = (first.shape[2], first.shape[1])
        if "motion" in self._takes:  # the neutral face was not part of what is shown
            self._state = None
        longer = max(self.drawn)
        width, height = (max(2, round(side * size / longer / 2) * 2) for side in self.drawn)
        self.size = (width, height)

    def frames(self, motion: Motion) -> Iterator[Pixels]:
        """The pictures uint8 [H, W, 3] of the piece of *motion* that comes after the one before."""
        from PIL import Image

        for i in range(0, len(motion), CHUNK):
            for picture in self._made(motion[i : i + CHUNK]):
                if self.size == self.drawn:
                    yield picture
                else:
                    yield np.asarray(Image.fromarray(picture).resize(self.size, Image.Resampling.LANCZOS))

    def _made(self, motion: Motion) -> Pixels:
        """What the recipe gives for at most ``CHUNK`` frames."""
        from vultus.lab.run import seeded

        given = dict(self._fixed)
        if "motion" in self._takes:
            given["motion"] = motion
        else:
            given["frames"] = np.stack(list(self._person.frames([motion])))
        streams = hasattr(self._model, "step")
        rest = not streams and "frames" in given and self._done > 0
        if rest:  # each window begins with the neutral face, to which motion is relative
            given["frames"] = np.concatenate([self._neutral, given["frames"]])
        with seeded("avatar", self._done):
            if streams:
                made, self._state = self._model.step(self._state, **given)
            else:
                made = self._model(**given)
        self._done += 1
        return np.asarray(made)[1:] if rest else np.asarray(made)

    @cached_property
    def _person(self) -> Any:
        """Who is drawn to drive a portrait."""
        from vultus.heads.person import PersonHead

        side = getattr(self._model.config, "size", _DRIVING[1])
        side = int(np.clip(side if isinstance(side, int) else _DRIVING[1], *_DRIVING))
        return PersonHead(FACE, size=(side, side), quality="draft")

    @cached_property
    def _neutral(self) -> Pixels:
        return np.stack(list(self._person.frames([Motion.neutral(1, 25)])))


def _camera(avatar: Avatar, size: int) -> Camera:
    """The camera that the recipe was trained with, *size* pixels along its longer side; otherwise the default one."""
    told = presets.record(avatar.weights).get("camera")
    if told is None:
        from vultus.person.identity import parse_identity
        from vultus.person.portrait import framed

        return framed(parse_identity(FACE), (size, size))
    try:
        width, height = told["size"]
        camera = Camera(width, height, tuple(told["focal"]), tuple(told["centre"]), np.array(told["world_to_camera"]))
    except (KeyError, TypeError, ValueError, IndexError):
        raise VultusError(f"The camera beside {avatar.weights} is broken", "Train again") from None
    scale = size / max(width, height)
    return camera.resized(max(2, round(width * scale / 2) * 2), max(2, round(height * scale / 2) * 2))
