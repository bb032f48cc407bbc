from itertools import pairwise

import numpy as np
import pytest
from PIL import Image, ImageDraw

from vultus.observers.crowd import Crowd, Cuts, parts


def pasted(photo, *places, size=(640, 360), shade=90):
    """The portrait's head, 200 of its 512 pixels wide, at (x, y, width) on a plain picture."""
    out = np.full((size[1], size[0], 3), shade, np.uint8)
    head = Image.fromarray(photo[20:220, 120:320])
    for x, y, width in places:
        tile = np.array(head.resize((width, width), Image.Resampling.BOX if width < 200 else Image.Resampling.BICUBIC))
        part = out[y : y + width, x : x + width]
        part[:] = tile[: part.shape[0], : part.shape[1]]
    return out


def numbers(sightings):
    return [s.number for s in sightings]


def test_parts_cover_the_picture():
    for width, height in ((640, 360), (100, 1000), (64, 64), (1920, 1080)):
        for some in parts(width, height):
            side = some[0].side
            x = sorted({p.centre[0] for p in some})
            assert x[0] - side / 2 <= 0
            assert x[-1] + side / 2 >= width
            assert all(b - a <= side / 2 + 1e-6 for a, b in pairwise(x))


@pytest.mark.parametrize(("x", "y", "width"), [(200, 60, 240), (560, 280, 70), (5, 5, 48), (300, 300, 48)])
def test_large_and_small_faces_are_found_anywhere(tracker, photo, x, y, width):
    (seen,) = Crowd(tracker).step(pasted(photo, (x, y, width)), 0.0)
    left, top, right, bottom = seen.face.box
    assert x <= left < right <= x + width
    assert y <= top < bottom <= y + width + 2
    assert seen.new


def test_twenty_faces(tracker, photo):
    places = [(20 + 250 * (i % 5), 8 + 178 * (i // 5), 150) for i in range(20)]
    crowd, picture = Crowd(tracker), pasted(photo, *places, size=(1280, 720))
    assert len(crowd.step(picture, 0.0)) == 20
    assert numbers(crowd.step(picture, 0.04)) == list(range(1, 21))


def test_numbers_stay_while_faces_pass_and_come_back(tracker, photo):
    crowd = Crowd(tracker)
    for i in range(10):
        seen = crowd.step(pasted(photo, (20 + 12 * i, 40, 200), (400 - 8 * i, 100, 120)), i / 25)
        assert numbers(seen) == [1, 2]
        assert seen[0].face.box[0] < seen[1].face.box[0]
        assert all(s.new == (i == 0) for s in seen)
    # The smaller one is hidden for a while, and has its number when it is seen again.
    gone = pasted(photo, (130, 40, 200))
    assert numbers(crowd.step(gone, 0.44)) == [1]
    came = None
    for i in range(60):
        seen = crowd.step(pasted(photo, (130, 40, 200), (330, 100, 120)), 0.48 + i / 25)
        if len(seen) == 2:
            came = seen[1]
            break
    assert came is not None
    assert came.number == 2
    assert came.new


def test_a_cut_begins_anew(tracker, photo):
    crowd = Crowd(tracker)
    one, other = pasted(photo, (40, 40, 200)), pasted(photo[:, ::-1], (400, 100, 200), shade=220)
    for i in range(5):
        assert numbers(crowd.step(one, i / 25)) == [1]
    (after,) = crowd.step(other, 0.2)
    assert after.new
    assert after.number == 2  # she looks otherwise, mirrored and in another light
    # Back in the first place she is known again by her looks, and so is a face that comes back elsewhere.
    for time, place in ((0.24, 40), (0.28, 300)):
        assert numbers(crowd.step(np.full_like(one, int(1000 * time) % 251), time)) == []
        (back,) = crowd.step(pasted(photo, (place, 40, 200)), time + 0.02)
        assert back.number == 1


def test_cuts_are_told_from_motion():
    rng = np.random.default_rng(0)
    spots = Image.fromarray(rng.integers(0, 256, (10, 20, 3), np.uint8))
    room = np.array(spots.resize((400, 200), Image.Resampling.BICUBIC))
    other = np.ascontiguousarray(room[::-1])
    cuts = Cuts()
    told = [cuts.step(np.roll(room, 2 * i, axis=1)) for i in range(20)]
    told += [cuts.step(np.roll(other, 2 * i, axis=1)) for i in range(20)]
    assert [i for i, cut in enumerate(told) if cut] == [20]


def test_what_is_no_face_is_not_found(tracker):
    cat = Image.new("RGB", (320, 240), (200, 210, 190))
    pen = ImageDraw.Draw(cat)
    pen.ellipse((90, 60, 230, 200), fill=(120, 90, 60))
    for x in (105, 175):
        pen.polygon([(x, 90), (x + 20, 30), (x + 40, 80)], fill=(120, 90, 60))
        pen.ellipse((x + 8, 105, x + 34, 128), fill=(220, 220, 60))
        pen.ellipse((x + 18, 105, x + 24, 128), fill=(10, 10, 10))
    pen.polygon([(152, 150), (168, 150), (160, 160)], fill=(40, 20, 20))
    noise = np.random.default_rng(1).integers(0, 256, (240, 320, 3), np.uint8)
    for picture in (np.array(cat), noise, np.zeros((16, 16, 3), np.uint8), np.zeros((17, 900, 3), np.uint8)):
        assert Crowd(tracker).step(picture, 0.0) == []
