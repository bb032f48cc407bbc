"""The person as a mesh: built once from an identity, then moved by Motions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from vultus import channels as ch
from vultus.errors import VultusError, unknown
from vultus.motion import BodyPose, Motion
from vultus.person import bite, correctives, lids, skinning, speech_fixes
from vultus.person.atlas import Kind, kinds
from vultus.person.clearance import Face, face_of, retreat
from vultus.person.identity import Identity
from vultus.person.pack import PART_NAMES, Floats, Pack, load_pack
from vultus.person.shape import rest as rest_shape
from vultus.person.shirt import fit_collar
from vultus.person.skull import skull_axes
from vultus.person.subdivide import loop_matrix, split, subdivide_uv
from vultus.render.threads import spread

Ints = NDArray[np.int32]
Region = Literal["bust", "body"]
_FEW = 8  # frames that are faster one by one than side by side
LIMITS = (ch.LOW.copy(), ch.HIGH.copy())  # writeable, so that numba compiles one signature


@dataclass(frozen=True, eq=False)
class Joints:
    """The skeleton at rest: ``names`` [J] (VRM humanoid bones, and neck2, neck3), parents first; ``parents`` int32
    [J], -1 for the root; ``positions`` float32 [J, 3] in metres. At rest all joints have the world's axes."""

    names: tuple[str, ...]
    parents: Ints
    positions: Floats

    def position(self, name: str) -> Floats:
        """Where a joint lies at rest, [3] in metres; VultusError for a name that does not exist."""
        if name not in self.names:
            raise unknown("joint", name, self.names)
        return self.positions[self.names.index(name)]


@dataclass(frozen=True, eq=False)
class Topology:
    """What all people of one region and subdivision share. ``matrix`` [V, C] makes the V vertices from the C coarse
    ones (None without subdivision); ``coarse`` int [C - D] are the coarse vertices in the pack, after which come the
    D inside the mouth (:mod:`vultus.person.bite`); ``moved`` int [2, N] are shape and vertex of all that moves;
    ``face`` is the skin that hides teeth; the last ``whole`` triangles, those inside the mouth, are never split; the
    rest is as in :class:`PersonMesh`, ``expression`` float32
    [54 + P, C, 3] being the coarse basis of the template and the shapes of ``correctives.PAIRS``."""

    region: Region
    subdivisions: int
    coarse: NDArray[np.int64]
    matrix: sparse.csr_matrix[np.float32] | None
    triangles: Ints
    uv: Floats
    uv_triangles: Ints
    part: Ints
    rest: Floats
    expression: Floats
    moved: NDArray[np.int64]
    face: Face
    skin_joints: Ints
    skin_weights: Floats
    landmarks: Mapping[str, int]
    kernel: tuple[Any, ...]
    fine: tuple[Any, ...]
    driven: Ints
    whole: int

    def refine(self, coarse: Floats) -> Floats:
        """Coarse values [C, ...] -> fine ones [V, ...]."""
        if self.matrix is None:
            return coarse
        return np.asarray(self.matrix @ coarse.reshape(len(coarse), -1), np.float32).reshape(-1, *coarse.shape[1:])


@dataclass(frozen=True, eq=False)
class PersonMesh:
    """One person's mesh at rest, and what moves it. Metres, y up, the face looks along +z, feet on y = 0.

    ``neutral`` float32 [V, 3]; ``triangles`` int32 [F, 3], counter-clockwise seen from outside; ``uv`` float32
    [VT, 2] in [0, 1] with v up, ``uv_triangles`` int32 [F, 3]; ``part`` int32 [F] into ``PART_NAMES``; ``rest``
    float32 [V, 3] are the template's own coordinates (MakeHuman's origin, no identity, no corrections) for painters;
    ``masks`` uint8 [1024, 1024] images in UV space with row 0 at v = 1: lips, insideMouth, eyelids, ears;
    ``landmarks`` vertex numbers by name; ``gains`` float32 [54] is how much of each expression shape this person
    uses (blinks close eyes of any size). ``all_gains`` [54 + P] has the pairs' too, ``sliding`` is what
    ``skinning.slide`` takes; these, ``coarse``, ``topology`` and ``expression`` (the topology's, but for the inside
    of the mouth, whose turn with the jaw depends on where it is) serve the kernels.
    """

    identity: Identity
    region: Region
    subdivisions: int
    neutral: Floats
    triangles: Ints
    uv: Floats
    uv_triangles: Ints
    part: Ints
    rest: Floats
    joints: Joints
    masks: Mapping[str, NDArray[np.uint8]]
    landmarks: Mapping[str, int]
    all_gains: Floats
    topology: Topology
    coarse: Floats
    expression: Floats
    sliding: lids.Sliding

    @property
    def gains(self) -> Floats:
        """Those of ``all_gains`` that belong to ``basis``, [54]."""
        return self.all_gains[: skinning.SHAPES]

    @cached_property
    def basis(self) -> Floats:
        """Expression shapes [54, V, 3] in metres: ``channels.ARKIT``, then ``channels.TONGUE``."""
        shapes = self.expression[: skinning.SHAPES] * self.gains[:, None, None]
        return np.ascontiguousarray(np.stack([self.topology.refine(shape) for shape in shapes]))

    @cached_property
    def _skin(self) -> tuple[Ints, Floats]:
        top = self.topology
        dense = top.refine(_dense_skin(top.skin_joints, top.skin_weights, self.joints.names))
        joints = np.argsort(-dense, axis=1, kind="stable")[:, :4].astype(np.int32)
        weights = np.take_along_axis(dense, joints, 1)
        return joints, weights / weights.sum(axis=1, keepdims=True)

    @property
    def skin_joints(self) -> Ints:
        """The four joints [V, 4] that carry each vertex most, for files; ``evaluate`` uses all of them.

        Expression shapes move the jaw, so the head carries what would be the jaw's.
        """
        return self._skin[0]

    @property
    def skin_weights(self) -> Floats:
        """Their weights [V, 4], largest first; rows sum to 1."""
        return self._skin[1]

    @property
    def eye_centres(self) -> tuple[Floats, Floats]:
        """Centres [3] of the left and right eyeball at rest, in metres."""
        return self.joints.position("leftEye"), self.joints.position("rightEye")

    def part_vertices(self, part: str) -> NDArray[np.int64]:
        """Ascending numbers of the vertices of a part; VultusError for a part that does not exist."""
        if part not in PART_NAMES:
            raise unknown("part of a person", part, PART_NAMES)
        return np.unique(self.triangles[self.part == PART_NAMES.index(part)]).astype(np.int64)

    def landmark(self, name: str) -> int:
        """The vertex number of a landmark; VultusError for a name that does not exist."""
        if name not in self.landmarks:
            raise unknown("landmark", name, self.landmarks)
        return self.landmarks[name]

    def up(self, vertices: Floats) -> Floats:
        """The head's own vertical [..., 3], a unit vector, for vertices [..., V, 3]; NaN where those are."""
        return np.asarray(skull_axes(vertices, self.landmarks) @ self._upright)

    @cached_property
    def _upright(self) -> Floats:
        """The vertical [3] in the axes of the skull at rest."""
        return np.asarray(skull_axes(self.neutral, self.landmarks)[1])

    def lip_gap(self, vertices: Floats) -> Floats:
        """How far the inner lips stand apart in the middle, [...] metres >= 0, for vertices [..., V, 3].

        Measured along the head's own vertical, which the ears and the crown carry along when the head turns.
        """
        upper, lower = (vertices[..., self.landmark(name), :] for name in ("lipInnerUpper", "lipInnerLower"))
        up = self.up(vertices)
        return np.maximum(((upper - lower) * up).sum(axis=-1), 0).astype(np.float32)

    def evaluate(self, motion: Motion | Floats, body: BodyPose | None = None, out: Floats | None = None) -> Floats:
        """The vertices of every frame, float32 [T, V, 3], for a Motion or its data [T, 69]; into *out* if given.

        Values out of range are brought back and NaN counts as 0. A body pose, of the Motion or given, turns the
        joints below the neck when the region is "body"; the neck, head and eyes always follow the Motion.
        """
        # A copy, because numba compiles once more for arrays that are read-only, as a Motion's are.
        data = np.array(motion.data if isinstance(motion, Motion) else motion, np.float32)
        if data.ndim != 2 or data.shape[1] != len(ch.CHANNELS):
            raise VultusError(f"A mesh is moved by data of shape [T, {len(ch.CHANNELS)}], not {data.shape}")
        if body is None and isinstance(motion, Motion):
            body = motion.body
        shape = (len(data), *self.neutral.shape)
        if out is None:
            out = np.empty(shape, np.float32)
        elif out.shape != shape or out.dtype != np.float32 or not out.flags.c_contiguous:
            raise VultusError(f"out must be a C-contiguous float32 array of shape {shape}")
        pose, rest = self._body(body, len(data)), (self._mesh, self.sliding, self.topology.fine)

        def piece(i: int) -> None:
            if len(data) < _FEW:
                skinning.frame(data[i], *LIMITS, self._rig, pose[i % len(pose)], *rest, out[i])
                return
            some = slice(i * skinning.LANES, (i + 1) * skinning.LANES)
            turns = pose[some] if len(pose) > 1 else pose
            skinning.frames(data[some], *LIMITS, self._rig, turns, self._shapes, *rest, out[some])

        spread(piece, len(data) if len(data) < _FEW else -(-len(data) // skinning.LANES))
        return out

    def evaluate_into(self, row: Floats, out: Floats, body: Floats | None = None) -> None:
        """One frame [69] into *out* float32 [V, 3], C-contiguous; makes no Python objects, safe in several threads.

        *body* are rotation vectors float32 [J, 3] of all joints.
        """
        rotations = self._still[0] if body is None else body
        if not row.flags.writeable:
            row = row.copy()
        skinning.frame(row, *LIMITS, self._rig, rotations, self._mesh, self.sliding, self.topology.fine, out)

    @cached_property
    def _rig(self) -> tuple[Any, ...]:
        return self.joints.parents, self.joints.positions, self.topology.driven

    @cached_property
    def _mesh(self) -> tuple[Any, ...]:
        start, vertex, *rest = self.topology.kernel
        shape, place = self.topology.moved
        delta = np.ascontiguousarray(self.expression[shape, place])
        return (self.all_gains, self.coarse, correctives.DRIVERS, start, vertex, delta, *rest)

    @cached_property
    def _shapes(self) -> tuple[Any, ...]:
        """The shapes by vertex, as ``skinning.frames`` takes them."""
        shape, place = self.topology.moved
        order = np.argsort(place, kind="stable")
        begin = np.searchsorted(place[order], np.arange(len(self.coarse) + 1)).astype(np.int32)
        return begin, shape[order].astype(np.int32), self.expression[shape[order], place[order]]

    @cached_property
    def _still(self) -> Floats:
        return np.zeros((1, len(self.joints.names), 3), np.float32)

    def _body(self, pose: BodyPose | None, frames: int) -> Floats:
        if pose is None or self.region != "body":
            return self._still
        if len(pose.rotations) != frames:
            raise VultusError(f"The body pose has {len(pose.rotations)} frames, the motion {frames}")
        rotations = np.zeros((frames, len(self.joints.names), 3), np.float32)
        for i, name in enumerate(pose.joints):
            if name not in self.joints.names:
                raise unknown("joint", name, self.joints.names)
            rotations[:, self.joints.names.index(name)] = pose.rotations[:, i]
        return rotations


def _dense_skin(joints: Ints, weights: Floats, names: tuple[str, ...]) -> Floats:
    """Weights [V, J] of all joints, the jaw's given to the head."""
    dense = np.zeros((len(joints), len(names)), np.float32)
    np.put_along_axis(dense, joints, weights, 1)
    dense[:, names.index("head")] += dense[:, names.index("jaw")]
    dense[:, names.index("jaw")] = 0
    return dense


def _kernel_arrays(
    pack: Pack, region: Region, moved: NDArray[np.int64], joints: Ints, weights: Floats
) -> tuple[Any, ...]:
    """Arguments of the kernels: where shapes begin, the vertices they move, and skin with rigid vertices marked."""
    start = np.searchsorted(moved[0], np.arange(skinning.SHAPES + len(correctives.PAIRS) + 1)).astype(np.int32)
    dense = _dense_skin(joints, weights, pack.joint_names)
    # Joints that nothing turns move as their nearest parent that something does; in a bust that is all but the neck.
    if region == "bust":
        for j in reversed(range(1, len(pack.joint_names))):
            if pack.joint_names[j] not in skinning.DRIVEN:
                dense[:, pack.joint_parents[j]] += dense[:, j]
                dense[:, j] = 0
    most = int((dense > 0).sum(axis=1).max())
    order = np.argsort(-dense, axis=1, kind="stable")[:, :most].astype(np.int32)
    skin = np.take_along_axis(dense, order, 1)
    rigid = np.where(skin[:, 0] > 0.9999, order[:, 0], -1).astype(np.int32)
    return start, moved[1].astype(np.uint32), rigid, order, skin


def _used(triangles: Ints) -> tuple[NDArray[np.int64], Ints]:
    """The vertices that triangles use, ascending, and the triangles in terms of these."""
    used, number = np.unique(triangles, return_inverse=True)
    return used.astype(np.int64), number.reshape(-1, 3).astype(np.int32)


@dataclass(frozen=True, eq=False)
class _Surface:
    """Triangles, texture corners, parts, rest places and expression shapes, as in :class:`Topology`."""

    triangles: Ints
    uv: Floats
    uv_triangles: Ints
    part: Ints
    rest: Floats
    expression: Floats


def _inner(pack: Pack, body: _Surface) -> NDArray[np.bool_]:
    """Which triangles [F] belong to the lips or line the mouth, by the pack's masks."""
    size = len(pack.masks["lips"])
    places = (body.uv[body.uv_triangles].mean(1) * [1, -1] + [0, 1]) * size
    column, row = np.clip(places, 0, size - 1).astype(np.int64).T
    return np.asarray(np.maximum(pack.masks["lips"][row, column], pack.masks["insideMouth"][row, column]) > 25)


def _joined(body: _Surface, pack: Pack) -> _Surface:
    """A body with the inside of the mouth after its own vertices, texture corners and triangles."""
    mouth, points = bite.inside(), bite.place(pack, pack.template)
    moves = bite.moves(pack, pack.template, points)
    still = np.zeros((len(correctives.PAIRS), *points.shape), np.float32)
    return _Surface(
        np.concatenate([body.triangles, mouth.triangles + len(body.rest)]).astype(np.int32),
        np.concatenate([body.uv, mouth.uv]),
        np.concatenate([body.uv_triangles, mouth.triangles + len(body.uv)]).astype(np.int32),
        np.concatenate([body.part, mouth.part]),
        np.concatenate([body.rest, points]),
        np.concatenate([body.expression, np.concatenate([moves, still])], axis=1),
    )


@lru_cache(maxsize=6)
def topology(region: Region, subdivisions: int, hair_cap: bool, corrected: bool) -> Topology:
    """What :func:`build_mesh` shares among all people, for the same arguments."""
    from vultus.person import recall  # which knows this module

    of = (region, subdivisions, hair_cap, corrected)
    return recall.shared(of, lambda: _topology(*of))


def _topology(region: Region, subdivisions: int, hair_cap: bool, corrected: bool) -> Topology:
    if subdivisions:
        return _finer(topology(region, 0, hair_cap, corrected))
    pack = load_pack()
    inside = slice(0, pack.bust[1] if region == "bust" else None)
    gone = (() if hair_cap else ("hairCap",)) + (bite.REPLACED if corrected else ())
    keep = ~np.isin(pack.part[inside], [PART_NAMES.index(name) for name in gone])
    vertices, triangles = _used(pack.triangles[inside][keep])
    corners, uv_triangles = _used(pack.uv_triangles[inside][keep])
    shapes = correctives.expressions(pack, int(vertices.max()) + 1, corrected)[:, vertices]
    top = _Surface(triangles, pack.uv[corners], uv_triangles, pack.part[inside][keep], pack.template[vertices], shapes)
    joints, weights = pack.skin_joints[vertices], pack.skin_weights[vertices]
    kind = kinds(top)
    skin = np.isin(kind, (Kind.SKIN, Kind.CAVITY))
    face = face_of(top.rest, triangles[skin], _inner(pack, top)[skin] | (kind[skin] == Kind.CAVITY))
    if corrected:
        top = _joined(top, pack)
        head = np.zeros((len(top.rest) - len(vertices), joints.shape[1]), np.int32)
        head[:, 0] = pack.joint_names.index("head")
        joints = np.concatenate([joints, head])
        weights = np.concatenate([weights, np.eye(1, joints.shape[1], dtype=np.float32).repeat(len(head), 0)])
    moved = np.stack(np.nonzero(np.abs(top.expression).max(axis=2) > 0))
    number = {int(v): i for i, v in enumerate(vertices)}
    return Topology(
        region, 0, vertices, None, top.triangles, top.uv, top.uv_triangles, top.part, top.rest,
        np.ascontiguousarray(top.expression), moved, face, joints, weights,
        {name: number[v] for name, v in pack.landmarks.items()}, _kernel_arrays(pack, region, moved, joints, weights),
        (np.zeros(1, np.uint32), np.zeros(0, np.uint32), np.zeros(0, np.float32)),
        np.array([pack.joint_names.index(name) for name in skinning.DRIVEN], np.int32),
        len(top.triangles) - len(triangles),
    )  # fmt: skip


def _finer(top: Topology) -> Topology:
    """The same with one step of subdivision."""
    # Teeth and tongue are round enough: vertices of no triangle stay as they are.
    body = len(top.triangles) - top.whole
    matrix = loop_matrix(top.triangles[:body], len(top.rest))
    skin = split(top.triangles[:body], len(top.rest))[0]
    uv, skin_uv = subdivide_uv(top.uv, top.uv_triangles[:body])
    return replace(
        top,
        subdivisions=1,
        matrix=matrix,
        triangles=np.concatenate([skin, top.triangles[body:]]),
        uv=uv,
        uv_triangles=np.concatenate([skin_uv, top.uv_triangles[body:]]),
        part=np.concatenate([np.tile(top.part[:body], 4), top.part[body:]]),
        rest=np.asarray(matrix @ top.rest, np.float32),
        fine=(matrix.indptr.astype(np.uint32), matrix.indices.astype(np.uint32), matrix.data),
    )


def resampled(mesh: PersonMesh, subdivisions: int) -> PersonMesh:
    """A corrected person's mesh without a hair cap after 0 or 1 steps of subdivision, as :func:`build_mesh` makes it,
    at less cost than building it anew."""
    top = topology(mesh.region, subdivisions, False, True)
    return replace(
        mesh, subdivisions=subdivisions, neutral=top.refine(mesh.coarse), triangles=top.triangles, uv=top.uv,
        uv_triangles=top.uv_triangles, part=top.part, rest=top.rest, topology=top,
    )  # fmt: skip


def build_mesh(
    identity: Identity,
    *,
    region: Region = "bust",
    subdivisions: int = 0,
    hair_cap: bool = False,
    corrected: bool = True,
) -> PersonMesh:
    """The mesh of a person.

    *region* is "bust" (head, neck, shoulders) or "body"; *subdivisions* 0 or 1 steps of Loop subdivision;
    *hair_cap* adds MakeHuman's hair helper; *corrected* applies :mod:`vultus.person.speech_fixes`,
    :mod:`vultus.person.correctives`, :mod:`vultus.person.lids` and :mod:`vultus.person.shirt`, and puts teeth and
    tongue (:mod:`vultus.person.bite`) in the place of MakeHuman's.
    """
    if region not in ("bust", "body"):
        raise unknown("region", str(region), ("bust", "body"))
    if subdivisions not in (0, 1):
        raise VultusError(f"subdivisions is {subdivisions}", "Give 0 or 1")
    pack, top = load_pack(), topology(region, subdivisions, hair_cap, corrected)
    everything, joints = rest_shape(pack, identity, len(pack.template))
    gains = np.ones(len(top.expression), np.float32)
    if corrected:
        everything = speech_fixes.ease_mouth(pack, everything + speech_fixes.rest_correction(pack, len(everything)))
        everything = speech_fixes.close_lips(pack, everything)
        everything = correctives.seat_brows(pack, everything, identity.gender)
        everything, joints, radii = lids.seat_eyes(pack, everything, joints)
        everything = fit_collar(pack, everything)
    floor = everything[pack.triangles[pack.part == 0], 1].min()
    stand = np.array([0, -floor, 0], np.float32)
    coarse, expression, sliding = everything[top.coarse], top.expression, lids.free()
    if corrected:
        mouth = bite.place(pack, everything, identity)
        moves = bite.moves(pack, everything, mouth)
        hard = slice(0, bite.inside().hard)
        shapes = expression[: len(moves), : len(coarse)]
        mouth[:, 2] -= retreat(top.face, coarse, shapes, mouth[hard], moves[:, hard])
        gains = correctives.gains(pack, coarse, expression[:, : len(coarse)], top.coarse)
        coarse, expression = np.concatenate([coarse, mouth]), expression.copy()
        expression[: len(moves), -len(mouth) :] = bite.moves(pack, everything, mouth)
    coarse = np.ascontiguousarray(coarse + stand)
    if corrected:
        centres = (joints + stand)[[pack.joint_names.index(name) for name in ("leftEye", "rightEye")]]
        sliding = lids.sliding(pack, top.coarse, coarse[: len(top.coarse)], centres, radii)
    return PersonMesh(
        identity, region, subdivisions, top.refine(coarse), top.triangles, top.uv, top.uv_triangles, top.part,
        top.rest, Joints(pack.joint_names, pack.joint_parents, joints + stand), pack.masks, top.landmarks, gains, top,
        coarse, expression, sliding,
    )  # fmt: skip
