"""Styles are read from a line, and emotions change a face without breaking it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from vultus.channels import CHANNELS, EMOTIONS, EXPRESSION, INDEX
from vultus.drivers.style import LOOKS, Style, express, parse_style
from vultus.errors import VultusError

NEUTRAL = np.zeros((3, len(CHANNELS)))


def test_a_line_becomes_a_style() -> None:
    assert parse_style("") == Style()
    assert parse_style("happy:0.6, head:0.5") == Style(happy=0.6, head=0.5)
    assert parse_style("Sad,look:away,blink:0") == Style(sad=1.0, look="away", blink=0)
    assert parse_style("neutral") == Style(neutral=1.0)
    assert parse_style("heard, happy:0.2") == Style(heard=1.0, happy=0.2)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("hapy:1", "happy"),
        ("joy:1", "no style called 'joy'"),
        ("happy:2", "from 0 to 1"),
        ("happy:nan", "from 0 to 1"),
        ("happy:much", "happy:0.5"),
        ("head", "no number"),
        ("look:down", "no look called 'down'"),
        ("happy:0.1,happy:0.2", "twice"),
        ("blink:-1", "from 0 to 60"),
        ("heard:2", "from 0 to 1"),
    ],
)
def test_mistakes_are_told(line: str, said: str) -> None:
    with pytest.raises(VultusError, match=said):
        parse_style(line)


def test_different_emotions_are_different_faces() -> None:
    faces = {e: express(NEUTRAL, {e: 1.0}, 1.0)[0, EXPRESSION] for e in EMOTIONS}
    faces["none"] = NEUTRAL[0, EXPRESSION]
    names = list(faces)
    for i, a in enumerate(names):
        for b in names[i + 1 :]:
            assert np.linalg.norm(faces[a] - faces[b]) > 0.5, (a, b)
    assert faces["happy"][INDEX["mouthSmileLeft"]] > 0.5
    assert faces["sad"][INDEX["browInnerUp"]] > 0.5
    assert faces["angry"][INDEX["browDownRight"]] > 0.5
    assert faces["surprised"][INDEX["eyeWideLeft"]] > 0.5
    assert faces["disgusted"][INDEX["noseSneerLeft"]] > 0.5
    left, right = (faces["contempt"][INDEX[f"mouthSmile{side}"]] for side in ("Left", "Right"))
    assert left > 0.3 > 0.01 > right


@pytest.mark.parametrize("emotion", EMOTIONS)
def test_intensity_grows_with_weight_and_time(emotion: str) -> None:
    sizes = [np.linalg.norm(express(NEUTRAL, {emotion: w}, 1.0)[0]) for w in (0, 0.25, 0.5, 1)]
    assert sizes[0] == 0
    assert (np.diff(sizes) > 0.05).all()
    swelling = np.linalg.norm(express(NEUTRAL, {emotion: 1.0}, [0.0, 0.5, 1.0]), axis=1)
    np.testing.assert_allclose(swelling, [0, sizes[2], sizes[3]])


def test_neutral_takes_away_and_emotions_change_the_body() -> None:
    assert Style(happy=0.8, neutral=1.0).emotions == {}
    assert Style(happy=0.8, neutral=0.5).emotions == {"happy": pytest.approx(0.4)}
    assert Style(sad=1.0).liveliness < 0.7 < 1 < Style(angry=1.0).liveliness
    assert Style(sad=1.0).posture[0] > 0.03
    assert Style(fearful=1.0).blinks_per_minute > 17 > Style(surprised=1.0).blinks_per_minute
    assert Style(blink=60, fearful=1.0).blinks_per_minute == 60
    assert LOOKS[0] == Style().look


def test_a_rounded_mouth_holds_back_a_smile() -> None:
    rounded = NEUTRAL.copy()
    rounded[:, INDEX["mouthPucker"]] = 0.8
    smile = INDEX["mouthSmileLeft"]
    assert express(rounded, {"happy": 1.0}, 1.0)[0, smile] < 0.6 * express(NEUTRAL, {"happy": 1.0}, 1.0)[0, smile]


def test_an_unknown_emotion_is_refused() -> None:
    with pytest.raises(VultusError, match="angry"):
        express(NEUTRAL, {"anger": 1.0}, 1.0)


@settings(max_examples=40, deadline=None)
@given(
    arrays(np.float64, (2, len(CHANNELS)), elements=st.floats(0, 1)),
    st.dictionaries(st.sampled_from(EMOTIONS), st.floats(0, 1)),
    st.floats(0, 1),
)
def test_any_mixture_stays_in_range(data: np.ndarray, emotions: dict[str, float], intensity: float) -> None:
    out = express(data, emotions, intensity)
    assert out[:, EXPRESSION].min() >= 0
    assert out[:, EXPRESSION].max() <= 1
    np.testing.assert_array_equal(out[:, EXPRESSION.stop : 67], data[:, EXPRESSION.stop : 67])
