"""What nobody else's face has: smooth departures from all that the named attributes can say.

Attributes move whole features. Real faces also differ from one another between and within the features, by a millimetre
or so over distances of one to four centimetres: after the first fifty components of a morphable model of scans about
that much is left (after Blanz and Vetter, "A Morphable Model for the Synthesis of 3D Faces", 1999, and Paysan et al.,
"A 3D Face Model for Pose and Illumination Invariant Face Recognition", 2009). Here it is a random field in space, the
same left and right but for a share, weaker where lids and lips must meet, and gone at ears, scalp and neck.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from vultus.person.pack import Floats, Pack

F64 = NDArray[np.float64]

SCALES: Final = ((0.005, 0.0009, 0.00025), (0.010, 0.00125, 0.0007), (0.020, 0.0016, 0.0014))
"""Length in metres over which the field stays alike, and its standard deviation in metres across and in depth. Depth
varies less at small lengths: a millimetre up and down within a centimetre is a dent."""
UNEVEN: Final = 0.22
"""Share of it that is not the same left and right."""
WAVES: Final = 48
"""Waves that make up each scale."""
LEVEL: Final = 0.0003
"""Metres by which the field may lower a corner of the mouth under its middle."""
SOFTLY: Final = 2.3
"""Standard deviations at which the field is bent back."""


def _where(pack: Pack, places: F64) -> F64:
    """How much of the field each of *places* [V, 3] gets, in [0, 1]; they count from the middle between the eyes."""
    x, y, z = np.abs(places[:, 0]), places[:, 1], places[:, 2]

    def ramp(value: F64, low: float, high: float) -> F64:
        t = np.clip((value - low) / (high - low), 0, 1)
        return t * t * (3 - 2 * t)

    face = ramp(z, -0.085, -0.040) * ramp(y, -0.150, -0.112) * ramp(y, 0.095, 0.060) * ramp(x, 0.084, 0.068)
    eye_x = float(np.abs(pack.joint_template[pack.joint_names.index("leftEye"), 0]))
    eye = np.hypot(x - eye_x, 1.3 * y)
    lip = places - np.array([0.0, -0.068, 0.02])
    mouth = np.hypot(0.7 * lip[:, 0], 1.6 * lip[:, 1])
    return face * (0.45 + 0.55 * ramp(eye, 0.012, 0.024)) * (0.45 + 0.55 * ramp(mouth, 0.012, 0.030))


def _smooth_frown(places: F64, moves: F64) -> None:
    """Lift the corners of the mouth where *moves* [N, 3] pull them down, in place: nobody sulks at rest by chance.

    *places* [N, 3] count from the middle of the mouth.
    """
    x, y, z = places.T
    near = np.exp(-((y / 0.012) ** 2) - (z / 0.025) ** 2)
    ends = [near * np.exp(-(((x - side * 0.023) / 0.012) ** 2)) for side in (1, -1)]
    middle = near * np.exp(-((x / 0.010) ** 2))
    level = (middle * moves[:, 1]).sum() / middle.sum()
    for end in ends:
        moves[:, 1] += end * max(0.0, level - LEVEL - (end * moves[:, 1]).sum() / end.sum())


def _turns(angle: F64) -> Floats:
    """*angle* within half a turn of 0, as single floats: their sines cost a thirtieth, and err by a ten-millionth."""
    return np.asarray(angle - 2 * np.pi * np.rint(angle / (2 * np.pi)), np.float32)


def departure(pack: Pack, seed: int, vertices: int) -> Floats:
    """How far the face of *seed* departs from its attributes: metres [V, 3] for the first vertices of the pack."""
    left, right = (pack.joint_template[pack.joint_names.index(name)] for name in ("leftEye", "rightEye"))
    places = pack.template[:vertices].astype(np.float64) - 0.5 * (left + right).astype(np.float64)
    weight = _where(pack, places)
    some = np.flatnonzero(weight > 0)
    x, rest = places[some, :1], places[some, 1:]
    rng = np.random.default_rng([seed, 60])
    out = np.zeros((len(some), 3))
    for length, across, deep in SCALES:
        for axis, size in enumerate((across, across, deep)):
            wave = rng.normal(0, 1 / (np.sqrt(2) * length), (WAVES, 3))
            turn, other = rng.uniform(0, 2 * np.pi, (2, WAVES))
            along, phase = _turns(x * wave[:, 0]), rest @ wave[:, 1:].T + turn
            # Mirrored points move alike: the same up and forward, the opposite way across.
            even, odd = np.cos(along), np.sin(along)
            same, apart = (odd, even) if axis == 0 else (even, odd)
            field = np.einsum("nw,nw->n", same, np.cos(_turns(phase)), dtype=np.float64)
            field += UNEVEN * np.einsum("nw,nw->n", apart, np.cos(_turns(phase + other)), dtype=np.float64)
            out[:, axis] += size * SOFTLY * np.tanh(field * (2 / np.sqrt(WAVES)) / SOFTLY)
    mouth = places[some] - np.array([0.0, -0.068, 0.02])
    _smooth_frown(mouth, out)
    moved = np.zeros((vertices, 3), np.float32)
    moved[some] = np.round(out * weight[some, None], 7)
    return moved
