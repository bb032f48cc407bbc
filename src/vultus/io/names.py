"""Names of shapes and joints in the files of the field, and how they map to ours.

Sources: ARKit ``BlendShapeLocation``; the 46 poses that NVIDIA Audio2Face solves by default; the VRM 1.0 humanoid
bones; Mixamo's rig; the viseme names of Ready Player Me avatars (``viseme_`` + Oculus LipSync's visemes).
"""

from __future__ import annotations

import re
from typing import Final

from vultus import channels as ch

_SHAPES: Final = {name.lower(): name for name in (*ch.ARKIT, *ch.TONGUE)}


def _key(text: str) -> str:
    # Maya and Blender prepend the node ("bs1.jawOpen"), others number duplicates or write sides as _L and .R.
    tail = re.split(r"[.:|]", text)[-1] if not re.search(r"\.[lrLR]$", text) else text
    tail = re.sub(r"[._-]?(?<![a-z])[lL]$|[._-][lL]$", "Left", tail)
    tail = re.sub(r"[._-]?(?<![a-z])[rR]$|[._-][rR]$", "Right", tail)
    return re.sub(r"[^a-z0-9]", "", tail.lower())


def shape(text: str) -> str | None:
    """Our name of a shape that a file calls *text*, or None.

    Case, separators, node prefixes and the side suffixes ``_L`` and ``_R`` do not matter:
    ``EyeBlinkLeft``, ``eyeBlink_L`` and ``blendShape1.eyeBlinkLeft`` are all eyeBlinkLeft.
    """
    return _SHAPES.get(_key(text))


AUDIO2FACE: Final[dict[str, tuple[str, ...]]] = {
    "browLowerL": ("browDownLeft",), "browLowerR": ("browDownRight",),
    "innerBrowRaiserL": ("browInnerUp",), "innerBrowRaiserR": ("browInnerUp",),
    "outerBrowRaiserL": ("browOuterUpLeft",), "outerBrowRaiserR": ("browOuterUpRight",),
    "eyesLookLeft": ("eyeLookOutLeft", "eyeLookInRight"), "eyesLookRight": ("eyeLookInLeft", "eyeLookOutRight"),
    "eyesLookUp": ("eyeLookUpLeft", "eyeLookUpRight"), "eyesLookDown": ("eyeLookDownLeft", "eyeLookDownRight"),
    "eyesCloseL": ("eyeBlinkLeft",), "eyesCloseR": ("eyeBlinkRight",),
    "eyesUpperLidRaiserL": ("eyeWideLeft",), "eyesUpperLidRaiserR": ("eyeWideRight",),
    "squintL": ("eyeSquintLeft",), "squintR": ("eyeSquintRight",),
    "cheekRaiserL": ("cheekSquintLeft",), "cheekRaiserR": ("cheekSquintRight",),
    "cheekPuffL": ("cheekPuff",), "cheekPuffR": ("cheekPuff",),
    "noseWrinklerL": ("noseSneerLeft",), "noseWrinklerR": ("noseSneerRight",),
    "jawDrop": ("jawOpen",), "jawDropLipTowards": ("mouthClose",), "jawThrust": ("jawForward",),
    "jawSlideLeft": ("jawLeft",), "jawSlideRight": ("jawRight",),
    "mouthSlideLeft": ("mouthLeft",), "mouthSlideRight": ("mouthRight",),
    "dimplerL": ("mouthDimpleLeft",), "dimplerR": ("mouthDimpleRight",),
    "lipCornerPullerL": ("mouthSmileLeft",), "lipCornerPullerR": ("mouthSmileRight",),
    "lipCornerDepressorL": ("mouthFrownLeft",), "lipCornerDepressorR": ("mouthFrownRight",),
    "lipStretcherL": ("mouthStretchLeft",), "lipStretcherR": ("mouthStretchRight",),
    "upperLipRaiserL": ("mouthUpperUpLeft",), "upperLipRaiserR": ("mouthUpperUpRight",),
    "lowerLipDepressorL": ("mouthLowerDownLeft",), "lowerLipDepressorR": ("mouthLowerDownRight",),
    "chinRaiser": ("mouthShrugLower", "mouthShrugUpper"), "lipPressor": ("mouthPressLeft", "mouthPressRight"),
    "pucker": ("mouthPucker",), "funneler": ("mouthFunnel",), "lipSuck": ("mouthRollLower", "mouthRollUpper"),
}  # fmt: skip
"""The 46 poses of Audio2Face's default solver, each with the ARKit shapes that it comes nearest to."""

VISEMES: Final[dict[str, dict[str, float]]] = {
    "sil": {},
    "PP": {"mouthPressLeft": 0.5, "mouthPressRight": 0.5, "mouthRollLower": 0.4, "mouthRollUpper": 0.4},
    "FF": {"jawOpen": 0.06, "mouthRollLower": 0.7, "mouthUpperUpLeft": 0.3, "mouthUpperUpRight": 0.3},
    "TH": {"jawOpen": 0.16, "tongueOut": 0.35, "mouthLowerDownLeft": 0.2, "mouthLowerDownRight": 0.2},
    "DD": {"jawOpen": 0.12, "tongueTipUp": 1.0, "mouthLowerDownLeft": 0.3, "mouthLowerDownRight": 0.3,
           "mouthUpperUpLeft": 0.15, "mouthUpperUpRight": 0.15},
    "kk": {"jawOpen": 0.18, "tongueBackUp": 1.0, "mouthLowerDownLeft": 0.2, "mouthLowerDownRight": 0.2},
    "CH": {"jawOpen": 0.08, "mouthFunnel": 0.6, "mouthPucker": 0.2},
    "SS": {"jawOpen": 0.04, "tongueTipUp": 0.6, "mouthStretchLeft": 0.35, "mouthStretchRight": 0.35,
           "mouthLowerDownLeft": 0.3, "mouthLowerDownRight": 0.3},
    "nn": {"jawOpen": 0.12, "tongueTipUp": 1.0, "mouthLowerDownLeft": 0.2, "mouthLowerDownRight": 0.2},
    "RR": {"jawOpen": 0.12, "mouthFunnel": 0.35, "mouthPucker": 0.25, "tongueBackUp": 0.3},
    "aa": {"jawOpen": 0.45, "mouthLowerDownLeft": 0.2, "mouthLowerDownRight": 0.2},
    "E": {"jawOpen": 0.24, "mouthStretchLeft": 0.3, "mouthStretchRight": 0.3, "mouthSmileLeft": 0.15,
          "mouthSmileRight": 0.15},
    "ih": {"jawOpen": 0.16, "mouthSmileLeft": 0.25, "mouthSmileRight": 0.25, "mouthStretchLeft": 0.15,
           "mouthStretchRight": 0.15},
    "oh": {"jawOpen": 0.3, "mouthFunnel": 0.55, "mouthPucker": 0.2},
    "ou": {"jawOpen": 0.14, "mouthPucker": 0.75, "mouthFunnel": 0.25},
}  # fmt: skip
"""Each viseme as weights of our shapes, set by hand from articulatory phonetics (lip opening, rounding, contact)."""

_CENTRE = ("hips", "spine", "chest", "upperChest", "neck", "head", "jaw")
_LIMBS: Final[dict[str, str]] = {
    "Eye": "Eye", "Shoulder": "Shoulder", "UpperArm": "Arm", "LowerArm": "ForeArm", "Hand": "Hand",
    "UpperLeg": "UpLeg", "LowerLeg": "Leg", "Foot": "Foot", "Toes": "ToeBase",
    **{f"Thumb{part}": f"HandThumb{i}" for i, part in enumerate(("Metacarpal", "Proximal", "Distal"), 1)},
    **{
        f"{finger}{part}": f"Hand{theirs}{i}"
        for finger, theirs in (("Index", "Index"), ("Middle", "Middle"), ("Ring", "Ring"), ("Little", "Pinky"))
        for i, part in enumerate(("Proximal", "Intermediate", "Distal"), 1)
    },
}  # fmt: skip
VRM: Final = (*_CENTRE, *(f"{side}{limb}" for side in ("left", "right") for limb in _LIMBS))
"""The humanoid bones of VRM 1.0, which are our joint names too; ``neck2`` and ``neck3`` may follow the neck."""

MIXAMO: Final[dict[str, str]] = {
    "hips": "mixamorig:Hips", "spine": "mixamorig:Spine", "chest": "mixamorig:Spine1",
    "upperChest": "mixamorig:Spine2", "neck": "mixamorig:Neck", "head": "mixamorig:Head",
    **{
        f"{side}{limb}": f"mixamorig:{side.title()}{theirs}"
        for side in ("left", "right")
        for limb, theirs in _LIMBS.items()
    },
}  # fmt: skip
"""Our joints in Mixamo's rig, which Ready Player Me avatars share without the prefix."""

JOINT_NAMES: Final[dict[str, dict[str, str]]] = {"vultus": {}, "vrm": {name: name for name in VRM}, "mixamo": MIXAMO}
"""Node names of our joints for ``gltf.write``; a joint without an entry keeps its own name."""

NECKS: Final = ("neck", "neck2", "neck3")
"""Joints that share the neck's rotation evenly, as far as a skeleton has them."""


def _bare(text: str) -> str:
    return re.sub(r"[^a-z0-9]", "", re.sub(r"^(?:mixamorig\d*:?|CC_Base_|J_Bip_C_|J_Adj_)", "", text).lower())


_JOINTS: Final = {
    _bare(theirs): ours
    for table in (
        {name: name for name in (*VRM, *NECKS)}, MIXAMO, {"leftEye": "eyeLeft", "rightEye": "eyeRight"},
        {"leftEye": "eye.L", "rightEye": "eye.R"},
    )
    for ours, theirs in table.items()
}  # fmt: skip


def joint(text: str) -> str:
    """Our name of a joint that a file calls *text* (VRM, Mixamo, Ready Player Me), or *text* itself."""
    return _JOINTS.get(_bare(text), text)
