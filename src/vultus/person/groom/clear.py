"""Where strands must not lie: over the face, and over ears that a style leaves free."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from vultus.person.groom.body import Body
from vultus.person.groom.growth import Plan
from vultus.person.groom.scalp import edge_distance

F64 = NDArray[np.float64]
Flags = NDArray[np.bool_]

_CHEEK: Final = 0.084  # painter z in metres that hair beside the face does not pass
_BEFORE: Final = 0.022  # metres before an ear that are free of hair, too
_FREE, _LOOSE = 0.004, 0.020  # metres that combed hair and other hair may reach over the edge of the forehead


def shortened(points: F64, share: F64) -> F64:
    """The first *share* [N] in [0, 1] of each strand [N, P, 3] with as many points, spaced as they were."""
    last = points.shape[1] - 1
    at = np.linspace(0, last, last + 1)[None, :] * share[:, None]
    index = np.minimum(at.astype(int), last - 1)
    part = (at - index)[..., None]
    rows = np.arange(len(points))[:, None]
    return points[rows, index] * (1 - part) + points[rows, index + 1] * part


def over_face(body: Body, points: F64, plan: Plan, hairs: F64, fringed: bool) -> Flags:
    """Which strands [N, P, 3] lie over forehead, temples or cheeks, [N].

    Hair that *plan* parts or ties stays behind its edge; other hair may fall a little over it, and *fringed* hair
    covers the whole forehead. *hairs* is ``hairline.growth`` of the person.
    """
    linear = body.affine[:3]
    place = (points - body.affine[3]) @ np.linalg.inv(linear)
    middle = np.concatenate([place, 0.5 * (place[:, 1:] + place[:, :-1])], 1)
    ahead = (middle[..., 2] > _CHEEK) & (middle[..., 1] > 0.60)
    if fringed:
        return np.asarray((ahead & (middle[..., 1] < 0.735) & (middle[..., 2] > _CHEEK + 0.01)).any(1))
    inside = np.ones(ahead.shape)
    inside[ahead] = edge_distance(middle[ahead], hairs)
    strict = (plan.parted >= 1) | (plan.pull > 0)
    return np.asarray((inside < -np.where(strict, _FREE, _LOOSE)[:, None]).any(1))


def off_ears(body: Body, points: F64, vertices: NDArray[np.float32]) -> F64:
    """Strands [N, P, 3] cut where they come before an ear, and above 3 mm from their root.

    *vertices* float32 [V, 3] are those of the mesh at rest.
    """
    last = points.shape[1] - 1
    first = np.full(len(points), float(last))
    halfway = 0.5 * (points[:, 1:] + points[:, :-1])
    for side in (1.0, -1.0):
        ear = vertices[(body.ear > 0.5) & (side * body.places[:, 0] > 0)].astype(np.float64)
        low, high = ear.min(0), ear.max(0)
        base = (side * ear[:, 0]).min() + 0.002
        middle, radius = 0.5 * (low + high), 0.5 * (high - low) + 0.004
        within = np.zeros(points.shape[:2], bool)
        # Halfway, too: the segments of curls are long enough to cross what their ends avoid.
        for places in (points[:, 1:], halfway):
            up, ahead = places[..., 1] - middle[1], places[..., 2] - middle[2]
            # What stands out before an ear hides it from the front.
            ahead = np.where(ahead > 0, np.maximum(ahead - _BEFORE, 0), ahead)
            near = (up / radius[1]) ** 2 + (ahead / radius[2]) ** 2 < 1
            within[:, 1:] |= near & (side * places[..., 0] > base)
        first = np.minimum(first, np.where(within.any(1), within.argmax(1) - 0.7, float(last)))
    return shortened(points, first / last)
