"""From what is read of a face to its Motion: the neutral face and the range of the one who is seen.

Faces differ at rest: thick brows read as lowered ones, narrow eyes as half closed. What someone's face is at rest is
taken from the whole of a clip, not from its first frame: each shape is at rest for a good part of the time, so that a
low quantile of it is its rest, as far as people differ at all. Eyes close fully when they blink, which sets the range
of the lids. Head and gaze rest at their median.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Final

import numpy as np
from numpy.typing import NDArray

from vultus import channels as ch
from vultus import rotations
from vultus.motion import Motion, clamp
from vultus.observers.reading import Reading
from vultus.observers.readout import GAZE, READ, readout

Doubles = NDArray[np.float64]
Bools = NDArray[np.bool_]

NECK_SHARE: Final = 0.4
"""The neck's share of a head movement, as in the drivers' gestures."""
REST: Final = 0.15
"""The quantile of a shape over a clip that is its rest; noise lies below, expression above."""
REST_OF_LIDS: Final = 0.35
"""That of a blink, which is short and rare."""
APART: Final = 3.0
"""Standard deviations between drawn people by which a neutral face is believed to differ from the usual one: who
smiles all along smiles."""
APART_ABOVE: Final = 6.0
"""The same for lids and brows, in which real people differ more than drawn ones."""
FULL_BLINK: Final = (0.95, 0.997, 0.4)
"""What a full blink is set to, the quantile over a clip that is one, and from which reading on it can be."""
_LEAST = 30  # pictures that a calibration needs
_FADE = 0.25  # seconds in which an expression halves that is not seen any more
_SHAPES = [ch.INDEX[name] for name in READ[: -len(GAZE)]]
_BLINKS = [ch.INDEX["eyeBlinkLeft"], ch.INDEX["eyeBlinkRight"]]
_TURNS = (ch.HEAD, ch.EYE_LEFT, ch.EYE_RIGHT, ch.TRANSLATION)
_FADING = np.array([i for i in range(len(ch.CHANNELS)) if not ch.HEAD.start <= i < ch.HEAD.stop], np.intp)


@dataclass(frozen=True, eq=False)
class Calibration:
    """Someone's ``neutral`` reading [69] and the ``gain`` [69] that brings the rest of it to ARKit's range."""

    neutral: Doubles
    gain: Doubles

    @classmethod
    def usual(cls) -> Calibration:
        """Of nobody: every face rests like the usual one and is seen from the front."""
        return cls(np.zeros(len(ch.CHANNELS)), np.ones(len(ch.CHANNELS)))

    @classmethod
    def of(cls, rows: Doubles, seen: Bools) -> Calibration:
        """Of someone whose readings over a clip are *rows* [T, 69], of which *seen* [T, 69] was visible.

        With fewer than 30 pictures it is the usual one but for the place.
        """
        out = cls.usual()
        neutral, gain = out.neutral, out.gain
        enough = np.flatnonzero(seen[:, ch.HEAD.start])
        if len(enough):
            neutral[ch.TRANSLATION] = np.median(rows[enough, ch.TRANSLATION], axis=0)
        if len(enough) < _LEAST:
            return out
        for part in _TURNS:
            there = seen[:, part.start]
            neutral[part] = np.median(rows[there, part], axis=0) if there.sum() >= _LEAST else neutral[part]
        spread = np.maximum(readout().spread, 0.02)
        for column, width in zip(_SHAPES, spread, strict=False):
            values = rows[seen[:, column], column]
            if len(values) >= _LEAST:
                share = REST_OF_LIDS if column in _BLINKS else REST
                most = width * (APART_ABOVE if ch.ARKIT[column].startswith(("eye", "brow")) else APART)
                neutral[column] = np.clip(np.quantile(values, share), -most, most)
        full, share, least = FULL_BLINK
        for column in _BLINKS:
            values = rows[seen[:, column], column] - neutral[column]
            if len(values) >= _LEAST and (high := float(np.quantile(values, share))) > least:
                gain[column] = np.clip(full / high, 0.8, 1.6)
        return out

    def facing(self) -> Calibration:
        """The same for someone whose head is told as the camera sees it."""
        neutral = self.neutral.copy()
        neutral[ch.HEAD] = 0
        return Calibration(neutral, self.gain)

    def usual_face(self) -> Calibration:
        """That of everybody, at this one's place."""
        out = Calibration.usual()
        out.neutral[ch.TRANSLATION] = self.neutral[ch.TRANSLATION]
        return out


class Finish:
    """Turns readings of one face, frame after frame, into Motion."""

    def __init__(self, calibration: Calibration, fps: Fraction) -> None:
        """*calibration* of the one who is seen; *fps* is that of the readings."""
        self._calibration, self._fps = calibration, fps
        self._fade = 0.5 ** (1 / (_FADE * float(fps)))
        self._last = np.zeros(len(ch.CHANNELS))
        self._turn = rotations.to_matrix(calibration.neutral[ch.HEAD]).T

    def motion(self, readings: Sequence[Reading | None], start: Fraction = Fraction(0)) -> Motion:
        """The Motion of the next readings, of which None is a gap: there the head stays and the face comes to rest."""
        data, valid = np.zeros((len(readings), len(ch.CHANNELS))), np.zeros((len(readings), len(ch.CHANNELS)), bool)
        for i, reading in enumerate(readings):
            seen = np.zeros(len(ch.CHANNELS), bool) if reading is None else reading.seen
            row = self._last.copy()
            row[_FADING] *= self._fade
            if reading is not None:
                row[seen] = self._calibrated(reading.row)[seen]
            self._last = data[i] = row
            valid[i] = seen
        return Motion(clamp(_split(data)), self._fps, start, valid)

    def _calibrated(self, row: Doubles) -> Doubles:
        out = (row - self._calibration.neutral) * self._calibration.gain
        out[ch.HEAD] = rotations.from_matrix(self._turn @ rotations.to_matrix(row[ch.HEAD]))
        return clamp(out).astype(np.float64)


def _split(data: Doubles) -> Doubles:
    """Frames [T, 69] whose head turns as a whole -> the same with the neck's share in the neck."""
    neck = NECK_SHARE * data[:, ch.HEAD]
    head = rotations.compose(-neck, data[:, ch.HEAD])
    data[:, ch.NECK], data[:, ch.HEAD] = neck, head
    return data
