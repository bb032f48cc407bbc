from fractions import Fraction

import numpy as np
import pytest

from vultus import channels as ch
from vultus import rotations
from vultus.observers.calibration import Calibration, Finish
from vultus.observers.overlay import COLOURS, draw
from vultus.observers.reading import Reading
from vultus.observers.watch import Watch, observe

FPS = Fraction(25)


def reading(seen=True, **values):
    row = np.zeros(len(ch.CHANNELS))
    for name, value in values.items():
        row[ch.INDEX[name]] = value
    return Reading(row, np.full(len(ch.CHANNELS), seen))


def rows(count, **values):
    out = np.zeros((count, len(ch.CHANNELS)))
    for name, value in values.items():
        out[:, ch.INDEX[name]] = value
    return out, np.ones((count, len(ch.CHANNELS)), bool)


def test_the_neutral_face_is_that_of_the_clip_and_not_of_its_beginning():
    jaw = np.where(np.arange(200) < 60, 0.5, 0.08)  # begins with an open mouth
    brow = np.full(200, 0.2)
    calibration = Calibration.of(*rows(200, jawOpen=jaw, browDownLeft=brow, headRotationY=0.3))
    assert calibration.neutral[ch.INDEX["jawOpen"]] == pytest.approx(0.08, abs=0.01)
    assert calibration.neutral[ch.INDEX["browDownLeft"]] == pytest.approx(0.2, abs=0.01)
    assert calibration.neutral[ch.INDEX["headRotationY"]] == pytest.approx(0.3)
    # Who smiles all along smiles: nobody's mouth is like that at rest.
    smiling = Calibration.of(*rows(200, mouthSmileLeft=0.95))
    assert smiling.neutral[ch.INDEX["mouthSmileLeft"]] < 0.6


def test_lids_reach_their_range_where_they_blink():
    blink = np.zeros(500)
    for at in range(40, 500, 90):
        blink[at : at + 4] = 0.65
    shut = Calibration.of(*rows(500, eyeBlinkLeft=blink))
    assert 0.65 * shut.gain[ch.INDEX["eyeBlinkLeft"]] > 0.9
    assert Calibration.of(*rows(500, eyeBlinkLeft=0.05 * blink)).gain[ch.INDEX["eyeBlinkLeft"]] == 1


def test_few_pictures_calibrate_nothing_but_the_place():
    few = Calibration.of(*rows(5, jawOpen=0.4, headRotationX=0.2, translationZ=-0.7))
    assert few.neutral[ch.INDEX["jawOpen"]] == few.neutral[ch.HEAD.start] == 0
    assert few.neutral[ch.TRANSLATION.stop - 1] == pytest.approx(-0.7)


def test_gaps_are_not_valid_and_come_to_rest():
    finish = Finish(Calibration.usual(), FPS)
    motion = finish.motion([reading(jawOpen=0.8, headRotationY=0.4)] * 3 + [None] * 25)
    assert motion.valid[:3].all()
    assert not motion.valid[3:].any()
    assert motion["jawOpen"][3] < 0.8
    assert motion["jawOpen"][-1] < 0.1
    head = rotations.compose(motion.neck, motion.head)
    np.testing.assert_allclose(head[-1], (0, 0.4, 0), atol=1e-6)
    assert 0 < motion.neck[0, 1] < motion.head[0, 1]


def test_pieces_are_the_same_as_the_whole():
    readings = [reading(jawOpen=0.1 * (i % 7), headRotationX=0.02 * i) if i % 5 else None for i in range(20)]
    whole = Finish(Calibration.usual(), FPS).motion(readings)
    finish = Finish(Calibration.usual(), FPS)
    parts = [finish.motion(readings[i : i + 4], i / FPS) for i in range(0, 20, 4)]
    np.testing.assert_array_equal(np.concatenate([p.data for p in parts]), whole.data)
    assert [p.start for p in parts] == [Fraction(i, 25) for i in range(0, 20, 4)]


def test_the_rest_of_the_head_is_taken_back_in_its_own_axes():
    neutral, nod = np.array([0.0, 0.5, 0.0]), np.array([0.2, 0.0, 0.0])
    turned = rotations.compose(neutral, nod)
    own = Calibration.of(*rows(60, headRotationY=0.5))
    motion = Finish(own, FPS).motion([reading(**dict(zip(ch.CHANNELS[ch.HEAD], turned, strict=True)))])
    np.testing.assert_allclose(rotations.compose(motion.neck, motion.head)[0], nod, atol=1e-6)
    seen = Finish(own.facing(), FPS).motion([reading(headRotationY=0.5)])
    np.testing.assert_allclose(rotations.compose(seen.neck, seen.head)[0], neutral, atol=1e-6)


def test_a_drawn_performance_is_read_back(tracker, drawn):
    jaw = 0.5 * np.clip(np.sin(np.arange(60) / 4), 0, 1)
    yaw = 0.3 * np.sin(np.arange(60) / 9)
    pictures = [drawn(jawOpen=a, headRotationY=b) for a, b in zip(jaw, yaw, strict=True)]
    told = []
    seen = observe(pictures, FPS, tracker=tracker, each=lambda i, picture, watched: told.append((i, len(watched))))
    assert told == [(i, 1) for i in range(60)]
    (take,) = seen.takes
    motion = take.motion(60, FPS)
    assert motion.valid[:, ch.INDEX["jawOpen"]].all()
    assert np.corrcoef(motion["jawOpen"], jaw)[0, 1] > 0.85
    head = rotations.compose(motion.neck, motion.head)[:, 1]
    assert np.corrcoef(head, yaw)[0, 1] > 0.97
    assert (head @ yaw) / (yaw @ yaw) == pytest.approx(1, abs=0.2)
    absolute = take.motion(60, FPS, absolute=True)
    assert not np.array_equal(absolute.expression, motion.expression)
    # Again gives the same bytes.
    again = observe(pictures, FPS, tracker=tracker).takes[0].motion(60, FPS)
    np.testing.assert_array_equal(again.data, motion.data)


def test_the_overlay_draws_over_the_face_alone(tracker, photo):
    watched = Watch(tracker).step(photo, 0.0)
    before = photo.copy()
    out = draw(photo, watched, tracker.edges)
    np.testing.assert_array_equal(photo, before)
    changed = np.argwhere((out != photo).any(axis=2))
    left, top, right, bottom = watched[0].sighting.face.box
    assert len(changed) > 500
    assert changed[:, 1].min() >= left - 5
    assert changed[:, 1].max() <= right + 5
    assert changed[:, 0].min() >= top - 5  # one face alone has no name above it
    assert changed[:, 0].max() <= bottom + 5
    assert (np.abs(out.astype(int) - COLOURS[0]).max(axis=2) < 40).sum() > 100
    np.testing.assert_array_equal(draw(photo, [], tracker.edges), photo)
