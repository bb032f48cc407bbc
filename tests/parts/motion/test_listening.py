"""What encoders of sound promise; the published ones as tiny networks with random weights."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from vultus.errors import VultusError  # noqa: E402
from vultus.parts.motion import audio, published  # noqa: E402
from vultus.voices.engines import speak  # noqa: E402

torch.set_num_threads(1)
THIN = {"num_hidden_layers": 1, "num_attention_heads": 4, "intermediate_size": 16, "conv_dim": (16,) * 7}
WHISPER = {
    "d_model": 384, "encoder_layers": 4, "decoder_layers": 1, "encoder_attention_heads": 6, "encoder_ffn_dim": 16,
    "decoder_attention_heads": 6, "decoder_ffn_dim": 16, "vocab_size": 8, "pad_token_id": 1, "bos_token_id": 2,
    "eos_token_id": 3, "decoder_start_token_id": 2,
}  # fmt: skip


def tiny(kind: str, **changes: Any) -> Any:
    """A network of the *kind*, as wide as the published one and otherwise small, with random weights."""
    transformers = pytest.importorskip("transformers")
    one, seeded = published.PUBLISHED[kind], torch.random.fork_rng()
    names = {"wav2vec2": "Wav2Vec2", "wavlm": "WavLM", "hubert": "Hubert", "whisper": "Whisper"}
    settings = WHISPER if one.mel else {"hidden_size": one.width, **THIN}
    if kind in ("hubert-large", "xlsr-large"):
        settings = settings | {"do_stable_layer_norm": True, "feat_extract_norm": "layer"}
    config = getattr(transformers, f"{names[one.family]}Config")(**settings | changes)
    with seeded:
        torch.manual_seed(0)
        return getattr(transformers, f"{names[one.family]}Model")(config)


def noise(seconds: float) -> np.ndarray:
    return np.random.default_rng(0).normal(0, 0.1, round(seconds * 16000)).astype(np.float32)


def heard(sound: np.ndarray, kind: str) -> Any:
    return torch.from_numpy(audio.listen(sound, kind))[None]


def test_the_middle_of_what_is_heard_stays_in_the_middle() -> None:
    ramp = torch.linspace(0, 1, 41)[None, :, None]
    assert audio.resample(ramp, 41) is ramp
    assert audio.resample(ramp, 11)[0, 5, 0] == pytest.approx(0.5, abs=1e-6)


@pytest.mark.parametrize("kind", ["mel", "posteriors"])
@pytest.mark.parametrize("when", ["pre", "post", "conv2"])
def test_sound_becomes_as_many_frames_as_are_asked_for(kind: str, when: str) -> None:
    torch.manual_seed(0)
    sound = noise(1)
    rows = audio.listen(sound, kind)
    assert rows.shape == (audio.rate_of(kind), audio.FEATURES[kind][0])
    assert np.abs(rows).max() < 6
    encoder = audio.AudioEncoder(kind, 16, layers=1, heads=2, resample=when)
    out = encoder(torch.from_numpy(rows)[None], audio.frames_of(sound, 30))
    assert out.shape == (1, 30, 16)
    out.square().mean().backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in encoder.parameters())


def test_wrong_sound_and_missing_weights_are_told() -> None:
    encoder = audio.AudioEncoder("wavlm-base-plus", 8)
    assert encoder.width == 768
    assert not list(encoder.parameters())
    with pytest.raises(VultusError, match="no weights yet"):
        encoder(torch.zeros(1, 16000, 1), 25)
    with pytest.raises(VultusError, match="kind of sound features"):
        audio.AudioEncoder("ears", 8)
    with pytest.raises(VultusError, match="kind of sound features"):
        audio.listen(np.zeros(10), "ears")
    with pytest.raises(VultusError, match="mel is"):
        audio.AudioEncoder("mel", 8)(torch.zeros(1, 10, 3), 5)


def test_the_recogniser_hears_speech() -> None:
    pytest.importorskip("hama")
    sound, phones = speak("We may see a boat.", voice="formant:man", rate=16000)
    rows = audio.listen(sound, "hama")
    assert rows.shape == (-(-len(sound) // 320), 191)
    assert np.isfinite(rows).all()
    assert np.abs(rows).max() <= 1
    said = rows.argmax(1)
    talking = [int(phone.start * 50) for phone in phones if phone.ipa]
    assert len(set(said.tolist())) > len(talking) // 3  # symbols change as phones do
    assert len(set(audio.listen(sound * 0, "hama").argmax(1).tolist())) < len(set(said.tolist())) // 2
    assert audio.listen(sound[:1], "hama").shape == (1, 191)


@pytest.mark.parametrize("kind", published.PUBLISHED)
def test_published_encoders_hear_any_length_at_any_rate(kind: str) -> None:
    encoder = audio.AudioEncoder(kind, 8).eval()
    encoder.load(tiny(kind))
    sound = np.concatenate([noise(0.5), np.zeros(8000, np.float32)])  # half of it silent
    with torch.no_grad():
        out = encoder(heard(sound, kind), 30)
        assert out.shape == (1, 30, published.PUBLISHED[kind].width)
        assert out.isfinite().all()
        assert out[:, 5].sub(out[:, 25]).abs().mean() > 1e-3
        for short in (sound[:1], sound[:250], sound[:401], sound[8000:]):
            assert encoder(heard(short, kind), 2).isfinite().all()


@pytest.mark.parametrize("kind", ["wav2vec2-base", "wavlm-base-plus", "hubert-large"])
def test_resampled_before_the_layers_these_work_at_the_rate_of_motion(kind: str) -> None:
    model = tiny(kind).eval()
    net, x = published.checked(kind, model), heard(noise(1), kind)
    with torch.no_grad():
        states = published.hidden(kind, net, x, 25)
        assert [state.shape[1] for state in states] == [25, 25]
        first = model.feature_extractor(x[..., 0]).transpose(1, 2)
        projected = model.feature_projection(published.resample(first, 25))
        inner = projected if isinstance(projected, torch.Tensor) else projected[0]
        torch.testing.assert_close(states[-1], model.encoder(inner).last_hidden_state)
        after = published.hidden(kind, net, x)[-1]  # nothing of the resampling stays behind
        assert after.shape[1] == 49
        torch.testing.assert_close(after, model(x[..., 0]).last_hidden_state)
    for when in ("pre", "post", "conv2"):
        encoder = audio.AudioEncoder(kind, 8, resample=when)
        encoder.load(model)
        assert encoder(x, 25).shape == (1, 25, published.PUBLISHED[kind].width)


def test_whisper_hears_log_mel_as_its_own_package_makes_it() -> None:
    transformers = pytest.importorskip("transformers")
    kind, sound = "whisper-tiny", np.concatenate([noise(0.7), np.zeros(1603, np.float32)])
    theirs = transformers.WhisperFeatureExtractor()(sound, sampling_rate=16000, return_tensors="pt").input_features
    ours = heard(sound, kind)
    rows = ours.shape[1]
    assert rows == -(-len(sound) // 160)
    torch.testing.assert_close(ours, theirs[:, :, :rows].mT)
    model = tiny(kind).eval()
    with torch.no_grad():
        known = model.encoder(theirs).last_hidden_state
        made = published.hidden(kind, published.checked(kind, model), ours)
    assert len(made) == 5
    torch.testing.assert_close(made[-1], known[:, : -(-rows // 2)])
    with pytest.raises(VultusError, match="one length"):
        audio.AudioEncoder(kind, 8, resample="pre")
    with pytest.raises(VultusError, match="at most 30 s"):
        published.hidden(kind, model.encoder, torch.zeros(1, 3001, 80))


@pytest.mark.parametrize("kind", ["wav2vec2-base", "whisper-tiny"])
def test_a_mix_over_layers_is_learned(kind: str) -> None:
    depth = published.PUBLISHED[kind].layers
    encoder = audio.AudioEncoder(kind, 8, mix="layers")
    if kind != "whisper-tiny":
        with pytest.raises(VultusError, match=f"{depth} layers to mix, not 1"):
            encoder.load(tiny(kind))
        encoder.load(tiny(kind, num_hidden_layers=depth, layerdrop=0.9))
    else:
        encoder.load(tiny(kind, encoder_layerdrop=0.9))
    encoder.train()  # no layer is left out, or there would not be a state for each
    x = heard(noise(0.2), kind)
    mixed = encoder(x, 5)
    mixed.square().mean().backward()
    assert encoder.mix.grad.abs().min() > 0
    encoder.eval()
    with torch.no_grad():
        states = published.hidden(kind, encoder.published, x)
        torch.testing.assert_close(encoder(x, 5), published.resample(torch.stack(states).mean(0), 5))
        encoder.mix[2] = 50.0
        torch.testing.assert_close(encoder(x, 5), published.resample(states[2], 5))
    with pytest.raises(VultusError, match="no layers to mix"):
        audio.AudioEncoder("mel", 8, mix="layers")


def test_only_what_lies_above_the_convolutions_learns_and_draws_only_from_torch() -> None:
    encoder = audio.AudioEncoder("wav2vec2-base", 8)
    encoder.load(tiny("wav2vec2-base", mask_time_prob=0.5))
    assert not any(p.requires_grad for p in encoder.published.feature_extractor.parameters())
    encoder.train()
    x, out = heard(noise(0.5), "wav2vec2-base"), []
    for seed in (1, 2):
        np.random.seed(seed)  # noqa: NPY002 - what the package would draw masked spans from
        torch.manual_seed(0)
        out.append(encoder(x, 10))
    assert torch.equal(*out)
    out[0].sum().backward()
    assert all(p.grad is not None for p in encoder.published.encoder.layers.parameters())


def test_long_sound_is_heard_in_windows() -> None:
    encoder = audio.AudioEncoder("whisper-tiny", 8).eval()
    encoder.load(tiny("whisper-tiny"))
    lengths = []

    def make(piece: np.ndarray, frames: int, begin: float) -> np.ndarray:
        lengths.append(len(piece) / 16000)
        with torch.no_grad():
            return encoder(heard(piece, "whisper-tiny"), frames)[0].numpy()

    sound = noise(33)
    out = audio.in_windows(sound, 25, make, "A test")
    assert out.shape == (825, 384)
    assert max(lengths) <= 20
    assert len(lengths) == 2
    alone = make(sound[: 20 * 16000], 500, 0.0)
    np.testing.assert_allclose(out[:325], alone[:325], rtol=1e-5, atol=1e-6)  # where the second window begins


def test_weights_come_from_a_folder_and_wrong_ones_are_told(tmp_path: Path) -> None:
    kind = "wav2vec2-base"
    model, other = tiny(kind).eval(), tmp_path / "other"
    model.save_pretrained(tmp_path / "good")
    encoder, x = audio.AudioEncoder(kind, 8).eval(), heard(noise(0.2), kind)
    encoder.load(tmp_path / "good")
    encoder.eval()
    with torch.no_grad():
        torch.testing.assert_close(encoder(x, 10), published.resample(model(x[..., 0]).last_hidden_state, 10))
    wrong = {"wavlm-base-plus": "family wavlm", "xlsr-large": "1024 wide", "whisper-tiny": "family whisper"}
    for name, said in wrong.items():
        with pytest.raises(VultusError, match=said):
            audio.AudioEncoder(name, 8).load(tmp_path / "good")
    with pytest.raises(VultusError, match="no config"):
        encoder.load(tmp_path / "nowhere")
    shutil.copytree(tmp_path / "good", other)
    (other / "model.safetensors").write_bytes(b"broken")
    with pytest.raises(VultusError, match="can be read"):
        encoder.load(other)
    (other / "model.safetensors").unlink()
    with pytest.raises(VultusError, match="can be read"):
        encoder.load(other)
    torch.save(model.state_dict(), other / "pytorch_model.bin")  # pickled weights are not read
    with pytest.raises(VultusError, match="can be read"):
        encoder.load(str(other))
    (other / "config.json").write_text("{")
    with pytest.raises(VultusError, match="can be read"):
        encoder.load(other)
    from safetensors.torch import load_file, save_file

    few = load_file(tmp_path / "good" / "model.safetensors")
    few.pop("encoder.layers.0.attention.k_proj.weight")
    shutil.copy(tmp_path / "good" / "config.json", other / "config.json")
    save_file(few, other / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(VultusError, match="k_proj"):
        encoder.load(other)
    with pytest.raises(VultusError, match="Train it"):
        audio.AudioEncoder("mel", 8).load(tmp_path / "good")


def test_whisper_is_taken_without_its_decoder(tmp_path: Path) -> None:
    model = tiny("whisper-tiny").eval()
    model.save_pretrained(tmp_path)
    encoder = audio.AudioEncoder("whisper-tiny", 8).eval()
    encoder.load(tmp_path)
    assert not any("decoder" in name for name in encoder.state_dict())
    with torch.no_grad():
        torch.testing.assert_close(encoder.published.conv1.weight, model.encoder.conv1.weight)


def test_packages_that_are_missing_are_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("transformers", "hama"):
        monkeypatch.setitem(__import__("sys").modules, name, None)
    audio._recogniser.cache_clear()
    published._log_mel.cache_clear()
    for kind in ("hama", "whisper-tiny"):
        with pytest.raises(VultusError, match=r"vultus\[papers\]"):
            audio.listen(noise(0.1), kind)
    with pytest.raises(VultusError, match=r"vultus\[papers\]"):
        audio.AudioEncoder("hubert-large", 8).load(tmp_path)
