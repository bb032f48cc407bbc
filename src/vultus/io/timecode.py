"""SMPTE-like timecodes ``HH:MM:SS:FF.mmm`` as Live Link Face writes them, and the frame rate that they imply.

The app counts real time of day: ``FF`` are frames of a whole-numbered *nominal* rate within the second, ``mmm``
thousandths of such a frame (in its files neighbouring rows lie 2.000 or 1.001 frames apart, not 1). Rates that are no
whole number are therefore counted in real time too: 29.97 fps advances 1.001 frames of 30 a row. Neither drop-frame
nor non-drop-frame labels exist here, and no time is lost or gained.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from fractions import Fraction
from typing import Final

import numpy as np
from numpy.typing import NDArray

from vultus.errors import VultusError

DAY: Final = 86400
RATES: Final = (24, 25, 30, 48, 50, 60, 72, 90, 96, 100, 120, 144, 240)
_PATTERN = re.compile(r"(\d{1,3}):(\d{1,2}):(\d{1,2})[:;](\d{1,4}(?:\.\d{0,9})?)")
_MEND: Final = "Give it, as in fps=30 or --fps 30"


def nominal(fps: Fraction) -> int:
    """The rate that frames of *fps* are counted at: the first usual one, else any from 24, that ceil(fps) divides."""
    whole = math.ceil(fps)
    return next((rate for rate in RATES if rate % whole == 0), whole * math.ceil(24 / whole))


def write(time: Fraction, rate: int) -> str:
    """*time* in seconds (taken modulo one day) at the nominal *rate*, rounded to a thousandth of a frame."""
    ticks = round(time * rate * 1000) % (DAY * rate * 1000)
    seconds, ticks = divmod(ticks, rate * 1000)
    frame, thousandth = divmod(ticks, 1000)
    return f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}:{frame:02d}.{thousandth:03d}"


def parse(text: str) -> tuple[int, Fraction]:
    """(whole seconds, frames within the second) of one timecode; raises ValueError."""
    match = _PATTERN.fullmatch(text.strip())
    if not match:
        raise ValueError(text)
    hours, minutes, seconds = (int(g) for g in match.groups()[:3])
    return hours * 3600 + minutes * 60 + seconds, Fraction(match[4].rstrip("."))


def grid(
    codes: Sequence[tuple[int, Fraction]], fps: Fraction | None = None
) -> tuple[Fraction, Fraction, NDArray[np.int64]]:
    """(fps, start in seconds, frame index [N] of each row) of parsed timecodes in order.

    *fps* overrides what the timecodes say. Raises VultusError when they tell no rate: fewer than two rows, or none
    that passes a full second.
    """
    rate = _rate(codes, fps)
    if rate is None:
        raise VultusError(
            "The timecodes never pass a full second, so they do not tell the frame rate",
            _MEND,
        )
    times = _unwrap([seconds + frames / rate for seconds, frames in codes])
    start, span = times[0], [float(t - times[0]) for t in times]
    steps = np.diff(span)
    steps = steps[steps > 1e-9]
    if fps is None and not len(steps):
        raise VultusError("All timecodes are the same, so they do not tell the frame rate", _MEND)
    period = 1 / float(fps) if fps else float(np.median(steps))
    index = np.rint(np.array(span) / period).astype(np.int64)
    if fps is None:
        # The median step is right within a rounding; the whole span is right within that rounding / rows.
        for _ in range(3):
            if index[-1] < 1:
                break
            fps = _simplest(span[-1] / int(index[-1]), 1.01e-3 / rate / int(index[-1]))
            index = np.rint(np.array(span) * float(fps)).astype(np.int64)
    if fps is None:
        raise VultusError("The timecodes do not tell the frame rate", _MEND)
    return fps, start, index


def _unwrap(times: list[Fraction]) -> list[Fraction]:
    """Times that keep rising past midnight, and never fall by a jitter."""
    out: list[Fraction] = []
    day = 0
    for time in times:
        if out and time + day < out[-1] - DAY // 2:
            day += DAY
        out.append(max(time + day, out[-1]) if out else time)
    return out


def _rate(codes: Sequence[tuple[int, Fraction]], fps: Fraction | None) -> int | None:
    """The nominal rate: how many frames fit between the last row of a second and the first of the next."""
    highest = max(math.floor(frames) for _, frames in codes) + 1
    frames = np.array([float(f) for _, f in codes])
    seconds = np.array([s for s, _ in codes])
    same = np.diff(seconds) == 0
    if fps is not None and (not same.any() or same.all()):
        return max(nominal(fps), highest)
    if not same.any():
        return highest if len(set(frames)) == 1 and len(codes) > 1 else None
    step = float(np.median(np.diff(frames)[same]))
    rollover = np.diff(seconds) == 1
    if not rollover.any():
        return None
    fits = np.rint(frames[:-1][rollover] + step - frames[1:][rollover])
    rate = max(int(np.median(fits)), highest, 1)
    if len(fits) == 1 and rate not in RATES:
        # Rows dropped at the only rollover make the second look too short by a few steps.
        return next((r for r in RATES if r > rate and abs((r - rate) / step - round((r - rate) / step)) < 0.01), rate)
    return rate


def _simplest(period: float, tolerance: float) -> Fraction:
    """The simplest rate whose period is within *tolerance* of *period*: whole, NTSC, then by denominator."""
    low, high = 1 / (period + tolerance), 1 / max(period - tolerance, 1e-4)
    for denominator in (1, 1001, *range(2, 1001)):
        scale = 1000 if denominator == 1001 else 1
        numerator = math.ceil(low * denominator / scale)
        if numerator * scale <= high * denominator and numerator:
            return Fraction(numerator * scale, denominator)
    return Fraction(1 / period).limit_denominator(1000)
