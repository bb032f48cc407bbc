"""What others make of the same phones: how it becomes a Motion, and what it shows where the package is installed."""

from __future__ import annotations

import importlib.util
from typing import Any

import numpy as np
import pytest

from vultus.errors import VultusError
from vultus.lab import other_lips, speech_figures
from vultus.signals.phones import Phone


def test_phones_are_named_as_the_package_wants_them() -> None:
    phones = [Phone(0.1, 0.2, "m"), Phone(0.2, 0.4, "ɑ", 1), Phone(0.4, 0.5, "ə"), Phone(0.6, 0.9, "ʃ")]
    said = other_lips.segments(phones, 0.8)
    assert [name for name, _, _ in said] == ["sil", "M", "AA1", "AH0", "sil", "SH"]
    assert [(start, end) for _, start, end in said] == [
        (0, 0.1),
        (0.1, 0.2),
        (0.2, 0.4),
        (0.4, 0.5),
        (0.5, 0.6),
        (0.6, 0.8),
    ]


def test_keys_become_frames() -> None:
    motion = other_lips.sampled(
        {"jawOpen": [(0.04, 0.2), (0.12, 0.6)], "mouthPucker": [(0.0, 1.5)], "tongueOut": []}, 5
    )
    np.testing.assert_allclose(motion["jawOpen"], [0.2, 0.2, 0.4, 0.6, 0.6], atol=1e-6)
    np.testing.assert_allclose(motion["mouthPucker"], 1)
    assert not motion["tongueOut"].any()
    assert len(other_lips.sampled({}, 5)) == 5
    with pytest.raises(VultusError, match="viseme_PP"):
        other_lips.sampled({"viseme_PP": [(0.0, 1.0)]}, 5)


def test_where_it_is_not_installed_a_line_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    found = importlib.util.find_spec
    for installed in (False, True):

        def spec(name: str, package: str | None = None, installed: bool = installed) -> Any:
            return (installed or None) if name == "openfacefx" else found(name, package)

        monkeypatch.setattr(importlib.util, "find_spec", spec)
        lines = "\n".join(speech_figures.skipped())
        assert ("openfacefx, true phone times: not run, it is not installed." in lines) is not installed


@pytest.mark.parametrize("rules", other_lips.OPENFACEFX.values(), ids=str)
def test_lips_show_the_phones_that_were_given(rules: bool) -> None:
    pytest.importorskip("openfacefx")
    phones = [Phone(0.3 * i, 0.3 * (i + 1), ipa) for i, ipa in enumerate("muɑmi")]
    motion = other_lips.openfacefx(phones, 45, rules=rules)
    middles = [round(25 * (0.3 * i + 0.15)) for i in range(5)]
    assert len(motion) == 45
    assert motion["mouthPucker"][middles].argmax() == 1
    assert motion["jawOpen"][middles].argmax() == 2
    assert (motion["mouthPressLeft"][middles] > 0.3).tolist() == [True, False, False, True, False]
    assert motion["jawOpen"][middles[3]] < 0.1
    assert not motion["headRotationX"].any()
    assert not other_lips.openfacefx([], 45, rules=rules).data.any()
