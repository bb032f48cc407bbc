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
    "round": {"head_width": 0.14, "cheek_volume": 0.38, "chin_height": -0.22, "chin_width": 0.2, "jaw_drop": -0.3,
              "head_angle": 0.12, "head_fat": 0.25, "nose_length": -0.2},
    "square": {"jaw_width": 0.38, "chin_width": 0.4, "head_angle": -0.15, "chin_height": -0.08, "cheek_volume": -0.15,
               "jaw_drop": 0.35},
    "long": {"head_width": -0.22, "chin_height": 0.26, "nose_length": 0.35, "mouth_up": -0.25, "head_height": 0.1,
             "cheek_volume": -0.25, "jaw_drop": 0.2},
    "heart": {"chin_width": -0.5, "jaw_width": -0.35, "temple_width": 0.4, "cheek_bones": 0.4, "head_angle": 0.3,
              "chin_forward": 0.15},
    "diamond": {"cheek_bones": 0.65, "temple_width": -0.35, "chin_width": -0.3, "cheek_volume": -0.3,
                "chin_height": 0.1},
    "pear": {"jaw_width": 0.28, "head_angle": -0.2, "temple_width": -0.25, "cheek_volume": 0.25, "head_fat": 0.15},
}  # fmt: skip
"""Outlines of the face."""
NOSES: Final[dict[str, Shape]] = {
    "plain": {},
    "aquiline": {"nose_hump": 0.55, "nose_curve": 0.35, "nose_length": 0.2, "nose_tip_up": -0.3, "nose_depth": 0.25,
                 "nose_width": -0.2},
    "snub": {"nose_tip_up": 0.45, "nose_curve": -0.5, "nose_length": -0.35, "nose_base_up": 0.3, "nose_volume": -0.2},
    "broad": {"nose_width": 0.4, "nostril_width": 0.5, "nose_base_width": 0.4, "nose_flare": 0.35, "nose_volume": 0.3},
    "narrow": {"nose_width": -0.4, "nostril_width": -0.25, "nose_base_width": -0.2, "nose_middle_width": -0.2,
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
    "raised": {"eye_outer_corner_up": 0.5, "eye_inner_corner_up": -0.2},
    "drooping": {"eye_outer_corner_up": -0.5, "brow_angle": 0.25, "eye_fold_angle": -0.3},
    "deep": {"brow_forward": 0.3, "brow_height": -0.1, "eye_fold_up": -0.3},
    "hooded": {"eye_fold_up": -0.6, "eye_height": -0.2, "eye_bag": 0.2, "brow_height": -0.05},
}  # fmt: skip
"""Forms of the eyes."""
MOUTHS: Final[dict[str, Shape]] = {
    "plain": {},
    "full": {"upper_lip_height": 0.4, "lower_lip_height": 0.35, "upper_lip_volume": 0.3, "lower_lip_volume": 0.3},
    "thin": {"upper_lip_height": -0.5, "lower_lip_height": -0.4, "mouth_width": 0.1, "mouth_height": -0.25},
    "wide": {"mouth_width": 0.35, "upper_lip_width": 0.3, "mouth_corners_up": 0.15},
    "small": {"mouth_width": -0.4, "cupids_bow": 0.3, "mouth_height": 0.15},
    "bow": {"cupids_bow": 0.6, "upper_lip_middle_up": 0.3, "upper_lip_height": 0.2},
    "level": {"mouth_corners_up": -0.15, "lower_lip_height": 0.3, "upper_lip_height": -0.15},
    "high": {"mouth_up": 0.4, "chin_height": 0.12},
    "forward": {"mouth_forward": 0.22, "upper_lip_volume": 0.2, "lower_lip_volume": 0.15},
}  # fmt: skip
"""Forms of the mouth."""
KINDS: Final = {"outline": OUTLINES, "nose": NOSES, "eyes": EYES, "mouth": MOUTHS}

NEUTRAL: Final[Shape] = {
    "mouth_corners_up": 0.2, "brow_height": 0.14, "brow_angle": 0.08, "eye_height": 0.22, "eye_outer_height": 0.1,
    "jaw_width": -0.06,
}  # fmt: skip
"""What makes a face at rest neither frown nor sulk: MakeHuman's mouth is turned down a little, and its lids are low."""
MALE: Final[Shape] = {
    "jaw_width": 0.06, "chin_width": 0.1, "chin_height": 0.06, "mouth_width": -0.1, "brow_forward": 0.16,
    "brow_height": -0.06, "forehead_bulge": -0.06, "nose_volume": 0.1, "nose_length": 0.08, "neck_width": -0.25,
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
    -0.35, "eye_height": -0.15, "laugh_lines": 0.6, "mouth_corners_up": -0.06, "head_age": 0.5, "cheek_up": -0.4,
    "double_chin": 0.3, "temple_width": -0.3, "brow_height": -0.08, "chin_cleft": 0.0, "cheek_inner": -0.3,
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
    "forehead_bulge": 0.06, "head_fat": 0.1, "head_angle": 0.12, "chin_height": 0.18, "jaw_drop": 0.2, "mouth_width":
    0.18, "eye_up": 0.1, "nose_up": 0.16, "mouth_up": 0.12, "brow_angle": 0.07, "brow_height": 0.12, "eye_spacing":
    0.27, "neck_length": 0.1, "neck_height": 0.1, "double_chin": 0.08, "mouth_depth": 0.1, "ear_size": 0.15,
    "ear_wing": 0.16, "ear_up": 0.08, "ear_turn": 0.1, "ear_forward": 0.1, "ear_triangle": 0.1, "eye_inner_push": 0.1,
    "eye_outer_push": 0.1, "nose_compression": 0.15, "forehead_forward": 0.12, "brow_forward": 0.14, "epicanthus":
    0.14, "lower_lip_width": 0.1, "lower_lip_sides_up": 0.1, "upper_lip_sides_up": 0.12, "lower_lip_middle_up": 0.1,
    "mouth_corners_up": 0.08, "neck_width": 0.12, "neck_depth": 0.08, "neck_girth": 0.12, "neck_back": 0.1,
    "jaw_forward": 0.1, "mouth_forward": 0.09, "philtrum": 0.12, "jaw_width": 0.15, "chin_width": 0.16,
    "cheek_volume": 0.16, "cheek_up": 0.14, "chin_cleft": 0.15, "head_age": 0.12, "laugh_lines": 0.15,
}  # fmt: skip
"""Whole heads and necks that vary more look like no head at all; lips that do no longer close."""

LIMITS: Final[dict[str, tuple[float, float]]] = {
    "brow_angle": (-0.08, 0.32), "brow_height": (-0.16, 0.42), "brow_forward": (-0.4, 0.32),
    "mouth_corners_up": (-0.05, 0.42), "mouth_forward": (-0.3, 0.24), "jaw_width": (-0.5, 0.36),
    "chin_width": (-0.55, 0.45), "cheek_volume": (-0.6, 0.42), "cheek_bones": (-0.3, 0.7), "cheek_inner": (-0.5, 0.3),
    "cheek_up": (-0.45, 0.3), "head_fat": (-0.2, 0.4), "nose_length": (-0.45, 0.5), "nose_up": (-0.3, 0.3),
    "mouth_up": (-0.3, 0.32), "eye_spacing": (-0.45, 0.5), "temple_width": (-0.5, 0.45), "chin_forward": (-0.3, 0.45),
    "jaw_forward": (-0.2, 0.2), "upper_lip_height": (-0.6, 0.55), "lower_lip_height": (-0.5, 0.55),
    "eye_fold_up": (-0.6, 0.4), "nose_tip_up": (-0.45, 0.5), "philtrum": (-0.3, 0.25), "neck_girth": (-0.35, 0.4),
    "ear_size": (-0.3, 0.3), "ear_wing": (-0.3, 0.3), "jaw_drop": (-0.4, 0.5), "nose_volume": (-0.5, 0.65),
    "dimples": (-0.3, 0.3), "laugh_lines": (-0.4, 0.8),
}  # fmt: skip
"""How far chance and forms together may take an attribute of a seed's person; the others reach 0.6 either way."""
LINES: Final[tuple[tuple[Shape, float, float], ...]] = (
    ({"nose_width": 1.0, "nostril_width": 0.7, "nose_base_width": 0.8, "nose_middle_width": 0.5, "nose_flare": 0.4,
      "nose_volume": 0.4, "nose_length": -0.3}, -0.6, 1.1),
    ({"nose_length": 1.0, "nose_base_up": -0.5, "nose_tip_up": -0.4, "nose_hump": 0.3}, -0.8, 0.7),
    ({"mouth_up": -1.0, "nose_base_up": 0.6, "nose_length": -0.5, "upper_lip_height": -0.4}, -0.6, 0.42),
    ({"mouth_forward": 1.0, "upper_lip_volume": 0.4, "lower_lip_volume": 0.4, "philtrum": 0.3, "jaw_forward": 0.4,
      "chin_forward": -0.5}, -0.4, 0.42),
    ({"cheek_volume": 1.0, "head_fat": 0.6, "cheek_inner": 0.4, "double_chin": 0.3, "jaw_drop": -0.2}, -0.7, 0.75),
    ({"jaw_width": 1.0, "chin_width": 0.6, "head_angle": -0.6, "head_fat": 0.4, "cheek_volume": 0.2}, -0.7, 0.55),
    ({"brow_height": 1.0, "brow_forward": -0.5, "eye_fold_up": 0.25, "eye_height": -0.2, "brow_angle": 0.5},
     -0.25, 0.55),
    ({"eye_height": 1.0, "eye_inner_height": 0.6, "eye_outer_height": 0.6, "eye_size": 0.6, "eye_fold_up": 0.5},
     -0.55, 0.8),
    ({"upper_lip_height": 1.0, "lower_lip_height": 0.8, "mouth_height": 0.8, "upper_lip_volume": 0.3}, -0.8, 0.66),
)  # fmt: skip
"""Attributes that add up, with their weights, and how far the sum may go: noses become knives and cheeks balloons when
everything points the same way."""
PARTS: Final[dict[tuple[str, ...], float]] = {
    ("nose_", "nostril_", "septum_"): 1.2, ("mouth_", "upper_", "lower_", "cupids_", "philtrum"): 0.85,
    ("eye_", "epicanthus", "brow_"): 1.05, ("jaw_", "chin_", "cheek_"): 1.0, ("head_", "temple_", "forehead_"): 0.85,
    ("ear_",): 0.75,
}  # fmt: skip
"""Beginnings of the names of a part's attributes -> how long their vector may be before it is drawn in."""


def bounded(values: Shape) -> Shape:
    """*values* within LIMITS, LINES and PARTS: far from the mean in some ways, but not in all at once."""
    out = dict(values)
    for names, length in PARTS.items():
        mine = [name for name in out if name.startswith(names) and not name.endswith("_side")]
        norm = sum(out[name] ** 2 for name in mine) ** 0.5
        if norm > length:
            share = (length + 0.25 * (norm - length)) / norm
            out |= {name: share * out[name] for name in mine}
    for line, low, high in LINES:
        total = sum(weight * out[name] for name, weight in line.items())
        over = total - min(max(total, low), high)
        size = sum(weight**2 for weight in line.values())
        out |= {name: out[name] - over * weight / size for name, weight in line.items()}
    for name, value in out.items():
        low, high = LIMITS.get(name, (-0.6, 0.6))
        out[name] = round(min(max(value, low), high), 5)
    return out


def tendency(body: Mapping[str, float]) -> Shape:
    """What a phenotype does to the mean of each attribute."""
    out: Shape = {}

    def add(shape: Shape, share: float) -> None:
        for name, value in shape.items():
            out[name] = out.get(name, 0.0) + share * value

    add(NEUTRAL, 1.0)
    add(MALE, max(0.0, 1 - 2 * body["gender"]))
    add(FEMALE, max(0.0, 2 * body["gender"] - 1))
    add(OLD, min(max((body["age"] - 34) / 34, 0.0), 1.0))
    add(YOUNG, min(max((34 - body["age"]) / 16, 0.0), 1.0))
    add(HEAVY, min(max((body["weight"] - 0.55) / 0.3, 0.0), 1.0))
    add(LEAN, min(max((0.45 - body["weight"]) / 0.3, 0.0), 1.0))
    add({"nostril_width": 0.15, "upper_lip_volume": 0.1, "nose_flare": 0.1}, body["african"] ** 2)
    add({"epicanthus": 0.15, "eye_fold_up": -0.1}, body["asian"] ** 2)
    return out
