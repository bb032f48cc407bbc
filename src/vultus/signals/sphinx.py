"""The acoustic model: pocketsphinx (CMU, BSD) with its American English model, quiet and reused.

One decoder of each kind lives in each thread. Loading takes about 10 ms because the dictionary is not loaded: words are
added as texts name them. A decoder that failed once is thrown away, since its inner state is then unknown.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Sequence
from itertools import product
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from vultus.signals.pronounce import model_path, pronunciations

Float = NDArray[np.float32]
Segment = tuple[float, float, str]
"""Start and end in seconds, and an ARPABET phone, "SIL" for silence and fillers."""

FRAME: Final = 0.01
_CENTRE: Final = 0.0078
"""What stands for a frame is the middle of its 25.6 ms window; the decoder counts from the window's start."""
_MODEL: Final = "en-us/en-us"
_PHONES: Final = "en-us/en-us-phone.lm.bin"
_LOCAL = threading.local()
MOST_WORDS: Final = 20000
"""Words that a decoder holds before it is made anew, so that memory stays flat however long it runs."""


def pcm(samples: Float) -> bytes:
    """16 kHz float samples as the 16-bit bytes that the decoders take."""
    return (np.clip(samples, -1, 1) * 32767).astype("<i2").tobytes()


def _decoder(kind: str, **settings: object) -> Any:
    """This thread's decoder of one kind; *settings* count when it is made."""
    found = getattr(_LOCAL, kind, None)
    if found is None:
        from pocketsphinx import Decoder  # type: ignore[attr-defined]

        found = Decoder(loglevel="FATAL", hmm=str(model_path(_MODEL)), lm=None, dict=None, **settings)
        setattr(_LOCAL, kind, found)
    return found


def forget() -> None:
    """Throw away this thread's decoders; the next call loads them anew."""
    _LOCAL.__dict__.clear()


def _listen(decoder: Any, sound: bytes) -> None:
    # The noise estimate would carry over from the last call, and the same sound then give other phones.
    decoder.reinit_feat()
    decoder.start_utt()
    decoder.process_raw(sound, no_search=False, full_utt=True)
    decoder.end_utt()


def free_phones(sound: bytes, *, quick: bool = False) -> list[Segment]:
    """Phones that the sound itself suggests under a phone trigram; empty when nothing is found.

    *quick* looks at every other frame: half again as fast, a little less right.
    """
    lm = str(model_path(_PHONES))
    settings = {"allphone": lm, "allphone_ci": True, "lw": 1.5, "pip": 0.3, "beam": 1e-10, "pbeam": 1e-10}
    decoder = _decoder("glance", **settings, ds=2) if quick else _decoder("phones", **settings)
    try:
        _listen(decoder, sound)
        return [_segment(s.start_frame, s.end_frame + 1, s.word) for s in decoder.seg() or ()]
    except RuntimeError:
        forget()
        return []


def phone_grams(phones: Sequence[str], order: int) -> Float:
    """How likely runs of *order* of these *phones* [N] are in English: log-probabilities [N] * *order*.

    ARPABET, and "SIL". The last axis is the phone that follows those of the others. From the model under which
    :func:`free_phones` listens.
    """
    from pocketsphinx import Config, LogMath, NGramModel  # type: ignore[attr-defined]

    scale = LogMath()
    model = NGramModel(Config(loglevel="FATAL"), scale, str(model_path(_PHONES)))
    # The model takes the newest phone first.
    logs = [scale.log_to_ln(model.prob(list(run[::-1]))) for run in product(phones, repeat=order)]
    return np.array(logs, np.float32).reshape((len(phones),) * order)


def forced_words(sound: bytes, words: Sequence[str], *, wide: bool = False, late: int = 0) -> tuple[int, int, float]:
    """How far *sound* gets in *words*: the first and one past the last word heard, and the second where that ends.

    The sound may stop after any word, and begin with any of the first *late* + 1. (0, 0, 0.0) when nothing fits.
    """
    count = len(words)
    arcs: list[tuple[object, ...]] = [(i, i + 1, 1.0, w) for i, w in enumerate(words)]
    arcs += [(i, count, 1.0) for i in range(1, count)]
    arcs += [(0, i, 0.01) for i in range(1, min(late, count - 1) + 1)]
    try:
        decoder = _searching(words, arcs, wide=wide)
        _listen(decoder, sound)
        heard = [s for s in decoder.seg() or () if _name(s.word, words=True) not in ("SIL", "(NULL)")]
    except RuntimeError:
        forget()
        return 0, 0, 0.0
    if not heard:
        return 0, 0, 0.0
    said = [re.sub(r"\(\d+\)$", "", s.word) for s in heard]
    first = next((i for i in range(min(late, count - 1) + 1) if list(words[i : i + len(said)]) == said), 0)
    return first, first + len(said), (heard[-1].end_frame + 1) * FRAME + _CENTRE


def forced_phones(sound: bytes, words: Sequence[str], *, wide: bool = False) -> list[tuple[int, list[Segment]]]:
    """The phones of each stretch of *sound* that says exactly *words*: (index of the word or -1 in silence, phones).

    Words must be among what :func:`vultus.signals.pronounce.pronunciations` can say. Empty when they do not fit. Two
    passes: words under a grammar, then states inside the words found.
    """
    try:
        decoder = _searching(words, [(i, i + 1, 1.0, w) for i, w in enumerate(words)], wide=wide)
        _listen(decoder, sound)
        if decoder.hyp() is None:
            return []
        decoder.set_alignment()
        _listen(decoder, sound)
        out: list[tuple[int, list[Segment]]] = []
        at = 0
        for word in decoder.get_alignment():
            phones = [_segment(p.start, p.start + p.duration, p.name) for p in word]
            silent = _name(word.name, words=True) == "SIL"
            out.append((-1 if silent else at, phones))
            at += not silent
        return out if at == len(words) else []
    except RuntimeError:
        forget()
        return []


def _searching(words: Sequence[str], arcs: list[tuple[object, ...]], *, wide: bool) -> Any:
    """A decoder that is ready to hear *words* along *arcs*."""
    # The lattice's best path can give phones less than their three frames, and the second pass then fails.
    beams = dict.fromkeys(("beam", "pbeam"), 1e-120) | {"wbeam": 1e-80} if wide else {}
    kind = "wide" if wide else "words"
    known: set[str] = getattr(_LOCAL, kind + "_known", set())
    if len(known) > MOST_WORDS:
        forget()
        known = set()
    decoder = _decoder(kind, bestpath=False, **beams)
    setattr(_LOCAL, kind + "_known", known)
    for word in dict.fromkeys(words):
        if word not in known:
            for i, phones in enumerate(pronunciations(word)):
                decoder.add_word(f"{word}({i + 1})" if i else word, " ".join(phones), False)
            known.add(word)
    decoder.add_fsg("text", decoder.create_fsg("text", 0, len(words), arcs))
    decoder.activate_search("text")
    return decoder


def _segment(first: int, last: int, phone: str) -> Segment:
    return first * FRAME + _CENTRE, last * FRAME + _CENTRE, _name(phone)


def _name(phone: str, *, words: bool = False) -> str:
    return "SIL" if phone[:1] in "<+[" or (phone == "SIL" and not words) else phone
