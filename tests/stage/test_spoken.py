"""Clips of speakers for learning: of one length, the same again, and apart by split."""

from __future__ import annotations

from vultus.stage.spoken import Speaker, spoken


def test_clips_have_the_length_that_was_asked_for_and_come_again() -> None:
    for speaker in (Speaker(), Speaker(2, (0.7, 0.8))):
        clips = spoken(5, 2, speaker=speaker, seconds=1.5)
        assert [len(clip.audio) for clip in clips if clip.audio is not None] == [24000] * 2
        assert [len(clip.motion) for clip in clips if clip.motion is not None] == [38] * 2
        assert {clip.identity for clip in clips} == {speaker.identity}
        again = spoken(5, 2, speaker=speaker, seconds=1.5)[1]
        assert again.audio is not None
        assert clips[1].audio is not None
        assert again.audio.tobytes() == clips[1].audio.tobytes()
        assert again.phones == clips[1].phones


def test_splits_share_no_sentence_and_articulation_differs() -> None:
    plans = {
        split: [Speaker().plan(1, index, split, 2.0, 25) for index in range(12)] for split in ("train", "val", "test")
    }
    texts = {split: {plan.text for plan in some} for split, some in plans.items()}
    assert not texts["train"] & texts["test"]
    assert not texts["train"] & texts["val"]
    gains = [plan.hidden.articulation for plan in plans["train"]]
    assert 0.6 <= min(gains) < 0.85 < 1.15 < max(gains) <= 1.4
    assert {plan.emotion for plan in plans["train"]} == {()}
