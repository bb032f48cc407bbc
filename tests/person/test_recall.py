"""A person from the cache is the same person."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from vultus.kept import folder, keeping
from vultus.person import hair, portrait, recall
from vultus.person.identity import parse_identity
from vultus.person.portrait import Portrait

WHO = parse_identity("person:seed=12,beard=goatee,glasses=round")


def forget() -> None:
    """What this process knows of people."""
    for known in (portrait._bust, portrait._painted, portrait._ambient, hair.grooms, hair.shades):
        known.cache_clear()


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VULTUS_CACHE", str(tmp_path))
    forget()


def smile(p: Portrait) -> np.ndarray:
    row = np.zeros((1, 69), np.float32)
    row[0, 20:30] = 0.4
    return p.render(p.mesh.evaluate(row)[0], row[0])


def test_the_same_bytes_without_the_work(monkeypatch: pytest.MonkeyPatch) -> None:
    with keeping():
        expected = smile(Portrait(WHO, (96, 96)))
        assert len(list(folder().iterdir())) == 4
        forget()

        def never(*_: object, **__: object) -> None:
            raise AssertionError("made anew")

        for module, name in ((portrait, "build_mesh"), (portrait, "paint"), (portrait, "_sky"), (hair, "groomed")):
            monkeypatch.setattr(module, name, never)
        np.testing.assert_array_equal(smile(Portrait(WHO, (96, 96))), expected)
        # Somebody else is somebody else.
        with pytest.raises(AssertionError, match="made anew"):
            Portrait(parse_identity("person:seed=13,beard=goatee,glasses=round"), (96, 96))


def test_other_code_makes_people_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    made = []
    with keeping():
        recall.ambient(WHO, lambda: made.append(1) or np.ones(3, np.float32))
        recall.ambient(WHO, lambda: made.append(1) or np.ones(3, np.float32))
        assert len(made) == 1
        monkeypatch.setattr(recall, "_origin", lambda: b"another state of the library")
        recall.ambient(WHO, lambda: made.append(1) or np.ones(3, np.float32))
        assert len(made) == 2


def test_portraits_made_by_the_thousand_are_not_kept() -> None:
    Portrait(WHO, (96, 96), "draft")
    assert not folder().exists()
