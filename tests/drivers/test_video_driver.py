from fractions import Fraction

import numpy as np
import pytest
from PIL import Image

from vultus import channels as ch
from vultus.drivers import video
from vultus.errors import VultusError
from vultus.motion import concatenate

FPS = Fraction(10)


def film(photo, count, *, width=90, gap=()):
    """The portrait's head moving to the right, 160 x 120; nobody in the frames of *gap*."""
    tile = np.asarray(Image.fromarray(photo[20:220, 120:320]).resize((width, width), Image.Resampling.BICUBIC))
    for i in range(count):
        out = np.full((120, 160, 3), 70, np.uint8)
        if i not in gap:
            out[10 : 10 + width, 5 + i % 50 : 5 + i % 50 + width] = tile
        yield out


def test_it_streams_after_the_window(tracker, photo, monkeypatch):
    monkeypatch.setattr(video, "WINDOW", 3.0)
    taken = []

    def told():
        for i, picture in enumerate(film(photo, 60)):
            taken.append(i)
            yield picture

    motions = video.drive(told(), FPS, tracker=tracker)
    first = next(motions)
    assert len(taken) == 30
    assert first.start == 0
    later = [len(taken) for _ in motions]
    assert later[:2] == [30, 45]
    assert len(taken) == 60


def test_pieces_join_and_gaps_come_back_softly(tracker, photo):
    motion = concatenate(list(video.drive(film(photo, 40, gap=range(16, 26)), FPS, tracker=tracker)))
    assert len(motion) == 40
    assert not motion.valid[16:26].any()
    assert motion.valid[28:, ch.HEAD].all()
    smile = motion["mouthSmileLeft"]
    assert smile[25] < 0.5 * smile[14]
    assert np.abs(np.diff(motion.translation[:, 0])).max() < 0.1


def test_only_what_is_used_moves(tracker, photo):
    (pose,) = video.drive(film(photo, 12), FPS, tracker=tracker, use=frozenset({"pose"}))
    assert not pose.expression.any()
    assert np.ptp(pose.translation[:, 0]) > 0.02
    assert video.parse_use(" gaze , pose ") == {"gaze", "pose"}
    for bad in ("", "hair", "pose,"):
        if bad == "pose,":
            assert video.parse_use(bad) == {"pose"}
        else:
            with pytest.raises(VultusError, match="use"):
                video.parse_use(bad)


def test_nobody_is_told(tracker, photo):
    with pytest.raises(VultusError, match="No face is found in the video"):
        next(video.drive(film(photo, 8, gap=range(8)), FPS, tracker=tracker))
    with pytest.raises(VultusError, match="only face 1"):
        next(video.drive(film(photo, 8), FPS, tracker=tracker, which=4))
