"""What is heard of a sound: phones, words, accents, and what sync's network makes of it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from vultus.channels import VISEMES
from vultus.critics import heard
from vultus.errors import VultusError
from vultus.io import audio
from vultus.signals.phones import Phone
from vultus.voices import formant

TEXT = "Five people may see me"


@pytest.fixture(scope="module")
def speech(tmp_path_factory: pytest.TempPathFactory) -> Path:
    samples, _ = formant.speak(TEXT, rate=16000)
    path = tmp_path_factory.mktemp("heard") / "speech.wav"
    audio.write(path, samples, 16000)
    return path


def test_speech_has_phones_words_and_embeddings(speech: Path) -> None:
    seen: list[tuple[int, ...]] = []

    def embed(mel: np.ndarray) -> np.ndarray:
        seen.append(mel.shape)
        return mel.reshape(-1, 4, 80).mean(axis=(1, 2))[:, None]

    found = heard.listen(speech, TEXT, embed)
    frames = int(found.seconds * 25)
    assert found.aligned
    assert not found.silent
    assert {w for w, _, _ in found.words} <= set(TEXT.lower().split())
    assert found.embeddings is not None
    assert len(found.embeddings) == frames
    assert all(shape[1] == 80 and shape[0] % 4 == 0 for shape in seen)
    visemes = found.visemes(frames)
    assert VISEMES.index("PP") in visemes
    assert np.all(np.diff(found.accents) > 0.09)
    assert 2 <= len(found.accents) <= 20


def test_silence_is_silent_and_no_sound_is_told(tmp_path: Path) -> None:
    audio.write(tmp_path / "s.wav", np.zeros(16000, np.float32), 16000)
    assert heard.listen(tmp_path / "s.wav").silent
    (tmp_path / "b.wav").write_bytes(b"nothing of the kind")
    with pytest.raises(VultusError):
        heard.listen(tmp_path / "b.wav")


def test_a_frame_has_the_viseme_of_its_middle() -> None:
    phones = (Phone(0.0, 0.1, ""), Phone(0.1, 0.2, "m"), Phone(0.2, 0.3, "f"))
    found = heard.visemes_of(phones, 9, 25)
    assert [VISEMES[v] for v in found] == ["sil", "sil", "PP", "PP", "PP", "FF", "FF", "sil", "sil"]
