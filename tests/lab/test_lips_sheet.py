"""The sheet of words: a row for each film, under its word."""

from __future__ import annotations

import numpy as np

from vultus.lab import lips_sheet


def test_each_film_has_a_row_of_every_third_frame() -> None:
    film = np.full((29, 88, 88), 40.0, np.float32)
    film[3] = 200
    film[4] = 120  # shown only where the film runs backwards
    rows = [("today", "real", film), ("today", "phonetic", film), ("after", "real", film[::-1])]
    picture = lips_sheet.sheet(rows)
    assert picture.shape == (3 * 88 + 2 * 16, 70 + 10 * 88, 3)
    mouths = [picture[top : top + 88, 70:].reshape(88, 10, 88, 3) for top in (16, 104, 208)]
    levels = [mouth.mean(axis=(0, 2, 3)).round().tolist() for mouth in mouths]
    forward = [40, 200, *[40] * 8]
    assert levels == [forward, forward, [*[40] * 8, 120, 40]]
