"""What a person can wear: styles, colours and patterns by name."""

from __future__ import annotations

from typing import Final

Colour = tuple[float, float, float]

HAIR_STYLES: Final = (
    "bald", "balding", "buzz", "short", "side_part", "swept_back", "fringe", "bob", "long_straight", "long_wavy",
    "curly", "afro", "ponytail", "bun", "braids", "undercut",
)  # fmt: skip
BEARDS: Final = ("none", "stubble", "moustache", "goatee", "short_beard", "full_beard")
"""How a beard is cut; the number ``stubble`` is what grew since the last shave where nothing else grows."""
GLASSES: Final = ("none", "round", "rectangular", "half_rim", "thin_metal")
NECKLINES: Final = ("crew", "v_neck", "scoop", "tank_top", "turtleneck", "shirt", "blazer", "hoodie")
PATTERNS: Final = ("plain", "stripes", "check")

HAIR_COLOURS: Final[dict[str, Colour]] = {
    "black": (0.035, 0.025, 0.02), "dark": (0.07, 0.045, 0.03), "brown": (0.16, 0.095, 0.05),
    "light_brown": (0.27, 0.18, 0.105), "auburn": (0.27, 0.11, 0.05), "ginger": (0.45, 0.19, 0.07),
    "blond": (0.45, 0.33, 0.17), "light_blond": (0.60, 0.48, 0.29), "iron": (0.19, 0.18, 0.17),
    "grey": (0.36, 0.35, 0.33), "white": (0.62, 0.61, 0.59),
}  # fmt: skip
"""Hair colours as sRGB in [0, 1]."""
EYE_COLOURS: Final[dict[str, Colour]] = {
    "dark": (0.10, 0.055, 0.03), "brown": (0.20, 0.12, 0.06), "hazel": (0.24, 0.19, 0.09),
    "green": (0.19, 0.25, 0.15), "blue": (0.20, 0.29, 0.36), "grey": (0.29, 0.32, 0.34),
}  # fmt: skip
"""Colours of the iris as sRGB in [0, 1]."""
SHIRT_COLOURS: Final[dict[str, Colour]] = {
    "black": (0.07, 0.07, 0.08), "charcoal": (0.18, 0.19, 0.21), "grey": (0.45, 0.46, 0.47),
    "white": (0.85, 0.85, 0.83), "navy": (0.10, 0.14, 0.26), "blue": (0.22, 0.36, 0.56), "teal": (0.12, 0.35, 0.36),
    "green": (0.20, 0.33, 0.20), "olive": (0.33, 0.32, 0.18), "red": (0.50, 0.13, 0.13), "wine": (0.32, 0.10, 0.16),
    "rust": (0.52, 0.27, 0.14), "sand": (0.68, 0.59, 0.45), "purple": (0.31, 0.20, 0.38),
}  # fmt: skip
"""Colours of the shirt as sRGB in [0, 1]."""

CHOICES: Final[dict[str, tuple[str, ...]]] = {
    "hair": HAIR_STYLES, "hair_colour": tuple(HAIR_COLOURS), "eye_colour": tuple(EYE_COLOURS), "beard": BEARDS,
    "glasses": GLASSES, "neckline": NECKLINES, "shirt_colour": tuple(SHIRT_COLOURS), "pattern": PATTERNS,
}  # fmt: skip
"""Fields of an identity that are words -> the words they can be."""
