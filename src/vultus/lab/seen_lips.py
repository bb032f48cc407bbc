"""Whether lips that are seen go with what is heard: motions are filmed, and the network sync-b is asked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np

from vultus import channels as ch
from vultus.clip import Clip
from vultus.critics import learned, sync
from vultus.errors import VultusError
from vultus.judge import failed
from vultus.motion import Motion

SIZE: Final = 128
"""Pixels of the pictures: what sync learned from."""


def missing() -> str:
    """Why sync cannot be asked here, or ""."""
    if why := failed().get("sync"):
        return f"its validation failed ({why})"
    return learned.lacking()


def confidence(clip: Clip, motions: Mapping[str, Motion]) -> dict[str, float]:
    """LSE-C of *clip*'s sound with the lips of each motion, by its name; all are filmed alike: a telephone, the clip's
    own person. Heads keep still, so that lips alone decide. VultusError for a clip that is not of the stage."""
    from vultus.lab.critic_data import crops
    from vultus.person.identity import parse_identity
    from vultus.signals.features import features
    from vultus.stage.plan import Plan
    from vultus.stage.rigs.phone import shoot

    if clip.audio is None or "plan" not in clip.labels:
        raise VultusError(f"The clip {clip.name} has no sound or no plan", "Give a clip of the stage")
    plan = Plan.from_json(clip.labels["plan"])
    heard = features(clip.audio, clip.sample_rate).mel
    out = {}
    for name, motion in motions.items():
        (view,) = shoot(
            parse_identity(clip.identity), still(motion), size=SIZE, seed=plan.seed, held="stand", faults=False
        )
        mouths, _ = crops(view, plan.seed)
        mel = heard[np.minimum(np.arange(4 * len(mouths)), len(heard) - 1)]
        out[name] = sync.measure(learned.lips(mouths), learned.sound(mel)).confidence
    return out


def still(motion: Motion) -> Motion:
    """*motion* of a head that neither turns nor moves."""
    rows = motion.data.copy()
    for part in (ch.HEAD, ch.NECK, ch.TRANSLATION):
        rows[:, part] = 0
    return motion.replace(data=rows, body=None)
