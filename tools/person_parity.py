"""How closely the person pack matches anny: random people, expressions and poses of neck and head."""

from __future__ import annotations

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


def compare(data: Any, content: bytes) -> dict[str, Any]:
    """Largest and mean distance in millimetres over *PEOPLE* people, all vertices of the pack, teeth included.

    Every second person is posed too. The speech corrections are left out, and so is the height above the floor.
    """
    load_pack.cache_clear()
    pack = load_pack()
    if not np.array_equal(pack.phenotype.delta, read_pack(content).phenotype.delta):
        raise SystemExit("--parity compares the installed pack: build into its folder, src/vultus/data")
    model = Anny.from_model_data(
        data, skinning_method="lbs", pose_parameterization="local-ref", bone_orientation="blender", phenotypes="all"
    )
    rng = np.random.default_rng(0)
    still, posed = [], []
    for person in range(PEOPLE):
        identity = Identity(
            age=rng.uniform(25, 90), gender=rng.uniform(), muscle=rng.uniform(), weight=rng.uniform(),
            height=rng.uniform(), proportions=rng.uniform(), african=rng.uniform(), asian=rng.uniform(),
            caucasian=rng.uniform(), shape=tuple((name, rng.uniform(-1, 1)) for name in TARGETS),
        )  # fmt: skip
        row = np.zeros(len(ch.CHANNELS), np.float32)
        row[ch.EXPRESSION] = rng.uniform(0, 1, len(ch.ARKIT)) * (rng.uniform(0, 1, len(ch.ARKIT)) < 0.3)
        if person % 2:
            row[ch.NECK], row[ch.HEAD] = rng.normal(0, 0.3, 3), rng.normal(0, 0.3, 3)
        mesh = build_mesh(identity, region="body", hair_cap=True, corrected=False)
        ours = reference.evaluate(mesh, row)
        theirs = anny_vertices(model, identity, row)[pack.source[mesh.topology.coarse]]
        stand = mesh.joints.positions[0] - rest(pack, identity, 1)[1][0]
        error = np.linalg.norm(ours - stand - theirs, axis=1) * 1000
        (posed if person % 2 else still).append(error)
    return {
        "people": PEOPLE,
        "max_mm": round(float(max(np.max(still), np.max(posed))), 5),
        "mean_mm": round(float(np.mean(still + posed)), 6),
        "max_mm_unposed": round(float(np.max(still)), 5),
        "max_mm_posed": round(float(np.max(posed)), 5),
        "limit_mm": 0.1,
    }
