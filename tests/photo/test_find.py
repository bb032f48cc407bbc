"""Faces in still pictures."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from vultus.errors import VultusError
from vultus.photo import find


def test_small_faces_beside_each_other_are_found(portrait) -> None:
    from PIL import Image

    small = np.array(Image.fromarray(portrait).resize((120, 120)))
    wide = np.full((200, 700, 3), 128, np.uint8)
    wide[40:160, 60:180] = small
    wide[60:180, 480:600] = small[:, ::-1]
    found = find.faces(wide)
    assert [round(f.box[0] + f.box[2]) // 2 // 100 for f in found] == [1, 5]
    assert find.chosen(found, "all", (700, 200)) == [0, 1]
    assert find.chosen(found, "2", (700, 200)) == [1]
    with pytest.raises(VultusError, match="2 faces"):
        find.chosen(found, "3", (700, 200))


def test_no_face_is_said() -> None:
    noise = np.random.default_rng(0).integers(0, 255, (64, 64, 3)).astype(np.uint8)
    with pytest.raises(VultusError, match="No face"):
        find.chosen(find.faces(noise), "", (64, 64))
    with pytest.raises(VultusError, match="too small"):
        find.faces(noise[:1, :1])


def test_faces_that_cannot_be_moved_are_told(portrait) -> None:
    (face,) = find.faces(portrait)
    assert find.complaint(face, (256, 256)) is None
    c, s = np.cos(1.2), np.sin(1.2)
    turned = replace(face, rotation=np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]]))
    assert "turned away" in find.complaint(turned, (256, 256))[0]
    tiny = replace(face, landmarks=face.landmarks * 0.1)
    assert "too small" in find.complaint(tiny, (256, 256))[0]
    gone = replace(face, landmarks=face.landmarks + np.array([120, 0, 0], np.float32))
    assert "outside" in find.complaint(gone, (256, 256))[0]
    with pytest.raises(VultusError, match="turned away"):
        find.chosen([turned], "", (256, 256))
