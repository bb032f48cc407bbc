"""How closely the person pack matches anny: random people, expressions and poses of neck and head."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import torch
from anny.models.phenotype import Anny

from build_person import to_ours
from vultus import channels as ch
from vultus import rotations
from vultus.person import reference
from vultus.person.attributes import TARGETS
from vultus.person.identity import ANCESTRIES, Identity
from vultus.person.mesh import build_mesh
from vultus.person.pack import load_pack, read_pack
from vultus.person.shape import rest

PEOPLE = 32
YOUNG, OLD = 2 / 3, 1.0  # anny's ages of MakeHuman's young (25 years) and old (90)


def to_anny(matrix: np.ndarray) -> np.ndarray:
    """A rotation [3, 3] in our axes -> in anny's."""
    axes = to_ours(np.eye(3)).T
    return axes.T @ matrix @ axes


def anny_vertices(model: Any, identity: Identity, row: np.ndarray) -> np.ndarray:
    """anny's own vertices [V, 3] in our axes for the same person, expression and pose."""
    phenotype = {n: getattr(identity, n) for n in ("gender", "muscle", "weight", "height", "proportions", *ANCESTRIES)}
    phenotype["age"] = YOUNG + (OLD - YOUNG) * (identity.age - 25) / 65
    phenotype |= {"cupsize": 0.5, "firmness": 0.5}
    pose = {}
    for bone, turn in (("neck01", row[ch.NECK] / 3), ("neck02", row[ch.NECK] / 3), ("neck03", row[ch.NECK] / 3),
                       ("head", row[ch.HEAD])):  # fmt: skip
        matrix = np.eye(4)
        matrix[:3, :3] = to_anny(rotations.to_matrix(turn))
        pose[bone] = torch.tensor(matrix)[None]
    # anny places its root by the pose, so that an untouched root would move the person.
    root = model(phenotype_kwargs=phenotype, local_changes_kwargs=dict(local(identity)))["rest_bone_poses"][:, 0]
    pose["root"] = root.clone()
    out = model(
        pose_parameters=pose,
        phenotype_kwargs=phenotype,
        local_changes_kwargs=dict(local(identity)),
        facial_actions={name: float(row[i]) for i, name in enumerate(ch.ARKIT)},
        pose_parameterization="local-ref",
    )
    return to_ours(out["vertices"][0].numpy())


def local(identity: Identity) -> list[tuple[str, float]]:
    """Local changes of a person by MakeHuman's names."""
    return [(TARGETS[name], value) for name, value in identity.shape]


def without_joint_drift(data: Any) -> Any:
    """anny's data with joints that expressions leave alone.

    anny derives joints from mesh vertices, so that opening the jaw moves the second neck joint by 5.7 mm; ours stay.
    """
    facial = torch.tensor([label.startswith("facial_action") for label in data.metadata.blendshape_labels])
    keep = (~facial)[:, None, None].to(data.bone_heads_blendshapes.dtype)
    return dataclasses.replace(
        data,
        bone_heads_blendshapes=data.bone_heads_blendshapes * keep,
        bone_tails_blendshapes=data.bone_tails_blendshapes * keep,
    )


def random_case(rng: np.random.Generator, posed: bool) -> tuple[Identity, np.ndarray]:
    """An identity from the whole range, and a frame with about a third of the expressions active."""
    unit = ("gender", "muscle", "weight", "height", "proportions", *ANCESTRIES)
    shape = {name: rng.uniform(-1, 1) for name in TARGETS}
    identity = Identity(age=rng.uniform(25, 90), shape=shape, **{name: rng.uniform() for name in unit})
    row = np.zeros(len(ch.CHANNELS), np.float32)
    row[ch.EXPRESSION] = rng.uniform(0, 1, len(ch.ARKIT)) * (rng.uniform(0, 1, len(ch.ARKIT)) < 0.3)
    if posed:
        row[ch.NECK], row[ch.HEAD] = rng.normal(0, 0.3, 3), rng.normal(0, 0.3, 3)
    return identity, row


def compare(data: Any, content: bytes) -> dict[str, Any]:
    """Largest and mean distance in millimetres over *PEOPLE* people, all vertices of the pack, teeth included.

    Every second person is posed too. The speech corrections are left out, and so is the height above the floor.
    """
    load_pack.cache_clear()
    pack = load_pack()
    if not np.array_equal(pack.phenotype.delta, read_pack(content).phenotype.delta):
        raise SystemExit("--parity compares the installed pack: build into its folder, src/vultus/data")
    options = {"skinning_method": "lbs", "pose_parameterization": "local-ref", "bone_orientation": "blender"}
    fixed, drifting = (
        Anny.from_model_data(source, phenotypes="all", **options) for source in (without_joint_drift(data), data)
    )
    rng = np.random.default_rng(0)
    errors: dict[str, list[np.ndarray]] = {"unposed": [], "posed": [], "posed, anny's joints drift": []}
    for person in range(PEOPLE):
        identity, row = random_case(rng, posed=bool(person % 2))
        mesh = build_mesh(identity, region="body", hair_cap=True, corrected=False)
        ours = reference.evaluate(mesh, row) - (mesh.joints.positions[0] - rest(pack, identity, 1)[1][0])
        cases = {"posed": fixed, "posed, anny's joints drift": drifting} if person % 2 else {"unposed": fixed}
        for name, model in cases.items():
            theirs = anny_vertices(model, identity, row)[pack.source[mesh.topology.coarse]]
            errors[name].append(np.linalg.norm(ours - theirs, axis=1) * 1000)
    matched = np.array(errors["unposed"] + errors["posed"])
    return {
        "people": PEOPLE,
        "vertices": matched.shape[1],
        "max_mm": round(float(matched.max()), 5),
        "mean_mm": round(float(matched.mean()), 6),
        "max_mm_by_case": {name: round(float(np.max(values)), 5) for name, values in errors.items()},
        "limit_mm": 0.1,
    }
