"""The one error type: one line, and the nearest names."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vultus.errors import VultusError, unknown


def test_joins_problem_and_mend() -> None:
    assert str(VultusError("It is wrong.", "Do it so.")) == "It is wrong. Do it so."
    assert str(VultusError("It is wrong")) == "It is wrong"


@given(st.text(), st.text())
def test_is_one_line_whatever_it_says(problem: str, mend: str) -> None:
    assert len(str(VultusError(problem, mend)).splitlines()) <= 1


def test_suggests_the_nearest_name_whatever_its_case() -> None:
    assert "'jawopn'. Did you mean jawOpen" in str(unknown("channel", "jawopn", ["jawOpen", "mouthClose"]))
    assert "Did you mean PP?" in str(unknown("viseme", "pp", ["PP", "FF"]))


def test_lists_all_names_when_none_is_near() -> None:
    assert str(unknown("style", "xyzzy", ["sad", "happy"])) == "There is no style called 'xyzzy'. Known: happy, sad."
    assert str(unknown("edit", "x", [])) == "There is no edit called 'x'. There is none."


def test_can_be_caught_as_an_exception_only() -> None:
    assert issubclass(VultusError, Exception)
    with pytest.raises(VultusError):
        raise VultusError("x")
