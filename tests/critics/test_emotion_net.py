"""EmoNet anew: the published size and names, and what it says of a real face where its weights are there."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from vultus import store
from vultus.errors import VultusError

torch = pytest.importorskip("torch")
from vultus.critics import emotion_net as en  # noqa: E402


def test_the_network_has_the_published_names_and_outputs(monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(0)
    net = en.EmoNet().eval()
    shapes = {name: tuple(value.shape) for name, value in net.state_dict().items()}
    assert shapes["m1.b2_plus_1.conv3.weight"] == (64, 64, 3, 3)
    assert shapes["emo_net_2.6.bn1.weight"] == (256,)
    assert shapes["emo_fc_2.3.weight"] == (10, 128)
    assert sum(not name.endswith("num_batches_tracked") for name in shapes) == 571
    monkeypatch.setattr(en, "emotion_net", lambda: net)
    found = en.read(np.random.default_rng(0).uniform(0, 255, (1, 256, 256, 3)))
    assert found.shape == (1, 10)
    assert found[:, :8].sum() == pytest.approx(1, rel=1e-5)
    assert np.abs(found[:, 8:]).max() <= 1
    assert en.read(np.zeros((0, 256, 256, 3))).shape == (0, 10)
    with pytest.raises(VultusError, match="256"):
        en.read(np.zeros((1, 64, 64, 3)))


@pytest.mark.skipif(
    any(store.state(name) != "present" for name in ("emotion_net", "portrait_photo", "face_landmarker")),
    reason="the assets are not fetched",
)
def test_a_smiling_woman_is_happy() -> None:
    from vultus.critics.films import ROOM
    from vultus.critics.mouths import face
    from vultus.observers.tracker import Tracker

    photo = np.array(Image.open(store.path("portrait_photo")).convert("RGB"))
    found = Tracker().track(photo)
    assert found is not None
    (shares,) = en.read(face(photo, found.landmarks[:, :2], en.SIDE, ROOM)[None])
    assert en.NAMES[int(shares[:8].argmax())] == "happy"
    assert shares[8] > 0.2  # pleasant
