"""From the frame of a Motion to what a photo can show: on top of its own expression, and within its limits."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from vultus import channels as ch
from vultus import rotations
from vultus.motion import clamp
from vultus.person.mesh import PersonMesh
from vultus.photo.filters import F32, step

F64 = NDArray[np.float64]

YAW, PITCH, ROLL, JAW, GAZE = 20.0, 12.0, 15.0, 0.70, 20.0
"""Degrees, and the value of jawOpen, up to which a photo follows; beyond that it goes on more and more slowly."""
_ACTS: Final = tuple(
    ch.INDEX[name] for name in ch.ARKIT
    if name.startswith(("jawOpen", "mouth")) and not name.startswith(("mouthSmile", "mouthDimple"))
)  # fmt: skip
_MOUTH: Final = np.array([name.startswith(("mouth", "jaw")) for name in ch.ARKIT])
_SMILES: Final = np.array([name.startswith(("mouthSmile", "mouthDimple")) for name in ch.ARKIT])
_ROUNDS: Final = [ch.INDEX["mouthPucker"], ch.INDEX["mouthFunnel"]]
_ROUND, _LESS = 1.25, 0.95  # of pucker and funnel together, at most, and how much less of it lips that smile can do
_STAYS = 0.3  # of the photo's own smile while it speaks
_FADE = 0.45  # seconds in which the photo's own mouth comes back after speech
_HOLD = 0.9  # seconds of rest before it begins to: between words and sentences it would flicker


def soft(value: float, limit: float, knee: float = 1.0) -> float:
    """*value* up to *knee* times *limit*, then ever more slowly, never beyond 1.25 times the limit."""
    size, room = abs(value), (1.25 - knee) * limit
    if size > knee * limit:
        size = knee * limit + room * float(np.tanh((size - knee * limit) / room))
    return float(np.copysign(size, value))


class Rest:
    """How far the photo's own mouth gives way to speech, followed through one performance in order."""

    def __init__(self) -> None:
        self._acted = 0.0
        self._held = 0.0

    def step(self, row: F32, fps: float) -> float:
        """The share in [0, 1] by which the photo's own mouth gives way in the frame *row*, 1/*fps* s after the last."""
        now = acted(row)
        if now >= self._acted:
            self._acted, self._held = now, 0.0
            return now
        self._held += 1 / fps
        if self._held > _HOLD:
            self._acted = max(now, self._acted * float(np.exp(-1 / (_FADE * fps))))
        return self._acted


def acted(row: F32) -> float:
    """Whether the mouth of a frame does anything: 0 at rest to 1."""
    values = clamp(np.nan_to_num(row)[None])[0, list(_ACTS)]
    return float(step(float(values.max()), 0.03, 0.22))


def shown(row: F32, own: F32, given: float) -> F32:
    """The frame [69] that the person of the photo is in, without the pose of the head.

    *row* [69] of a Motion; *own* [69] what the photo shows; *given* in [0, 1] how far its mouth gives way. Expressions
    add to those of the photo up to 1, and eyes turn from where they look in it. Lips that smile in the photo do not
    round as far as others.
    """
    clean = clamp(np.nan_to_num(row)[None])[0]
    out = np.zeros_like(clean)
    keep = np.ones(len(ch.ARKIT), np.float32)
    keep[_MOUTH] = 1 - given
    keep[_SMILES] = 1 - given * (1 - _STAYS)
    kept = own[ch.EXPRESSION] * keep
    # Who smiles has room for more of it: half of what the photo shows already counts against what is asked.
    room = 1 - kept * np.where(_SMILES, 0.5, 1.0).astype(np.float32)
    out[ch.EXPRESSION] = kept + room * clean[ch.EXPRESSION]
    jaw = ch.INDEX["jawOpen"]
    out[jaw] = soft(float(out[jaw]), JAW) if clean[jaw] > 0 else out[jaw]
    # Lips that the photo shows drawn wide have no more skin to give: rounded far they would be pressed into smears.
    together = float(out[_ROUNDS].sum())
    most = _ROUND - _LESS * float(own[ch.EXPRESSION][_SMILES].max())
    out[_ROUNDS] *= soft(together, most, 0.75) / max(together, 1e-6)
    limit = np.radians(GAZE)
    for eye in (ch.EYE_LEFT, ch.EYE_RIGHT):
        turn = np.array([soft(float(v), float(limit)) for v in clean[eye]])
        out[eye] = rotations.compose(turn, own[eye])
    # The eyeLook shapes follow from the eyes; here they only move the lids.
    for name in ("eyeLookDownLeft", "eyeLookUpLeft", "eyeLookDownRight", "eyeLookUpRight"):
        out[ch.INDEX[name]] = clean[ch.INDEX[name]]
    out[ch.TONGUES] = clean[ch.TONGUES]
    return clamp(out[None])[0]


def turn(row: F32, mesh: PersonMesh, yaw: float) -> tuple[F64, F64]:
    """The head's rotation [3, 3] and shift [3] in a frame, x -> R x + s, within the limits.

    *yaw* in degrees is the photo's own: what it hides cannot be turned to the front far.
    """
    clean = clamp(np.nan_to_num(row)[None])[0].astype(np.float64)
    both = clean[ch.NECK] + clean[ch.HEAD]
    back = float(np.clip(1 - abs(yaw) / 60, 0.4, 1)) if both[1] * yaw < 0 else 1.0
    limits = np.radians([PITCH, YAW * back, ROLL])
    share = np.array(
        [soft(float(v), float(m)) / v if abs(v) > 1e-6 else 1.0 for v, m in zip(both, limits, strict=True)]
    )
    rotation, shift = np.eye(3), clean[ch.TRANSLATION].copy()
    for name, part in (
        ("neck", clean[ch.NECK] / 3), ("neck2", clean[ch.NECK] / 3), ("neck3", clean[ch.NECK] / 3),
        ("head", clean[ch.HEAD]),
    ):  # fmt: skip
        pivot = mesh.joints.position(name).astype(np.float64)
        local = rotations.to_matrix(part * share)
        shift = shift + rotation @ (pivot - local @ pivot)
        rotation = rotation @ local
    return rotation, shift
