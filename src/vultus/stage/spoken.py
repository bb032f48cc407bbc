"""Speech and the motion that goes with it, all of one length: what drivers learn from and are tested on.

Speakers are made of what the package has itself (the built-in voices, changed as microphones and rooms change them), so
that the same call gives the same clips on every machine.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from vultus.clip import Clip
from vultus.stage.clips import make
from vultus.stage.hidden import Hidden, draw_hidden
from vultus.stage.plan import Plan, draw
from vultus.stage.splits import Split

_VOICES = ("formant:man", "formant:woman", "formant:child", "formant:giant")
_OF_SPLIT = {"train": "formant:man", "val": "kokoro:any", "test": "hibari:any"}
"""A voice by which ``draw`` finds the sentences of a split; the speaker's own takes its place."""
_LOUDEST = 1.5


@dataclass(frozen=True)
class Speaker:
    """Someone who speaks: number 0 is the built-in man in a quiet room, others sound, look and move otherwise.

    ``gain`` is the range from which the articulation of each clip is drawn, in [0.6, 1.5]: what sound does not tell.
    """

    number: int = 0
    gain: tuple[float, float] = (0.6, 1.4)

    @property
    def identity(self) -> str:
        """The person, ``person:…``."""
        return f"person:{self.number}"

    def plan(self, seed: int, index: int, split: Split, seconds: float, fps: float) -> Plan:
        """Clip *index* of *seed*: *seconds* long, without emotion, with sentences of the *split*."""
        drawn = draw(seed, index, split=split, voices=(_OF_SPLIT[split],), people=(), seconds=2 * seconds, fps=fps)
        rng = np.random.default_rng([seed, index, self.number, 0x59EA])
        own = draw_hidden(self.number, self.number)
        articulation = min(float(rng.uniform(*self.gain)), _LOUDEST)
        hidden = Hidden(articulation, own.manner, own.habits, drawn.hidden.seed)
        return replace(
            drawn, voice=_VOICES[self.number % len(_VOICES)], augment=f"{self.number}:0.6" if self.number else "",
            identity=self.identity, emotion=(), gain=1.0, hidden=hidden, seconds=seconds, lead=0.2, tail=5.0,
        )  # fmt: skip


def spoken(
    seed: int,
    count: int,
    *,
    speaker: Speaker | None = None,
    split: Split = "train",
    seconds: float = 3.0,
    fps: float = 25.0,
) -> list[Clip]:
    """*count* clips of a *speaker* without pictures, each *seconds* long: silence follows where the speech is shorter.

    The same arguments give the same bytes. Clips of different splits share no sentence.
    """
    who = speaker or Speaker()
    return [make(who.plan(seed, index, split, seconds, fps), views=False) for index in range(count)]
