"""The names, order and limits of everything that a Motion carries.

Sources: ARKit ``ARFaceAnchor.BlendShapeLocation`` (52 names), Apple Live Link Face's CSV order,
and the 15 visemes of Oculus LipSync, which are the field's common vocabularies.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

ARKIT: Final[tuple[str, ...]] = (
    "eyeBlinkLeft", "eyeLookDownLeft", "eyeLookInLeft", "eyeLookOutLeft", "eyeLookUpLeft", "eyeSquintLeft",
    "eyeWideLeft", "eyeBlinkRight", "eyeLookDownRight", "eyeLookInRight", "eyeLookOutRight", "eyeLookUpRight",
    "eyeSquintRight", "eyeWideRight", "jawForward", "jawLeft", "jawRight", "jawOpen", "mouthClose", "mouthFunnel",
    "mouthPucker", "mouthLeft", "mouthRight", "mouthSmileLeft", "mouthSmileRight", "mouthFrownLeft",
    "mouthFrownRight", "mouthDimpleLeft", "mouthDimpleRight", "mouthStretchLeft", "mouthStretchRight",
    "mouthRollLower", "mouthRollUpper", "mouthShrugLower", "mouthShrugUpper", "mouthPressLeft", "mouthPressRight",
    "mouthLowerDownLeft", "mouthLowerDownRight", "mouthUpperUpLeft", "mouthUpperUpRight", "browDownLeft",
    "browDownRight", "browInnerUp", "browOuterUpLeft", "browOuterUpRight", "cheekPuff", "cheekSquintLeft",
    "cheekSquintRight", "noseSneerLeft", "noseSneerRight", "tongueOut",
)  # fmt: skip
"""The 52 ARKit blend shapes in our column order, which is ARKit's own; file formats may order them otherwise."""

VISEMES: Final[tuple[str, ...]] = (
    "sil", "PP", "FF", "TH", "DD", "kk", "CH", "SS", "nn", "RR", "aa", "E", "ih", "oh", "ou",
)  # fmt: skip
"""The 15 visemes of Oculus LipSync, in its order."""

EMOTIONS: Final[tuple[str, ...]] = ("happy", "sad", "angry", "surprised", "fearful", "disgusted", "contempt")
"""The emotions that styles weigh and judges read; ``neutral`` is the absence of them."""

ROTATIONS: Final[tuple[str, ...]] = ("neck", "head", "eyeLeft", "eyeRight")
"""The joints that carry a rotation vector, parents before children."""

POSE: Final[tuple[str, ...]] = tuple(f"{joint}Rotation{axis}" for joint in ROTATIONS for axis in "XYZ") + tuple(
    f"translation{axis}" for axis in "XYZ"
)

TONGUE: Final[tuple[str, ...]] = ("tongueTipUp", "tongueBackUp")
"""Tongue shapes that ARKit lacks (L, T, D, N, TH lift the tip, K, G, NG the back); formats without them drop them."""

CHANNELS: Final[tuple[str, ...]] = ARKIT + POSE + TONGUE
"""All scalar channels of a Motion, in column order."""

INDEX: Final[dict[str, int]] = {name: i for i, name in enumerate(CHANNELS)}

EXPRESSION: Final = slice(0, len(ARKIT))
NECK: Final = slice(INDEX["neckRotationX"], INDEX["neckRotationZ"] + 1)
HEAD: Final = slice(INDEX["headRotationX"], INDEX["headRotationZ"] + 1)
EYE_LEFT: Final = slice(INDEX["eyeLeftRotationX"], INDEX["eyeLeftRotationZ"] + 1)
EYE_RIGHT: Final = slice(INDEX["eyeRightRotationX"], INDEX["eyeRightRotationZ"] + 1)
TRANSLATION: Final = slice(INDEX["translationX"], INDEX["translationZ"] + 1)
TONGUES: Final = slice(INDEX["tongueTipUp"], INDEX["tongueBackUp"] + 1)

EYE_LOOK_FULL: Final = float(np.radians(35.0))
"""The eye rotation, in radians, at which an eyeLook* shape reaches 1."""

MAX_ROTATION: Final = float(np.radians(75.0))
"""The largest rotation angle of neck and head, in radians; the joints of a person reach less."""

MAX_TRANSLATION: Final = 10.0
"""The largest displacement from rest on any axis, in metres."""


def _limits() -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    low, high = np.zeros(len(CHANNELS), np.float32), np.ones(len(CHANNELS), np.float32)
    for part, bound in ((NECK, MAX_ROTATION), (HEAD, MAX_ROTATION), (TRANSLATION, MAX_TRANSLATION)):
        low[part], high[part] = -bound, bound
    for part in (EYE_LEFT, EYE_RIGHT):
        low[part], high[part] = -EYE_LOOK_FULL, EYE_LOOK_FULL
    for limit in (low, high):
        limit.flags.writeable = False
    return low, high


LOW, HIGH = _limits()
"""Smallest and largest value of each channel, float32 [69]: weights lie in [0, 1], angles and metres are symmetric."""


def _mirror() -> tuple[NDArray[np.intp], NDArray[np.float32]]:
    source, sign = np.arange(len(CHANNELS)), np.ones(len(CHANNELS), np.float32)
    for name, i in INDEX.items():
        other = name.replace("Left", "\0").replace("Right", "Left").replace("\0", "Right")
        source[i] = INDEX.get(other, i)
        # Reflecting x: rotation vectors are axial (y and z flip), translations are polar (x flips).
        if name.endswith(("RotationY", "RotationZ")) or name == "translationX":
            sign[i] = -1
    source.flags.writeable = sign.flags.writeable = False
    return source, sign


MIRROR_SOURCE, MIRROR_SIGN = _mirror()
"""``mirrored = data[:, MIRROR_SOURCE] * MIRROR_SIGN`` swaps the person's left and right."""


def _starting(*prefixes: str) -> tuple[int, ...]:
    return tuple(i for name, i in INDEX.items() if name.startswith(prefixes) and "Rotation" not in name)


REGIONS: Final[dict[str, tuple[int, ...]]] = {
    "brows": _starting("brow"),
    "blink": _starting("eyeBlink"),
    "lids": _starting("eyeSquint", "eyeWide"),
    "gaze": (*range(*EYE_LEFT.indices(99)), *range(*EYE_RIGHT.indices(99))),
    "cheeks": _starting("cheek", "nose"),
    "jaw": _starting("jaw"),
    "mouth": _starting("mouth"),
    "tongue": _starting("tongue"),
    "head": (*range(*NECK.indices(99)), *range(*HEAD.indices(99)), *range(*TRANSLATION.indices(99))),
}
"""Channel columns by part of the face, for scaling and for layers. The eyeLook shapes follow ``gaze``."""
