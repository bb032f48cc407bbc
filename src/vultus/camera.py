"""The pinhole camera and its conventions: OpenCV inside, converted at the borders."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vultus.errors import VultusError

Array = NDArray[np.float64]
FLIP_YZ = np.diag([1.0, -1.0, -1.0, 1.0])


def _rigid(matrix: Array) -> bool:
    turn = matrix[:3, :3]
    proper = np.allclose(turn @ turn.T, np.eye(3), atol=1e-6) and np.linalg.det(turn) > 0
    return bool(proper and np.allclose(matrix[3], (0, 0, 0, 1), atol=1e-9))


@dataclass(frozen=True, eq=False)
class Camera:
    """A pinhole camera without distortion (OpenCV: x right, y down, z into the scene).

    ``world_to_camera`` is a rigid 4x4 matrix in metres; ``focal`` and ``centre`` are in pixels.
    Pixel (column i, row j) covers [i, i+1) x [j, j+1): its centre lies at (i + 0.5, j + 0.5).
    """

    width: int
    height: int
    focal: tuple[float, float]
    centre: tuple[float, float]
    world_to_camera: Array

    def __post_init__(self) -> None:
        matrix = np.array(self.world_to_camera, np.float64)
        if self.width < 1 or self.height < 1 or not all(0 < f < np.inf for f in self.focal):
            raise VultusError("A camera needs a positive size and focal length")
        if not np.isfinite(self.centre).all():
            raise VultusError("A camera's centre must be finite")
        if matrix.shape != (4, 4) or not np.isfinite(matrix).all() or not _rigid(matrix):
            raise VultusError("world_to_camera must be a rigid 4x4 matrix")
        matrix.flags.writeable = False
        object.__setattr__(self, "world_to_camera", matrix)

    @classmethod
    def look_at(
        cls, eye: ArrayLike, target: ArrayLike, *, size: tuple[int, int] = (512, 512), fov: float = 18.0
    ) -> Camera:
        """A camera at *eye* that looks at *target* with world y up.

        *size* is (width, height) in pixels, *fov* the vertical field of view in degrees, in (0, 180).
        """
        eye, target = np.asarray(eye, np.float64), np.asarray(target, np.float64)
        forward = target - eye
        distance = float(np.linalg.norm(forward))
        if distance < 1e-9 or not 0 < fov < 180:
            raise VultusError("A camera cannot look at its own position, and its fov lies between 0 and 180 degrees")
        forward = forward / distance
        up = np.array([0.0, 0.0, 1.0]) if abs(forward[1]) > 0.999 else np.array([0.0, 1.0, 0.0])
        right = np.cross(forward, up)
        right /= np.linalg.norm(right)
        rotation = np.stack([right, np.cross(forward, right), forward])
        matrix = np.eye(4)
        matrix[:3, :3], matrix[:3, 3] = rotation, -rotation @ eye
        width, height = size
        focal = 0.5 * height / np.tan(np.radians(fov) / 2)
        return cls(width, height, (focal, focal), (width / 2, height / 2), matrix)

    @classmethod
    def from_gltf(cls, camera_to_world: ArrayLike, *, size: tuple[int, int], yfov: float) -> Camera:
        """The camera of a glTF node (x right, y up, looks along -z); *yfov* in radians."""
        matrix = FLIP_YZ @ np.linalg.inv(np.asarray(camera_to_world, np.float64))
        focal = 0.5 * size[1] / np.tan(yfov / 2)
        return cls(size[0], size[1], (focal, focal), (size[0] / 2, size[1] / 2), matrix)

    def to_gltf(self) -> tuple[Array, float]:
        """The inverse of :meth:`from_gltf`: (4x4 camera-to-world, vertical field of view in radians)."""
        pose = np.asarray(np.linalg.inv(FLIP_YZ @ self.world_to_camera), np.float64)
        return pose, 2 * float(np.arctan(0.5 * self.height / self.focal[1]))

    @property
    def position(self) -> Array:
        """Where the camera stands in the world, [3] metres."""
        return -self.world_to_camera[:3, :3].T @ self.world_to_camera[:3, 3]

    @property
    def intrinsics(self) -> Array:
        """The 3x3 matrix K of Hartley and Zisserman, in pixels."""
        return np.array([[self.focal[0], 0, self.centre[0]], [0, self.focal[1], self.centre[1]], [0, 0, 1.0]])

    def project(self, points: ArrayLike) -> tuple[Array, Array]:
        """World points [..., 3] in metres -> pixels [..., 2] and depth [...] along the view axis.

        Points at or behind the camera get NaN pixels.
        """
        local = np.asarray(points, np.float64) @ self.world_to_camera[:3, :3].T + self.world_to_camera[:3, 3]
        depth = local[..., 2]
        safe = np.where(depth > 1e-6, depth, np.nan)[..., None]
        return local[..., :2] / safe * np.array(self.focal) + np.array(self.centre), depth

    def unproject(self, pixels: ArrayLike, depth: ArrayLike) -> Array:
        """The inverse of :meth:`project`: pixels [..., 2] and depth [...] in metres -> world points [..., 3]."""
        z = np.asarray(depth, np.float64)[..., None]
        plane = (np.asarray(pixels, np.float64) - np.array(self.centre)) / np.array(self.focal)
        local = np.concatenate([plane * z, z], axis=-1)
        return (local - self.world_to_camera[:3, 3]) @ self.world_to_camera[:3, :3]

    def resized(self, width: int, height: int) -> Camera:
        """The same view in another number of pixels."""
        x, y = width / self.width, height / self.height
        return replace(
            self,
            width=width,
            height=height,
            focal=(self.focal[0] * x, self.focal[1] * y),
            centre=(self.centre[0] * x, self.centre[1] * y),
        )
