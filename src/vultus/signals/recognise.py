"""When no text is known: the phones that the sound itself suggests."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from vultus.signals.chunks import phones_of, whole
from vultus.signals.features import RATE
from vultus.signals.phones import Phone, fill


def recognise(samples: NDArray[np.generic], rate: int = RATE) -> list[Phone]:
    """Phones of *samples* ([N], mono), gapless from 0 to the end of the sound; silence where no one speaks.

    A phone loop under a phone trigram (pocketsphinx) over windows that end in pauses, so that memory does not grow with
    the length. Its model is American English; other languages come out as the nearest English sounds, which is what
    the mouth needs. Stress is not recognised and 0.
    """
    return fill(whole(phones_of([samples], rate=rate, first_window=20.0)), 0.0, len(samples) / rate)
