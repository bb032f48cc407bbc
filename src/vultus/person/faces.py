"""Which face goes with which body: shapes of faces, and what sex, age, weight and ancestry do to their parts.

MakeHuman's phenotypes alone make siblings. Faces differ mostly in a few dozen distances that vary together: a long face
has a long nose and chin, a heavy one full cheeks and a double chin, men have larger jaws, brow ridges, noses and necks
(F. H. Farkas, "Anthropometry of the Head and Face", 1994), and ears, noses and lips change all life long.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

Shape = dict[str, float]

OUTLINES: Final[dict[str, Shape]] = {
    "oval": {"cheek_bones": 0.1, "chin_width": -0.1},
    "round": {"head_width": 0.16, "cheek_volume": 0.45, "chin_height": -0.22, "chin_width": 0.2, "jaw_drop": -0.3,
              "head_angle": 0.12, "head_fat": 0.25, "nose_length": -0.2},
    "square": {"jaw_width": 0.55, "chin_width": 0.5, "head_angle": -0.22, "chin_height": -0.08, "cheek_volume": -0.15,
               "jaw_drop": 0.35},
    "long": {"head_width": -0.22, "chin_height": 0.26, "nose_length": 0.35, "mouth_up": -0.25, "head_height": 0.1,
             "cheek_volume": -0.25, "jaw_drop": 0.2},
    "heart": {"chin_width": -0.5, "jaw_width": -0.35, "temple_width": 0.4, "cheek_bones": 0.4, "head_angle": 0.3,
              "chin_forward": 0.15},
    "diamond": {"cheek_bones": 0.65, "temple_width": -0.35, "chin_width": -0.3, "cheek_volume": -0.3,
                "chin_height": 0.1},
    "pear": {"jaw_width": 0.35, "head_angle": -0.3, "temple_width": -0.3, "cheek_volume": 0.25, "head_fat": 0.15},
}  # fmt: skip
"""Outlines of the face."""
NOSES: Final[dict[str, Shape]] = {
    "plain": {},
    "aquiline": {"nose_hump": 0.55, "nose_curve": 0.35, "nose_length": 0.2, "nose_tip_up": -0.3, "nose_depth": 0.25,
                 "nose_width": -0.2},
    "snub": {"nose_tip_up": 0.45, "nose_curve": -0.5, "nose_length": -0.35, "nose_base_up": 0.3, "nose_volume": -0.2},
    "broad": {"nose_width": 0.4, "nostril_width": 0.5, "nose_base_width": 0.4, "nose_flare": 0.35, "nose_volume": 0.3},
    "narrow": {"nose_width": -0.5, "nostril_width": -0.4, "nose_base_width": -0.35, "nose_middle_width": -0.3,
               "nose_length": 0.15, "nose_volume": -0.3},
    "bulbous": {"nose_volume": 0.55, "nose_tip_width": 0.6, "nose_base_up": -0.25, "nostril_angle": -0.2},
    "straight": {"nose_greek": 0.45, "nose_length": 0.2, "nose_tip_up": -0.1, "nose_bridge_width": 0.3},
    "hooked": {"nose_tip_up": -0.45, "nose_base_up": -0.4, "septum_angle": -0.35, "nose_hump": 0.25,
               "nostril_angle": -0.3},
}  # fmt: skip
"""Forms of the nose."""
EYES: Final[dict[str, Shape]] = {
    "plain": {},
    "wide apart": {"eye_spacing": 0.35, "nose_bridge_width": 0.3},
    "close": {"eye_spacing": -0.35, "eye_size": -0.1},
    "large": {"eye_size": 0.4, "eye_height": 0.35, "eye_outer_height": 0.2, "brow_height": 0.2},
    "small": {"eye_size": -0.35, "eye_height": -0.25, "brow_forward": 0.1},
    "raised": {"eye_inner_corner_up": 0.5, "eye_outer_corner_up": -0.2, "brow_angle": 0.35},
    "drooping": {"eye_inner_corner_up": -0.5, "brow_angle": -0.4, "eye_fold_angle": -0.3},
    "deep": {"brow_forward": 0.35, "brow_height": -0.2, "eye_fold_up": -0.3},
    "hooded": {"eye_fold_up": -0.6, "eye_height": -0.2, "eye_bag": 0.2, "brow_height": -0.15},
}  # fmt: skip
"""Forms of the eyes. The inner corner of these attributes is MakeHuman's first one: it lies at the temple."""
MOUTHS: Final[dict[str, Shape]] = {
    "plain": {},
    "full": {"upper_lip_height": 0.4, "lower_lip_height": 0.35, "upper_lip_volume": 0.3, "lower_lip_volume": 0.3},
    "thin": {"upper_lip_height": -0.5, "lower_lip_height": -0.4, "mouth_width": 0.1, "mouth_height": -0.25},
    "wide": {"mouth_width": 0.35, "upper_lip_width": 0.3, "mouth_corners_up": 0.15},
    "small": {"mouth_width": -0.4, "cupids_bow": 0.3, "mouth_height": 0.15},
    "bow": {"cupids_bow": 0.6, "upper_lip_middle_up": 0.3, "upper_lip_height": 0.2},
    "turned down": {"mouth_corners_up": -0.3, "lower_lip_height": 0.15},
    "high": {"mouth_up": 0.4, "chin_height": 0.12},
    "forward": {"mouth_forward": 0.4, "upper_lip_volume": 0.15, "chin_forward": -0.15},
}  # fmt: skip
"""Forms of the mouth."""
KINDS: Final = {"outline": OUTLINES, "nose": NOSES, "eyes": EYES, "mouth": MOUTHS}

MALE: Final[Shape] = {
    "jaw_width": 0.22, "chin_width": 0.2, "chin_height": 0.06, "mouth_width": -0.1, "brow_forward": 0.16,
    "brow_height": -0.08, "forehead_bulge": -0.06, "nose_volume": 0.1, "nose_length": 0.08, "neck_width": -0.25,
    "neck_girth": -0.15, "head_depth": -0.3, "head_back": -0.35, "eye_size": -0.1, "upper_lip_height": -0.12,
    "cheek_volume": -0.1, "jaw_drop": 0.2,
}  # fmt: skip
FEMALE: Final[Shape] = {
    "jaw_width": -0.22, "chin_width": -0.22, "brow_forward": -0.2, "brow_height": 0.2, "brow_angle": 0.12,
    "forehead_bulge": 0.05, "nose_volume": -0.15, "nose_width": -0.12, "nose_tip_up": 0.1, "eye_size": 0.14,
    "eye_height": 0.1, "upper_lip_height": 0.12, "lower_lip_height": 0.12, "cheek_bones": 0.12, "neck_width": -0.1,
    "head_depth": -0.2, "head_back": -0.2, "mouth_width": -0.12, "cheek_volume": 0.08, "ear_size": -0.15,
}  # fmt: skip
OLD: Final[Shape] = {
    "ear_size": 0.3, "ear_lobe": 0.45, "ear_height": 0.15, "nose_length": 0.18, "nose_tip_up": -0.25, "nose_volume":
    0.15, "upper_lip_height": -0.35, "lower_lip_height": -0.2, "eye_bag": 0.55, "eye_bag_out": 0.3, "eye_fold_up":
    -0.35, "eye_height": -0.15, "laugh_lines": 0.6, "mouth_corners_up": -0.12, "head_age": 0.5, "cheek_up": -0.4,
    "double_chin": 0.3, "temple_width": -0.3, "brow_height": -0.15, "chin_cleft": 0.0, "cheek_inner": -0.3,
    "neck_girth": -0.05,
}  # fmt: skip
YOUNG: Final[Shape] = {
    "ear_size": -0.1, "eye_bag": -0.3, "laugh_lines": -0.3, "head_age": -0.4, "cheek_volume": 0.12,
    "upper_lip_height": 0.1, "double_chin": -0.1,
}  # fmt: skip
HEAVY: Final[Shape] = {
    "cheek_volume": 0.45, "double_chin": 0.55, "neck_girth": 0.25, "head_fat": 0.5, "cheek_bones": -0.2, "neck_depth":
    0.15,
}  # fmt: skip
LEAN: Final[Shape] = {
    "cheek_volume": -0.4, "cheek_bones": 0.3, "neck_girth": -0.25, "double_chin": -0.2, "cheek_inner": -0.35,
    "head_fat": -0.15, "temple_width": -0.15,
}  # fmt: skip

# Standard deviations of what is left to chance, where it is not the usual one. They follow those of living adults:
# the noses vary by 3 to 4 mm in every direction, the distance of the eyes by 3.6 mm, the chin's height by 5 mm.
WIDE: Final[Shape] = dict.fromkeys(
    ("nose_tip_up", "nose_length", "nose_volume", "nostril_width", "nose_base_width", "nose_width", "nostril_angle",
     "nose_base_up", "nose_hump", "nose_curve", "nose_flare", "mouth_height", "upper_lip_height", "cupids_bow",
     "upper_lip_middle_up", "eye_height", "septum_angle", "ear_lobe", "ear_flap"),
    0.26,
)  # fmt: skip
MILD: Final[Shape] = {
    "head_width": 0.11, "head_height": 0.08, "head_depth": 0.1, "head_back": 0.1, "forehead_height": 0.08,
    "forehead_bulge": 0.06, "head_fat": 0.1, "head_angle": 0.12, "chin_height": 0.14, "jaw_drop": 0.2, "mouth_width":
    0.18, "eye_up": 0.1, "nose_up": 0.1, "mouth_up": 0.14, "brow_angle": 0.15, "brow_height": 0.18, "eye_spacing":
    0.2, "neck_length": 0.1, "neck_height": 0.1, "double_chin": 0.08, "mouth_depth": 0.1, "ear_size": 0.15,
    "ear_wing": 0.16, "ear_up": 0.08, "ear_turn": 0.1, "ear_forward": 0.1, "ear_triangle": 0.1, "eye_inner_push": 0.1,
    "eye_outer_push": 0.1, "nose_compression": 0.15, "forehead_forward": 0.12, "brow_forward": 0.14, "epicanthus":
    0.1, "lower_lip_width": 0.1, "lower_lip_sides_up": 0.1, "upper_lip_sides_up": 0.12, "lower_lip_middle_up": 0.1,
    "mouth_corners_up": 0.12, "neck_width": 0.12, "neck_depth": 0.08, "neck_girth": 0.12, "neck_back": 0.1,
    "jaw_forward": 0.12, "mouth_forward": 0.15, "chin_cleft": 0.15, "head_age": 0.12, "laugh_lines": 0.15,
}  # fmt: skip
"""Whole heads and necks that vary more look like no head at all; lips that do no longer close."""


def tendency(body: Mapping[str, float]) -> Shape:
    """What a phenotype does to the mean of each attribute."""
    out: Shape = {}

    def add(shape: Shape, share: float) -> None:
        for name, value in shape.items():
            out[name] = out.get(name, 0.0) + share * value

    add(MALE, max(0.0, 1 - 2 * body["gender"]))
    add(FEMALE, max(0.0, 2 * body["gender"] - 1))
    add(OLD, min(max((body["age"] - 36) / 38, 0.0), 1.0))
    add(YOUNG, min(max((34 - body["age"]) / 16, 0.0), 1.0))
    add(HEAVY, min(max((body["weight"] - 0.55) / 0.3, 0.0), 1.0))
    add(LEAN, min(max((0.45 - body["weight"]) / 0.3, 0.0), 1.0))
    add({"nostril_width": 0.15, "upper_lip_volume": 0.1, "nose_flare": 0.1}, body["african"] ** 2)
    add({"epicanthus": 0.15, "eye_fold_up": -0.1}, body["asian"] ** 2)
    return out
