"""The tracker's nets in torch: the same numbers as LiteRT's, and gradients."""

from __future__ import annotations

import zipfile

import numpy as np
import pytest

from vultus import store
from vultus.errors import VultusError
from vultus.heads.person import PersonHead
from vultus.motion import Motion

torch = pytest.importorskip("torch")
from vultus.critics.face_nets import face_nets  # noqa: E402
from vultus.critics.tflite import LiteRT  # noqa: E402

pytestmark = pytest.mark.skipif(store.state("face_landmarker") != "present", reason="the asset is not fetched")


def faces() -> np.ndarray:
    """Two cut-out faces float32 [2, 256, 256, 3]: a smiling one and one with its mouth open."""
    head = PersonHead("person:5", size=(256, 256), quality="draft")
    motion = Motion.of(25, frames=2, mouthSmileLeft=[0.8, 0], mouthSmileRight=[0.8, 0], jawOpen=[0, 0.7])
    return np.stack([head.frame(row).copy() for row in motion.data]).astype(np.float32) / 255


def test_every_net_gives_what_litert_gives() -> None:
    from ai_edge_litert.interpreter import Interpreter

    with zipfile.ZipFile(store.path("face_landmarker")) as bundle:
        contents = {n: bundle.read(n) for n in bundle.namelist() if n.endswith(".tflite")}
    pictures = faces()
    for name, content in contents.items():
        theirs = Interpreter(model_content=content)
        theirs.allocate_tensors()
        slot = theirs.get_input_details()[0]
        shape = tuple(slot["shape"])
        x = pictures[:1, :: 256 // shape[1], :: 256 // shape[1]] if len(shape) == 4 else None
        x = np.random.default_rng(0).uniform(0, 200, shape).astype(np.float32) if x is None else x
        theirs.set_tensor(slot["index"], np.ascontiguousarray(x))
        theirs.invoke()
        with torch.no_grad():
            made = LiteRT(content)(torch.from_numpy(np.ascontiguousarray(x)))
        for ours, detail in zip(made, theirs.get_output_details(), strict=True):
            true = theirs.get_tensor(detail["index"])
            assert ours.numel() == true.size
            scale = max(float(np.abs(true).max()), 1.0)
            assert float(np.abs(ours.numpy().ravel() - true.ravel()).max()) < 1e-4 * scale, (name, detail["name"])


def test_a_batch_gives_what_single_pictures_give_and_reads_expressions() -> None:
    x = torch.from_numpy(faces()).permute(0, 3, 1, 2)
    with torch.no_grad():
        points, present, scores = face_nets()(x)
        single = face_nets()(x[1:])
    assert points.shape == (2, 478, 3)
    assert present.min() > 0.9
    torch.testing.assert_close(points[1:], single[0], atol=1e-3, rtol=1e-4)
    torch.testing.assert_close(scores[1:], single[2], atol=1e-4, rtol=1e-3)
    from vultus.channels import INDEX

    smile, jaw = INDEX["mouthSmileLeft"], INDEX["jawOpen"]
    assert scores[0, smile] > scores[1, smile] + 0.3
    assert scores[1, jaw] > scores[0, jaw] + 0.3
    assert float(scores[:, INDEX["tongueOut"]].abs().max()) == 0


def test_gradients_reach_the_picture() -> None:
    x = torch.from_numpy(faces()[:1]).permute(0, 3, 1, 2).contiguous().requires_grad_()
    points, _, scores = face_nets()(x)
    (scores[0, 17] + 1e-3 * points.sum()).backward()
    assert x.grad is not None
    assert torch.isfinite(x.grad).all()
    inside, beside = x.grad[0, :, 80:200, 80:180].abs().mean(), x.grad[0, :, :, :20].abs().mean()
    assert inside > 1.2 * beside


def test_other_shapes_are_refused() -> None:
    with pytest.raises(VultusError, match="256"):
        face_nets()(torch.zeros(1, 3, 128, 128))
