"""Expression shapes as people move, from the pack's own data and smooth fields over the template; and their pairs.

MakeHuman's shapes for ARKit are there but timid: pucker and funnel hardly leave the teeth, brows move two
millimetres, lids stay where they are while the eyes look away. Each is strengthened here. Where two shapes at once do
not add up to what a face does, a pair of channels drives a third shape by the product of their values.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from vultus import channels as ch
from vultus.person.bite import JOINED
from vultus.person.lids import SIDES, template_lids
from vultus.person.pack import Floats, Pack
from vultus.person.reach import BROW_LINE, brow_vertices, lengths, reach
from vultus.person.speech_fixes import part_vertices, round_lips, seal

MIXED: Final[dict[str, dict[str, float]]] = {
    "mouthPucker": {"mouth_forward+": 0.2},
    "mouthFunnel": {"mouth_forward+": 0.35, "jawOpen": JOINED["mouthFunnel"]},
    **{f"browDown{side}": {f"browDown{side}": -0.15} for side in ("Left", "Right")},
    **{f"noseSneer{side}": {f"noseSneer{side}": 0.5} for side in ("Left", "Right")},
}
"""Shapes, of identity or of expression, that join an expression as MakeHuman has it."""
MOUTH: Final = (0.0, 0.6605, 0.155)
"""Where the lips meet in the middle of the template, in metres."""
SQUEEZE: Final = {"mouthPucker": (0.27, 0.15), "mouthFunnel": (0.18, 0.10)}
"""How much narrower the mouth becomes, and how much taller, around MOUTH."""
FLARE: Final = {"mouthFunnel": (0.0035, 0.0030, 0.021)}
"""Metres that the upper lip goes up and the lower lip down, and how far from the middle."""
ROUND: Final = {"mouthFunnel": (0.0118, 0.0150)}
"""Half the width and the whole height of the opening between the lips, an ellipse, in metres on the template."""
SHUT: Final = (
    "jawForward", "jawLeft", "jawRight", "mouthPucker", "mouthLeft", "mouthRight", "cheekPuff",
    *(f"mouth{name}{side}" for name in ("Smile", "Frown", "Dimple", "Press", "Stretch") for side in ("Left", "Right")),
)  # fmt: skip
"""Expressions that part no lips."""
LIP_FOLLOWS: Final = 0.45
"""Share of jawForward's way that the upper lip goes with the lower one."""
SMILE: Final = (1.2, 0.8, 1.1)
"""How much of MakeHuman's smile along x, y and z: the corners of the mouth go more back and less up."""
BROWS: Final[dict[str, tuple[tuple[float, float, float], ...]]] = {
    "browInnerUp": ((0.010, 0.016, 0.0058), (0.045, 0.015, -0.0025)),
    "browDownLeft": ((0.034, 0.040, -0.0030),),
    "browDownRight": ((0.034, 0.040, -0.0030),),
    "browOuterUpLeft": ((0.040, 0.018, 0.003),),
    "browOuterUpRight": ((0.040, 0.018, 0.003),),
}
"""What an expression adds to the brows: (distance from the middle, reach to either side, height), all in metres."""
KNIT: Final = (0.030, 0.040, 0.0018)
"""What browDown draws each brow towards the nose, as corrugator does: (distance from the middle, reach, metres)."""
BROWS_AT_REST: Final = ((0.016, 0.019, 0.95, -0.0003, 0.0014), (0.043, 0.017, 0.90, 0.0002, 0.0022))
"""At rest: (distance from the middle, reach, how much of what a person's height of the brows above the eyes differs
from the template's, as a share of the face's length, is taken away, metres that are added, metres by which a woman's
skin goes down because her brows are drawn higher on it). Brows high at the nose look worried, low ones angry, whoever
has them."""
CALM: Final = {"ridge": 0.49, "long": -0.16, "face": 0.18, "nose": -0.096}
CALM_AT, CALM_MOST = 0.0092, 0.0035
"""Metres that the brows go up at the nose for each metre of ``reach.lengths``, less CALM_AT, and at most: without it
they look raised in narrow long faces and lowered under a strong ridge. Fitted to what a face tracker reads of
sixty-four people at rest, none of whom judges."""
DOWN_FOLLOWS, UP_FOLLOWS = 0.4, 0.44
"""How much of a blink's way down the upper lid goes when the eyes look down as far as they can, and up."""
LOWER_DOWN, LOWER_UP, LOWER_BLINK = -1.1, -0.4, 0.35
"""How much of a squint's way up the lower lid goes when the eyes look down or up as far as they can, and in a blink."""
STAYS_UP: Final = 0.75
"""How much of its way down with the eyes the lower lid does not go in a blink."""
LID_OVERLAP: Final = 0.0016
"""Metres by which a full blink carries the upper lid past the lower one."""
LID_PARTNERS: Final = (
    "eyeLookDown", "eyeLookUp", "eyeLookIn", "eyeLookOut", "eyeSquint", "eyeWide", "cheekSquint", "mouthSmile",
)  # fmt: skip
"""What moves the lids together with a blink, which then has another way to go."""

LID_CORNERS: Final = ((13364, 13361), (6841, 13367), (13357, 6817))
"""Vertices of MakeHuman's base mesh on the upper and lower rim of the left eye, from the nose to the temple; the
landmarks lie between the last two."""
MET: Final[dict[tuple[str, str], dict[str, float]]] = {
    ("mouthPucker", "jawOpen"): {"mouthClose": 0.35},
    ("mouthFunnel", "jawOpen"): {"mouthClose": 0.15},
    ("mouthSmileLeft", "jawOpen"): {"mouthUpperUpLeft": 0.3},
    ("mouthSmileRight", "jawOpen"): {"mouthUpperUpRight": 0.3},
}
"""What joins where two expressions of the mouth meet: round lips stay small, a laugh shows the upper teeth."""

PAIRS: Final[tuple[tuple[str, str], ...]] = (
    *((f"eyeBlink{side}", f"{name}{side}") for side in SIDES for name in LID_PARTNERS),
    *MET,
    *((f"eyeBlink{side}", f"eyeBlink{side}") for side in SIDES for _ in LID_CORNERS),
)
"""Channels whose product drives the shapes of :func:`pair_shapes`, in their order. The last, the squares of the
blinks, close the corners of eyes of any shape."""
DRIVERS: Final = np.array([[ch.INDEX[a], ch.INDEX[b]] for a, b in PAIRS], np.int32)
"""Columns of PAIRS [P, 2] in a Motion."""


def expressions(pack: Pack, vertices: int, corrected: bool) -> Floats:
    """The shapes that a mesh moves by, [54 + P, vertices, 3] in metres: ARKit's in their order, the tongue's, and with
    *corrected* those of PAIRS, which are 0 otherwise.

    Eyeballs are rigid, so no shape moves them: eyeLook* move lids and skin only.
    """
    shapes = np.stack([pack.expression.dense(i, vertices) for i in range(len(pack.expression.names))])
    pairs = np.zeros((len(PAIRS), vertices, 3), np.float32)
    if corrected:
        for name, mix in MIXED.items():
            for other, gain in mix.items():
                block = pack.expression if other in ch.INDEX else pack.local
                shapes[ch.INDEX[name]] += gain * block.dense(block.names.index(other), vertices)
        for side in SIDES:
            shapes[ch.INDEX[f"mouthSmile{side}"]] *= np.array(SMILE, np.float32)
        _move_mouth(pack, shapes)
        for name, bumps in BROWS.items():
            shapes[ch.INDEX[name], :, 1] += sum(brow_field(pack, *bump, name)[:vertices] for bump in bumps)
        x = pack.template[:vertices, 0]
        for side in SIDES:
            inwards = brow_field(pack, *KNIT, f"browDown{side}")[:vertices]
            shapes[ch.INDEX[f"browDown{side}"], :, 0] -= inwards * np.tanh(x / 0.008)
        _keep_shut(pack, shapes)
        _follow_gaze(pack, shapes)
        for part in ("eyeLeft", "eyeRight"):
            shapes[:, part_vertices(pack, part, vertices)] = 0
        pairs = pair_shapes(pack, shapes)
    # The tongue's shapes move nothing of the pack: ``bite`` has them.
    return np.concatenate([shapes, np.zeros((len(ch.TONGUE), vertices, 3), np.float32), pairs])


def _bell(values: Floats, middle: float, below: float, above: float) -> Floats:
    """A smooth bump of height 1 at *middle* that reaches *below* and *above* it."""
    reach = np.where(values < middle, below, above)
    return np.asarray(np.exp(-(((values - middle) / reach) ** 2)), np.float32)


def brow_field(pack: Pack, middle: float, reach: float, height: float, name: str = "") -> Floats:
    """Metres [V] by which the skin goes up around the brows, at *middle* metres from the middle of the face.

    Shapes whose *name* ends with a side stay on it. Below the brows the field ends soon, above the eyes.
    """
    x, y, z = pack.template.T
    field = height * _bell(np.abs(x), middle, reach, reach) * _bell(y, BROW_LINE, 0.009, 0.021)
    if name.endswith(SIDES):
        inside = x / 0.006 if name.endswith("Left") else -x / 0.006
        field = field / (1 + np.exp(-np.clip(inside, -50, 50)))
    front = 1 / (1 + np.exp(-np.clip((z - 0.095) / 0.006, -50, 50)))
    return np.asarray(field * front * part_vertices(pack, "skin", len(x)), np.float32)


@lru_cache(maxsize=1)
def _brow_knots(pack: Pack) -> tuple[NDArray[np.int64], Floats]:
    """Vertices [K, 2] of the brows at BROWS_AT_REST, left and right, and how the skin [V, K] goes with each knot."""
    knots = np.array([brow_vertices(pack, middle) for middle, *_ in BROWS_AT_REST])
    return knots, np.stack([brow_field(pack, middle, wide, 1.0) for middle, wide, *_ in BROWS_AT_REST], axis=1)


def seat_brows(pack: Pack, vertices: Floats, gender: float) -> Floats:
    """The vertices [V, 3] of a person at rest whose brows lie calm above the eyes, as BROWS_AT_REST has it.

    *gender* is 0 for men and 1 for women.
    """
    knots, field = _brow_knots(pack)
    lids = [pack.landmarks[f"lid{lid}{side}"] for lid in ("Upper", "Lower") for side in SIDES]
    chin = pack.landmarks["chin"]
    above, own = (y[knots].mean(axis=1) - y[lids].mean() for y in (pack.template[:, 1], vertices[:, 1]))
    longer, usual = (y[lids].mean() - y[chin] for y in (vertices[:, 1], pack.template[:, 1]))
    _, _, share, height, women = np.array(BROWS_AT_REST).T
    wanted = height - women * gender - share * (own - above * longer / usual)
    sizes = lengths(pack, vertices, np.arange(len(vertices)))
    calmer = sum(share * sizes[name] for name, share in CALM.items()) - CALM_AT
    wanted[0] += CALM_MOST * np.tanh(calmer / CALM_MOST)
    response = field[knots].mean(axis=1)
    seated = vertices.copy()
    seated[:, 1] += field @ np.linalg.solve(response.astype(np.float64), wanted).astype(np.float32)
    return seated


def _move_mouth(pack: Pack, shapes: Floats) -> None:
    """Pull the corners of the mouth in and round the lips where SQUEEZE and FLARE say so."""
    count = shapes.shape[1]
    x, y, z = (pack.template[:count] - np.array([*MOUTH[:2], 0], np.float32)).T
    near = part_vertices(pack, "skin", count) / (1 + np.exp(-np.clip((z - 0.122) / 0.004, -50, 50)))
    for name, (narrower, taller) in SQUEEZE.items():
        field = near * np.exp(-((x / 0.038) ** 4)) * _bell(y, 0.0, 0.018, 0.015)
        shapes[ch.INDEX[name], :, 0] -= narrower * x * field
        shapes[ch.INDEX[name], :, 1] += taller * y * field
    for name, (up, down, wide) in FLARE.items():
        field = near * np.exp(-((x / wide) ** 4)) * _bell(y, 0.0, 0.015, 0.013)
        shapes[ch.INDEX[name], :, 1] += np.where(y > 0, up, down) * np.tanh(y / 0.006) * field
    for name, opening in ROUND.items():
        shapes[ch.INDEX[name]] = round_lips(pack, shapes[ch.INDEX[name]], *opening)


def _keep_shut(pack: Pack, shapes: Floats) -> None:
    """Keep lips together in SHUT, and exactly together when mouthClose answers jawOpen."""
    jaw, close = ch.INDEX["jawOpen"], ch.INDEX["mouthClose"]
    x, y, z = (pack.template[: shapes.shape[1]] - np.array(MOUTH, np.float32)).T
    upper = _bell(x, 0, 0.022, 0.022) * _bell(y, 0.003, 0.004, 0.010) * _bell(z, 0.0, 0.02, 0.02)
    forward = shapes[ch.INDEX["jawForward"]]
    forward[:, 2] += LIP_FOLLOWS * forward[pack.landmarks["lipInnerLower"], 2] * upper * (y > 0)
    for name in SHUT:
        shapes[ch.INDEX[name]] = seal(pack, shapes[ch.INDEX[name]])
    shapes[close] = seal(pack, shapes[jaw] + shapes[close]) - shapes[jaw]


def _lower_lid(pack: Pack, shapes: Floats, side: str) -> Floats:
    """The part [V, 3] of a squint that raises the lower lid."""
    lids = template_lids(pack)
    near = np.zeros((shapes.shape[1], 1), np.float32)
    mine = (lids.eye == SIDES.index(side)) & (lids.index < len(near))
    near[lids.index[mine], 0] = lids.follow[mine]
    return np.asarray(near * shapes[ch.INDEX[f"eyeSquint{side}"]], np.float32)


def _follow_gaze(pack: Pack, shapes: Floats) -> None:
    """Let the lids go along when the eyes look up and down, and the lower lid meet the upper one in a blink."""
    for side in SIDES:
        blink = shapes[ch.INDEX[f"eyeBlink{side}"]].copy()
        lower = _lower_lid(pack, shapes, side)
        shapes[ch.INDEX[f"eyeLookDown{side}"]] += DOWN_FOLLOWS * blink + LOWER_DOWN * lower
        shapes[ch.INDEX[f"eyeLookUp{side}"]] += -UP_FOLLOWS * blink + LOWER_UP * lower
        shapes[ch.INDEX[f"eyeBlink{side}"]] += LOWER_BLINK * lower


@lru_cache(maxsize=1)
def _lid_corners(pack: Pack) -> NDArray[np.int64]:
    """LID_CORNERS of the left and right eye [2, K, 2] as vertices of the pack: upper, lower."""
    number = {int(v): i for i, v in enumerate(pack.source)}
    left = np.array([[number[v] for v in pair] for pair in LID_CORNERS])
    mirrored = pack.template[left] * np.array([-1, 1, 1], np.float32)
    right = np.linalg.norm(pack.template - mirrored[:, :, None], axis=-1).argmin(axis=-1)
    return np.stack([left, right])


def _corner_shapes(pack: Pack, blinks: tuple[Floats, Floats]) -> Floats:
    """Parts [2 K, vertices, 3] of the blinks that close the lids by a millimetre at one of LID_CORNERS each."""
    out = []
    for corners, blink in zip(_lid_corners(pack), blinks, strict=True):
        x = np.abs(pack.template[: len(blink), 0])
        knots = np.abs(pack.template[corners[:, 0], 0])
        middle = abs(float(pack.template[pack.landmarks["lidUpperLeft"], 0]))
        ends = np.array([knots[0] - 0.004, knots[0], knots[1], middle, knots[2], knots[2] + 0.005])
        for k, at in enumerate((1, 2, 4)):
            hat = np.interp(x, ends, np.eye(len(ends))[at])[:, None] * blink
            upper, lower = corners[k]
            out.append(1e-3 / (hat[lower, 1] - hat[upper, 1]) * hat)
    return np.stack(out).astype(np.float32)


def pair_shapes(pack: Pack, shapes: Floats) -> Floats:
    """What joins the sum of two shapes, [P, vertices, 3] in metres, times the product of their values.

    A blink goes the rest of the way that the other shape leaves between the lids, no more.
    """
    out = np.zeros((len(PAIRS), *shapes.shape[1:]), np.float32)
    for i, (first, second) in enumerate(PAIRS):
        a, b = shapes[ch.INDEX[first]], shapes[ch.INDEX[second]]
        if (first, second) in MET:
            for name, gain in MET[first, second].items():
                out[i] += gain * shapes[ch.INDEX[name]]
        elif first != second:
            side = first.removeprefix("eyeBlink")
            upper, lower = (pack.landmarks[f"lid{lid}{side}"] for lid in ("Upper", "Lower"))
            if second.startswith("eyeLookDown"):
                # The lower lid makes way for the iris only while the eye is open.
                out[i] = -STAYS_UP * LOWER_DOWN * _lower_lid(pack, shapes, side)
                b = b + out[i]
            out[i] -= (b[upper, 1] - b[lower, 1]) / (a[upper, 1] - a[lower, 1]) * a
    out[-2 * len(LID_CORNERS) :] = _corner_shapes(
        pack, (shapes[ch.INDEX["eyeBlinkLeft"]], shapes[ch.INDEX["eyeBlinkRight"]])
    )
    return out


def gains(pack: Pack, rest: Floats, shapes: Floats, coarse: NDArray[np.int64]) -> Floats:
    """How much of each of *shapes* [54 + P, C, 3] suits a person who is at *rest* [C, 3]; [54 + P].

    Mouth and brows go as far as ``reach`` says. A blink closes eyes of any size and shape; lids of eyes that open less
    than the template's also move less when they look up and down. *coarse* [C], ascending, are the vertices in the
    pack.
    """
    out = np.ones(len(shapes), np.float32)
    for name, gain in reach(pack, rest, coarse).items():
        out[ch.INDEX[name]] = gain
    corner = len(out) - 2 * len(LID_CORNERS)
    for corners, side in zip(_lid_corners(pack), SIDES, strict=True):
        upper, lower = (np.searchsorted(coarse, pack.landmarks[f"lid{lid}{side}"]) for lid in ("Upper", "Lower"))
        opening = pack.template[coarse[upper], 1] - pack.template[coarse[lower], 1]
        own = rest[upper, 1] - rest[lower, 1]
        blink = shapes[ch.INDEX[f"eyeBlink{side}"], :, 1]
        gain = np.clip((own + LID_OVERLAP) / (blink[lower] - blink[upper]), 0.3, 2.0)
        out[ch.INDEX[f"eyeBlink{side}"]] = gain
        for look in ("eyeLookDown", "eyeLookUp"):
            out[ch.INDEX[f"{look}{side}"]] = np.clip(own / opening, 0.55, 1.15)
        upper, lower = np.searchsorted(coarse, corners).T
        left = (rest[upper, 1] - rest[lower, 1]) + gain * (blink[upper] - blink[lower])
        out[corner : corner + len(LID_CORNERS)] = np.clip((left + LID_OVERLAP) * 1e3, -1.0, 4.0)
        corner += len(LID_CORNERS)
    first_pair = len(out) - len(PAIRS)
    for i, (first, second) in enumerate(PAIRS):
        # A blink's own gain is in what it leaves: only the partner's counts.
        if first.startswith("eyeBlink") and first != second:
            out[first_pair + i] = out[ch.INDEX[second]]
    return out
