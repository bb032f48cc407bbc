"""The sets of targets: phonetic unless asked for, a file that is checked, closures that hold in both."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from vultus.channels import INDEX
from vultus.drivers import learned, speech
from vultus.drivers.articulation import articulate
from vultus.drivers.style import Style, parse_style
from vultus.drivers.target_sets import SETS, as_json, read_targets, targets_named
from vultus.drivers.targets import CONTROLS, PHONETIC
from vultus.errors import VultusError
from vultus.motion import Motion, concatenate
from vultus.signals.phones import Phone
from vultus.voices import formant

SOUNDS = ["ɑ", "p", "i", "m", "u", "b", "æ", "f", "ɑ", "v", "ɛ", "w", "ʃ", "t", "aɪ"]
PHONES = [Phone(0.3 + 0.1 * i, 0.4 + 0.1 * i, sound) for i, sound in enumerate(SOUNDS)]
TIMES = np.arange(200) / 100


def record() -> dict[str, Any]:
    return dict(json.loads(as_json(PHONETIC, {"what": "a test"})))


def test_the_phonetic_set_is_the_default_and_unchanged() -> None:
    assert SETS[0] == "phonetic"
    assert targets_named("phonetic") is PHONETIC
    same = articulate(PHONES, TIMES, targets=PHONETIC)
    np.testing.assert_array_equal(articulate(PHONES, TIMES).data, same.data)
    written = articulate(PHONES, TIMES, targets=read_targets(json.dumps(record()).encode()))
    np.testing.assert_array_equal(written.data, same.data)


def test_rows_that_a_file_lacks_are_the_phonetic_ones() -> None:
    some = record()
    some["rows"] = {"W": some["rows"]["W"]}
    some["rows"]["W"]["value"][CONTROLS.index("mouthPucker")] = 0.25
    targets = read_targets(json.dumps(some).encode())
    assert targets.rows["W"].value[CONTROLS.index("mouthPucker")] == 0.25
    np.testing.assert_array_equal(targets.rows["UW"].value, PHONETIC.rows["UW"].value)


@pytest.mark.parametrize(
    "change",
    [
        lambda r: r.update(format="vultus.face"),
        lambda r: r.update(version=2),
        lambda r: r.update(controls=r["controls"][::-1]),
        lambda r: r["rows"]["W"]["value"].__setitem__(0, 1.5),
        lambda r: r["rows"]["W"]["value"].__setitem__(0, float("nan")),
        lambda r: r["rows"]["W"]["value"].pop(),
        lambda r: r["rows"]["B"]["value"].__setitem__(CONTROLS.index("seal"), 0.0),
        lambda r: r["rows"]["W"]["dominance"].__setitem__(0, -1.0),
        lambda r: r["rows"].update(XX=r["rows"]["W"]),
        lambda r: r["anticipation"].__setitem__(0, 0.0),
        lambda r: r["carry_over"].__setitem__(0, 3.0),
        lambda r: r.update(rows=[]),
        lambda r: r.pop("rows"),
    ],
)
def test_files_that_are_wrong_are_refused(change: Any) -> None:
    some = record()
    change(some)
    with pytest.raises(VultusError, match="targets of version 1"):
        read_targets(json.dumps(some).encode())


def test_bytes_that_are_no_file_are_refused() -> None:
    for content in (b"", b"[]", b"\xff\xfe", b"{"):
        with pytest.raises(VultusError, match="targets of version 1"):
            read_targets(content)


@pytest.mark.parametrize("name", SETS)
@pytest.mark.parametrize("gain", [0.4, 1.0, 2.0])
def test_closures_hold_in_every_set(name: str, gain: float) -> None:
    mouth = articulate(PHONES, TIMES, gain=gain, loudness=9.0, targets=targets_named(name))
    data, shut, bitten = mouth.data, mouth.seal == 1, mouth.bite == 1
    assert shut.sum() >= 27
    assert bitten.sum() >= 18
    parts = [INDEX[f"mouth{part}{side}"] for part in ("LowerDown", "UpperUp") for side in ("Left", "Right")]
    opening = data[:, INDEX["jawOpen"]] - data[:, INDEX["mouthClose"]] + data[:, parts].sum(axis=1)
    np.testing.assert_allclose(opening[shut], 0, atol=1e-6)
    assert opening[~shut & ~bitten].max() > 0.1
    assert data[bitten, INDEX["mouthRollLower"]].min() >= 0.55 - 1e-6
    assert data.min() >= 0
    assert data.max() <= 1


def test_tuned_targets_move_other_than_phonetic_ones_and_only_the_mouth() -> None:
    samples, _ = formant.speak("Many people spoke about it", rate=16000)
    for drive in (speech.drive, learned.drive):
        if drive is learned.drive:
            pytest.importorskip("onnxruntime")
        made = {name: concatenate(list(drive([samples], style=Style(targets=name)))) for name in SETS}
        differ = np.abs(made["phonetic"].data - made["tuned"].data).max(axis=0)
        names = {name for name, column in INDEX.items() if differ[column] > 0}
        assert names
        assert all(name.startswith(("mouth", "jaw", "tongue")) for name in names)
        assert differ.max() > 0.05
        assert Motion(made["tuned"].data, made["tuned"].fps).expression.max() <= 1


def test_a_style_names_its_targets() -> None:
    assert parse_style("targets:tuned,head:0.5") == Style(targets="tuned", head=0.5)
    assert Style().targets == "phonetic"
    with pytest.raises(VultusError, match="tuned"):
        parse_style("targets:tund")


def test_live_lips_refuse_what_they_do_not_know() -> None:
    with pytest.raises(VultusError, match="phonetic targets only"):
        list(learned.drive([np.zeros(1600, np.float32)], style=Style(targets="tuned"), live=True))
