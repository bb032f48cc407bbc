"""How different two pictures look: the machinery of the golden pictures."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from vultus.lab.sheets import pose, viseme
from vultus.person.identity import parse_identity
from vultus.person.portrait import Portrait

U8 = NDArray[np.uint8]

FOLDER = Path(__file__).parent / "golden"
SIDE = 112

# File -> who, light, place, quality, expression (controls, or a sound in IPA).
SCENES: dict[str, tuple[str, str, str | None, str, dict[str, float] | str]] = {
    "studio": ("person:4", "studio", None, "default", {}),
    "window": ("person:9", "window", None, "default", {"mouthSmile": 0.7, "jawOpen": 0.2, "mouthUpperUp": 0.3}),
    "stage": ("person:5", "stage", None, "default", "ɑ"),
    "draft": ("person:1", "office", "brick", "draft", {"eyeBlink": 1.0}),
    "film": ("person:11", "sunset", None, "film", "u"),
}
LIMIT = 1.0
"""The largest :func:`difference` of two pictures that count as the same."""


def drawn(scene: str, **changes: object) -> U8:
    """The picture uint8 [SIDE, SIDE, 3] of a scene; *changes* replace face, light, place or row."""
    face, light, place, quality, expression = SCENES[scene]
    row = viseme(expression) if isinstance(expression, str) else pose(expression)
    row = np.asarray(changes.get("row", row), np.float32)
    identity = parse_identity(str(changes.get("face", face)))
    portrait = Portrait(
        identity, (SIDE, SIDE), quality,  # type: ignore[arg-type]
        str(changes.get("light", light)), place=changes.get("place", place),  # type: ignore[arg-type]
    )  # fmt: skip
    vertices = np.empty_like(portrait.mesh.neutral)
    portrait.mesh.evaluate_into(row, vertices)
    return portrait.render(vertices, row)


def lab(picture: U8) -> NDArray[np.float64]:
    """sRGB bytes -> CIELAB under D65 (CIE 15:2004), [H, W, 3]."""
    c = picture / 255.0
    linear = np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4)
    xyz = linear @ np.array([[0.4124, 0.2126, 0.0193], [0.3576, 0.7152, 0.1192], [0.1805, 0.0722, 0.9505]])
    t = xyz / [0.9505, 1.0, 1.089]
    f = np.where(t > 0.008856, np.cbrt(t), 7.787 * t + 16 / 116)
    return np.stack([116 * f[..., 1] - 16, 500 * (f[..., 0] - f[..., 1]), 200 * (f[..., 1] - f[..., 2])], -1)


def difference(a: U8, b: U8) -> float:
    """How much two pictures [H, W, 3] differ where they differ most, in just noticeable steps of about 3 CIELAB units.

    Both are blurred a little first, so that the last bit, or an edge that moved by a fraction of a pixel, counts for
    nothing; then the worst 0.4 percent of the picture count, so that a small part that changed is not averaged away.
    """
    gap = gaussian_filter(lab(a), (1.2, 1.2, 0)) - gaussian_filter(lab(b), (1.2, 1.2, 0))
    return float(np.percentile(np.linalg.norm(gap, axis=-1), 99.6) / 3.0)
