"""How near a picture of a face is to what was to be seen: pixels, landmarks, identity; and a warp to compare with."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from vultus.critics import identity, pixels
from vultus.observers.tracker import Face, Tracker

F32 = NDArray[np.float32]
U8 = NDArray[np.uint8]


def warped(photo: U8, before: F32, after: F32) -> U8:
    """*photo* with the points *before* [N, 2] brought to *after* [N, 2] by smooth interpolation in the plane."""
    from scipy.interpolate import RBFInterpolator
    from scipy.ndimage import map_coordinates

    height, width = photo.shape[:2]
    some = slice(None, None, 3)
    edge = np.array([(x, y) for x in np.linspace(0, width, 9) for y in np.linspace(0, height, 9)])
    edge = edge[(edge % [width, height] == 0).any(1)]
    known, shift = np.concatenate([after[some], edge]), np.concatenate([(before - after)[some], 0 * edge])
    cells = 33
    line_x, line_y = np.linspace(0, width, cells), np.linspace(0, height, cells)
    nodes = np.stack(np.meshgrid(line_x, line_y), -1).reshape(-1, 2)
    coarse = RBFInterpolator(known, shift, kernel="thin_plate_spline", smoothing=1.0)(nodes).reshape(cells, cells, 2)
    y, x = np.mgrid[:height, :width] + 0.5
    at = [y / height * (cells - 1), x / width * (cells - 1)]
    dx, dy = (map_coordinates(coarse[..., c], at, order=1) for c in (0, 1))
    out = [map_coordinates(photo[..., c], [y + dy - 0.5, x + dx - 0.5], order=1, mode="nearest") for c in range(3)]
    return np.stack(out, -1).astype(np.uint8)


@dataclass
class Near:
    """What was measured of some pictures: ``psnr`` of all and of the ``face`` alone in dB, ``ssim`` of the face, mean
    distance of the ``marks`` in percent of that between the eyes, distance of the ``identity`` to the photo."""

    psnr: list[float] = field(default_factory=list)
    face: list[float] = field(default_factory=list)
    ssim: list[float] = field(default_factory=list)
    marks: list[float] = field(default_factory=list)
    identity: list[float] = field(default_factory=list)

    def rows(self) -> Iterator[tuple[str, str, list[float]]]:
        """Name, unit and values of each."""
        yield "PSNR", "dB", self.psnr
        yield "PSNR of the face", "dB", self.face
        yield "SSIM of the face", "", self.ssim
        yield "landmarks off", "% of the eyes' distance", self.marks
        yield "identity distance", "", self.identity


def near(made: U8, true: U8, told: Face, photo_code: F32, tracker: Tracker, sums: Near) -> None:
    """Add how near *made* is to *true*, of which the tracker told *told*."""
    left, top, right, bottom = (int(v) for v in told.box)
    box = np.zeros(true.shape[:2], bool)
    box[max(top, 0) : bottom, max(left, 0) : right] = True
    sums.psnr.append(pixels.psnr(made, true))
    sums.face.append(pixels.psnr(made, true, box))
    sums.ssim.append(float(pixels.ssim_map(made, true)[box].mean()))
    found = tracker.track(made, fresh=True)
    if found is None:
        return
    eyes = float(np.linalg.norm(told.landmarks[263, :2] - told.landmarks[33, :2]))
    away = np.linalg.norm(found.landmarks[:, :2] - told.landmarks[:, :2], axis=1)
    sums.marks.append(100 * float(away.mean()) / max(eyes, 1.0))
    code = identity.descriptor(made, identity.five_points(found.landmarks))
    sums.identity.append(float(np.linalg.norm(code - photo_code)))
