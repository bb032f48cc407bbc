"""Friendly names of the local shape pairs of a person, and the MakeHuman targets behind them.

Every attribute runs from -1 to 1; positive means what the name says (wider, longer, higher, further forward).
Attributes of paired organs (eyes, ears, cheeks) move both sides; ``left_`` and ``right_`` before the name
add to one side only, which makes faces asymmetric.
"""

from __future__ import annotations

from typing import Final

UNPAIRED: Final[dict[str, str]] = {
    "head_width": "head-scale-horiz-incr", "head_height": "head-scale-vert-incr",
    "head_depth": "head-scale-depth-incr", "head_back": "head-back-scale-depth-incr", "head_fat": "head-fat-incr",
    "head_angle": "head-angle-out", "head_age": "head-age-incr", "head_forward": "head-trans-forward",
    "head_up": "head-trans-up", "head_side": "head-trans-out", "temple_width": "forehead-temple-incr",
    "forehead_forward": "forehead-trans-forward", "forehead_height": "forehead-scale-vert-incr",
    "forehead_bulge": "forehead-nubian-incr", "brow_angle": "eyebrows-angle-up", "brow_height": "eyebrows-trans-up",
    "brow_forward": "eyebrows-trans-forward", "nostril_angle": "nose-nostrils-angle-up",
    "nose_flare": "nose-flaring-incr", "nose_curve": "nose-curve-convex", "nose_depth": "nose-scale-depth-incr",
    "nose_length": "nose-scale-vert-incr", "nose_tip_width": "nose-point-width-incr",
    "nose_width": "nose-scale-horiz-incr", "nose_bridge_width": "nose-width1-incr",
    "nose_middle_width": "nose-width2-incr", "nose_base_width": "nose-width3-incr",
    "nose_forward": "nose-trans-forward", "nose_up": "nose-trans-up", "nose_hump": "nose-hump-incr",
    "nostril_width": "nose-nostrils-width-incr", "nose_side": "nose-trans-out", "nose_greek": "nose-greek-incr",
    "nose_tip_up": "nose-point-up", "septum_angle": "nose-septumangle-incr", "nose_base_up": "nose-base-up",
    "nose_compression": "nose-compression-uncompress", "nose_volume": "nose-volume-incr",
    "lower_lip_height": "mouth-lowerlip-height-incr", "mouth_width": "mouth-scale-horiz-incr",
    "cupids_bow": "mouth-cupidsbow-incr", "laugh_lines": "mouth-laugh-lines-out",
    "mouth_depth": "mouth-scale-depth-incr", "lower_lip_volume": "mouth-lowerlip-volume-incr",
    "mouth_corners_up": "mouth-angles-up", "upper_lip_sides_up": "mouth-upperlip-ext-up",
    "lower_lip_width": "mouth-lowerlip-width-incr", "mouth_forward": "mouth-trans-forward",
    "upper_lip_width": "mouth-upperlip-width-incr", "mouth_height": "mouth-scale-vert-incr",
    "dimples": "mouth-dimples-out", "upper_lip_height": "mouth-upperlip-height-incr",
    "upper_lip_volume": "mouth-upperlip-volume-incr", "cupids_bow_width": "mouth-cupidsbow-width-incr",
    "lower_lip_sides_up": "mouth-lowerlip-ext-up", "upper_lip_middle_up": "mouth-upperlip-middle-up",
    "mouth_up": "mouth-trans-up", "mouth_side": "mouth-trans-out", "lower_lip_middle_up": "mouth-lowerlip-middle-up",
    "philtrum": "mouth-philtrum-volume-incr", "jaw_drop": "chin-jaw-drop-incr", "chin_height": "chin-height-incr",
    "chin_forward": "chin-prominent-incr", "jaw_width": "chin-bones-incr", "chin_width": "chin-width-incr",
    "chin_cleft": "chin-cleft-incr", "jaw_forward": "chin-prognathism-incr", "neck_girth": "measure-neck-circ-incr",
    "neck_length": "measure-neck-height-incr", "neck_depth": "neck-scale-depth-incr",
    "neck_forward": "neck-trans-forward", "double_chin": "neck-double-incr", "neck_side": "neck-trans-out",
    "neck_back": "neck-back-scale-depth-incr", "neck_width": "neck-scale-horiz-incr",
    "neck_height": "neck-scale-vert-incr", "neck_up": "neck-trans-up",
}  # fmt: skip
"""Attributes of the middle of the face: friendly name -> the MakeHuman target of its positive direction."""

PAIRED: Final[dict[str, str]] = {
    "eye_outer_corner_up": "eye-corner1-up", "eye_inner_corner_up": "eye-corner2-up",
    "eye_inner_height": "eye-height1-incr", "eye_height": "eye-height2-incr", "eye_outer_height": "eye-height3-incr",
    "eye_size": "eye-scale-incr", "eye_inner_push": "eye-push1-out", "eye_outer_push": "eye-push2-out",
    "eye_fold_up": "eye-eyefold-up", "eye_fold_angle": "eye-eyefold-angle-up", "eye_bag": "eye-bag-incr",
    "eye_bag_height": "eye-bag-height-incr", "eye_bag_out": "eye-bag-out", "eye_up": "eye-trans-up",
    "eye_spacing": "eye-trans-out", "epicanthus": "eye-epicanthus-out", "cheek_up": "cheek-trans-up",
    "cheek_volume": "cheek-volume-incr", "cheek_inner": "cheek-inner-incr", "cheek_bones": "cheek-bones-incr",
    "ear_lobe": "ear-lobe-incr", "ear_round": "ear-shape-round", "ear_forward": "ear-trans-forward",
    "ear_turn": "ear-rot-forward", "ear_up": "ear-trans-up", "ear_height": "ear-scale-vert-incr",
    "ear_flap": "ear-flap-incr", "ear_triangle": "ear-shape-triangle", "ear_size": "ear-scale-incr",
    "ear_depth": "ear-scale-depth-incr", "ear_wing": "ear-wing-incr",
}  # fmt: skip
"""Attributes of paired organs, in the same form, without the side ("l-", "r-") of the target."""

SIDES: Final[dict[str, str]] = {"left_": "l-", "right_": "r-"}
"""Prefix of an attribute -> prefix of the MakeHuman target."""

TARGETS: Final[dict[str, str]] = UNPAIRED | {
    side + name: prefix + target for name, target in PAIRED.items() for side, prefix in SIDES.items()
}
"""The 139 single shape pairs: name in the pack -> MakeHuman target."""

ATTRIBUTES: Final[tuple[str, ...]] = (*UNPAIRED, *PAIRED, *(side + name for name in PAIRED for side in SIDES))
"""Every name that an identity's ``shape`` may use."""
