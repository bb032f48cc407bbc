"""Driving a portrait: the same in any pieces, from the right first frame, and clear words about bad input."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from vultus.errors import VultusError

torch = pytest.importorskip("torch")
from vultus.parts.image import losses  # noqa: E402
from vultus.parts.image.discriminators import PatchDiscriminator  # noqa: E402
from vultus.parts.image.keypoints import Keypoints  # noqa: E402
from vultus.parts.image.reenact import CHUNK, WEIGHTS, drive, objective  # noqa: E402

SIZE = 8


def find(pictures: torch.Tensor) -> Keypoints:
    """Three keypoints: the first says red, the second green, the third stands still."""
    at = torch.zeros(len(pictures), 3, 2)
    at[:, 0, 0], at[:, 1, 1] = pictures[:, 0].mean((1, 2)), pictures[:, 1].mean((1, 2))
    return Keypoints(at)


def draw(source: torch.Tensor, at: Keypoints, to: Keypoints) -> torch.Tensor:
    """The source, as much redder as the first keypoint goes to the right."""
    moved = (to.value - at.value)[:, 0, 0]
    return (source + torch.stack([moved, 0 * moved, 0 * moved], 1)[..., None, None]).clamp(0, 1)


def film(*reds: int, green: int = 0) -> np.ndarray[Any, Any]:
    out = np.zeros((len(reds), SIZE, SIZE, 3), np.uint8)
    out[..., 0], out[..., 1] = np.array(reds)[:, None, None], green
    return out


def test_relative_motion_adds_what_changed_since_the_first_frame() -> None:
    picture = film(100)[0]
    made, _ = drive(None, picture, film(20, 50, 10), size=SIZE, find=find, draw=draw)
    assert made.shape == (3, SIZE, SIZE, 3)
    assert made.dtype == np.uint8
    assert made[:, 0, 0, 0].tolist() == [100, 130, 90]
    gone, _ = drive(None, picture, film(20, 50, 10), size=SIZE, find=find, draw=draw, motion="absolute")
    assert gone[:, 0, 0, 0].tolist() == [20, 50, 10]


def test_matched_motion_begins_where_the_pose_is_the_pictures() -> None:
    picture = film(100, green=50)[0]
    driving = np.concatenate([film(200), film(120, green=60), film(90, green=200)])
    made, _ = drive(None, picture, driving, size=SIZE, find=find, draw=draw, motion="matched")
    assert made[1, 0, 0, 0] == 100  # the second frame has the same shape, only larger


def test_pieces_change_nothing() -> None:
    reds = np.random.default_rng(0).integers(0, 100, 2 * CHUNK + 3)
    whole, _ = drive(None, film(80)[0], film(*reds), size=SIZE, find=find, draw=draw)
    state, parts = None, []
    for first, stop in ((0, 1), (1, 6), (6, len(reds))):
        made, state = drive(state, film(80)[0], film(*reds[first:stop]), size=SIZE, find=find, draw=draw)
        parts.append(made)
    np.testing.assert_array_equal(np.concatenate(parts), whole)


def test_pictures_of_other_shapes_are_cut_to_the_square_in_their_middle() -> None:
    wide = np.zeros((12, 30, 3), np.uint8)
    wide[:, 9:21] = 255
    made, _ = drive(None, wide, film(0), size=SIZE, find=find, draw=draw)
    assert (made == 255).all()


@pytest.mark.parametrize(
    ("picture", "frames", "motion", "says"),
    [
        (None, film(1), "relative", "picture is missing"),
        (film(1)[0], None, "relative", "frames is missing"),
        (film(1)[0], film(1)[0], "relative", r"\[T, H, W, 3\]"),
        (film(1)[0], film(1)[:0], "relative", r"\[T, H, W, 3\]"),
        (film(1)[0], film(1).astype(np.float32), "relative", "uint8"),
        (film(1)[0, :, :, 0], film(1), "relative", "uint8"),
        (film(1)[0], film(1), "relativ", "relative"),
    ],
)
def test_bad_input_is_told_in_one_line(picture: Any, frames: Any, motion: str, says: str) -> None:
    with pytest.raises(VultusError, match=says) as told:
        drive(None, picture, frames, size=SIZE, find=find, draw=draw, motion=motion)
    assert "\n" not in str(told.value)


def test_the_objective_trains_both_sides_at_once() -> None:
    torch.manual_seed(0)
    judge = PatchDiscriminator(keypoints=3, width=4, blocks=2)
    made, driving = torch.rand(2, 3, 16, 16, requires_grad=True), torch.rand(2, 3, 16, 16)
    at = torch.rand(2, 3, 2, requires_grad=True)
    turned = torch.eye(2).expand(2, 3, 2, 2)
    terms = objective(
        made, driving, Keypoints(at, turned), find=lambda _: Keypoints(at * 0.9, turned), judge=judge,
        bend=losses.Bend.draw(driving), taps=lambda x: [x], scales=(1,),
    )  # fmt: skip
    assert set(terms) == set(WEIGHTS)
    sum(value for name, value in terms.items() if name != "judge").backward(retain_graph=True)
    assert made.grad is not None
    assert at.grad is not None
    assert all(p.grad is None for p in judge.parameters())
    made.grad = None
    terms["judge"].backward()
    assert made.grad is None
    assert all(p.grad is not None for p in judge.parameters())
