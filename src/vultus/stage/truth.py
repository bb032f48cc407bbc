"""Do the buffers tell the truth? Checks that compare what a view says with what follows from its other buffers.

Each takes views as they come, from the stage or read back from a file, and gives plain numbers.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import binary_dilation, map_coordinates

from vultus.camera import Camera
from vultus.clip import Frame, View
from vultus.person.landmarks import INNER_LIPS, LEFT_IRIS, OUTER_LIPS, RIGHT_IRIS

F64 = NDArray[np.float64]
Bool = NDArray[np.bool_]

_STEEP: Final = 0.35  # cosine between normal and view below which a surface is seen too much from the side to compare
_APART: Final = 0.010  # metres between two depths from which they belong to different surfaces


def grid(shape: tuple[int, ...]) -> F64:
    """The pixel centres (x, y) of a picture, [H, W, 2]."""
    y, x = np.mgrid[: shape[0], : shape[1]]
    return np.stack([x, y], -1) + 0.5


def look_up(image: NDArray[np.generic], pixels: F64) -> F64:
    """Bilinear values of *image* [H, W] or [H, W, C] at *pixels* [..., 2]; the edge goes on outside."""
    at = pixels[..., 1] - 0.5, pixels[..., 0] - 0.5
    planes = image[..., None] if image.ndim == 2 else image
    out = np.stack([map_coordinates(planes[..., c].astype(float), at, order=1, mode="nearest")
                    for c in range(planes.shape[-1])], -1)  # fmt: skip
    return np.asarray(out[..., 0] if image.ndim == 2 else out)


def flow_error(now: Frame, after: Frame) -> tuple[float, float]:
    """Mean photometric error in grey levels over what moves and stays in sight: warped by the flow, and unwarped.

    *now* needs frames, flow, occlusion and masks, *after* frames. NaN when nothing moves by a third of a pixel.
    """
    moving = (np.linalg.norm(now["flow"], axis=-1) > 0.33) & ~now["occlusion"] & (now["masks"] != 255)
    if not moving.any():
        return float("nan"), float("nan")
    first, second = now["frames"].astype(float), after["frames"].astype(float)
    warped = look_up(second, grid(moving.shape) + now["flow"])
    return float(np.abs(warped - first)[moving].mean()), float(np.abs(second - first)[moving].mean())


def depth_errors(one: Frame, camera: Camera, other: Frame, elsewhere: Camera) -> F64:
    """Metres by which the depth of *one* camera, put into another's picture, differs from the other's [N].

    Over solid surfaces that both see from the front: strands of hair show other strands from elsewhere. Both frames
    need depth and normals.
    """
    pixels, solid = grid(one["depth"].shape), facing(one, camera)
    world = camera.unproject(pixels[solid], one["depth"][solid])
    there, z = elsewhere.project(world)
    height, width = other["depth"].shape
    inside = (there > 1).all(1) & (there[:, 0] < width - 1) & (there[:, 1] < height - 1)
    there, z = there[inside], z[inside]
    depth = np.where(facing(other, elsewhere), other["depth"], np.nan)
    found = look_up(depth, there)  # NaN where one of the four pixels is not solid
    low, high = (look_up(np.nan_to_num(d, nan=9), there) for d in (depth, depth))
    good = np.isfinite(found) & np.isfinite(low + high)
    # What lies well behind what the other camera sees is hidden from it.
    apart = np.abs(found - z)
    return np.asarray(apart[good & (apart < _APART)])


def facing(frame: Frame, camera: Camera) -> Bool:
    """Where a solid surface is seen, not from the side, [H, W]; *frame* needs depth and normals."""
    pixels = grid(frame["depth"].shape)
    normals = frame["normals"].astype(float)
    solid = np.isfinite(frame["depth"]) & (np.abs(normals).max(-1) > 0)
    way = camera.position - camera.unproject(pixels, np.where(solid, frame["depth"], 1.0))
    cosine = (normals * way).sum(-1) / np.linalg.norm(way, axis=-1)
    return np.asarray(solid & (cosine > _STEEP))


def normal_errors(frame: Frame, camera: Camera, part: int) -> F64:
    """Angles in radians [N] between normals and the slope of the depth, over pixels of *part* (a value of masks)
    whose neighbours on all four sides are of it too; *frame* needs depth, normals and masks."""
    inside = (frame["masks"] == part) & facing(frame, camera)
    core = inside[1:-1, 1:-1] & inside[:-2, 1:-1] & inside[2:, 1:-1] & inside[1:-1, :-2] & inside[1:-1, 2:]
    depth = np.where(np.isfinite(frame["depth"]), frame["depth"], 1.0)
    world = camera.unproject(grid(depth.shape), depth)
    across, down = world[1:-1, 2:] - world[1:-1, :-2], world[2:, 1:-1] - world[:-2, 1:-1]
    normal = np.cross(down, across)
    normal /= np.maximum(np.linalg.norm(normal, axis=-1, keepdims=True), 1e-12)
    jump = np.maximum(np.ptp(depth_stack(depth), axis=0), 0)
    cosine = np.clip((normal * frame["normals"][1:-1, 1:-1]).sum(-1), -1, 1)
    return np.asarray(np.arccos(cosine)[core & (jump < _APART)])


def depth_stack(depth: NDArray[np.floating]) -> F64:
    """The four neighbours of every inner pixel, [4, H - 2, W - 2]."""
    return np.stack([depth[:-2, 1:-1], depth[2:, 1:-1], depth[1:-1, :-2], depth[1:-1, 2:]]).astype(np.float64)


def landmark_errors(frame: Frame, camera: Camera, points: NDArray[np.floating]) -> F64:
    """Metres [N] between landmarks in sight and the surface that the depth shows there; *points* [478, 3] in metres.

    *frame* needs depth and landmarks_478. Points under glasses or strands count as hidden, not as wrong.
    """
    pixels, z = camera.project(points)
    seen = frame["landmarks_478"][:, 2] > 0
    height, width = frame["depth"].shape
    column = np.clip(np.floor(pixels[seen, 0]).astype(int), 0, width - 1)
    row = np.clip(np.floor(pixels[seen, 1]).astype(int), 0, height - 1)
    # The nearest of the pixels around: at an outline the one that the point falls into may show what is behind.
    rows = np.clip(row[:, None] + np.repeat([-1, 0, 1], 3), 0, height - 1)
    columns = np.clip(column[:, None] + np.tile([-1, 0, 1], 3), 0, width - 1)
    return np.asarray(np.abs(frame["depth"][rows, columns] - z[seen, None]).min(1))


def landmark_parts(frame: Frame, parts: tuple[str, ...]) -> dict[str, float]:
    """The share of points in sight that lie on their part: outer and inner lips on lips (at most a pixel and a half
    away), irises on eyes. *frame* needs masks and landmarks_478; a group without points in sight is left out."""
    mouth = np.isin(frame["masks"], [parts.index(name) for name in ("lips", "mouth", "teeth_upper", "teeth_lower")])
    eyes = np.isin(frame["masks"], [parts.index("eye_left"), parts.index("eye_right")])
    disc = np.ones((3, 3), bool)
    out = {}
    for name, points, mask in (
        ("lips", OUTER_LIPS + INNER_LIPS, binary_dilation(mouth, disc)),
        ("irises", (LEFT_IRIS[0], RIGHT_IRIS[0]), binary_dilation(eyes, disc)),
    ):
        some = frame["landmarks_478"][list(points)]
        some = some[some[:, 2] > 0]
        if len(some):
            column, row = np.floor(some[:, :2]).astype(int).T
            out[name] = float(mask[row, column].mean())
    return out


def disocclusion_agreement(now: Frame, after: Frame) -> tuple[float, float]:
    """Of what *after* says was in sight before, the share that *now*'s flow reaches within a pixel; and of what it says
    was not, the share that the flow does not hit. *now* needs flow and occlusion, *after* disocclusion."""
    height, width = now["occlusion"].shape
    target = np.floor(grid((height, width)) + now["flow"]).astype(int)[~now["occlusion"]]
    target = target[((target >= 0) & (target < (width, height))).all(1)]
    hit = np.zeros((height, width), bool)
    hit[target[:, 1], target[:, 0]] = True
    near = binary_dilation(hit, np.ones((3, 3), bool))
    fresh = after["disocclusion"]
    return float(near[~fresh].mean()), float((~hit)[fresh].mean()) if fresh.any() else 1.0


def checks(view: View, frame: int, names: tuple[str, ...] = ()) -> dict[str, float]:
    """Some numbers of one frame of *view* and the next: those of every check here that needs one camera only."""
    now, after = view.each(
        "frames", "depth", "normals", "masks", "flow", "occlusion", "disocclusion", "landmarks_478",
        first=frame, stop=frame + 2,
    )  # fmt: skip
    camera = view.camera(frame)
    warped, still = flow_error(now, after)
    reached, missed = disocclusion_agreement(now, after)
    angles = np.degrees(normal_errors(now, camera, view.parts.index("skin")))
    on = landmark_parts(now, view.parts)
    found = {
        "flow: warped over unwarped error": warped / still,
        "normals and slope of the depth, median degrees": float(np.median(angles)),
        "lip points on lips": on.get("lips", float("nan")),
        "iris points on eyes": on.get("irises", float("nan")),
        "seen before, and reached by the flow": reached,
        "not seen before, and not hit by the flow": missed,
    }
    return {name: value for name, value in found.items() if not names or name in names}
