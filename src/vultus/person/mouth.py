"""The painter's mouth: teeth and gums by their place on the texture, the tongue and the cavity by theirs in space."""

from __future__ import annotations

import numpy as np

from vultus.person.dentition import CAP_V, CELLS, CROWN_V, GUM_V, PALATE_V, ROOT
from vultus.person.jit import inner
from vultus.person.noise import dots, hashed, step, value
from vultus.person.pigment import AGE, GLOSS, OPEN, SEED, SHINE, SKIN, SOFT, bell, mix, tint

# Ends of the teeth's columns on the texture, from the middle outwards.
_ENDS = np.concatenate([[0.0], np.cumsum(CELLS)]) / CELLS.sum()
# How much light reaches a tooth between open lips, from the middle to the back.
_LIGHT = np.array([1.0, 0.99, 0.95, 0.86, 0.74, 0.60, 0.46])


@inner
def _enamel(
    out: np.ndarray, surface: np.ndarray, x: float, t: float, number: int, n: int, lower: int, s: np.ndarray
) -> None:
    """A crown at *x* in [-1, 1] across and *t*, 0 its edge, 1 its neck: warm neck, bluish edge, stain of years."""
    seed, key = int(s[SEED]), number + 16 * lower
    years = s[AGE]
    shade = 0.15 + 0.55 * hashed(3, 1, 4, seed + 151) + 0.45 * years  # from bleached to dark
    out[0], out[1], out[2] = 0.86 - 0.13 * shade, 0.80 - 0.165 * shade, 0.70 - 0.215 * shade
    tone = 2 * hashed(key, 0, 0, seed + 149) - 1
    light = 1 + 0.035 * tone + 0.03 * value(2.2 * x, 5 * t, 1.7 * key, seed + 152)
    # Faint upright bands, as enamel has.
    light *= 1 + 0.022 * value(5 * x, 0.8 * t, 2.3 * key, seed + 153)
    out[0] *= light
    out[1] *= light * (1 - 0.01 * tone)
    out[2] *= light * (1 - 0.03 * tone)
    if n == 2:
        tint(out, 0.97, 0.93, 0.83, 1.0)  # canines are yellower
    if n >= 3:
        tint(out, 0.98, 0.955, 0.90, 1.0)
    tint(out, 0.95, 0.86, 0.70, (0.5 + 0.3 * years) * step(t, 0.45, 1.0))
    if n <= 2:
        # Enamel alone at the edge lets the dark of the mouth through, between three lobes of dentine.
        lobes = 0.06 * np.cos(3 * np.pi * x) + 0.05 * value(3 * x, 0.0, 1.0 * key, seed + 154)
        clear = step(t, 0.27 + lobes, 0.05) * (1 - 0.55 * years) * (0.6 if n == 2 else 1.0)
        tint(out, 0.78, 0.84, 0.92, 0.42 * clear)
        tint(out, 1.12, 1.10, 1.06, 0.5 * step(t, 0.045, 0.0))
    tint(out, 0.86, 0.80, 0.72, 0.6 * step(abs(x), 0.66, 1.0))  # where teeth turn to each other light gets lost
    spot = value(3.1 * x, 4 * t, 3.3 * key, seed + 155)
    tint(out, 1.06, 1.06, 1.08, 0.5 * step(spot, 0.45, 0.85))
    stain = years * (0.35 + 0.65 * step(value(4 * x, 6 * t, 2.9 * key, seed + 156), -0.2, 0.7))
    tint(out, 0.78, 0.62, 0.42, 0.75 * stain * max(step(t, 0.72, 0.98), step(abs(x), 0.75, 1.0)))
    craze = bell(x - 0.4 * (2 * hashed(key, 1, 0, seed) - 1) - 0.05 * value(0.0, 3 * t, 1.0 * key, seed), 0.03)
    tint(out, 0.86, 0.78, 0.66, 0.5 * years * craze * step(t, 0.9, 0.6))
    tint(out, 0.80, 0.58, 0.42, step(t, 0.99, 1.08))  # the root
    near_gum = step(t, 0.80, 1.0)
    surface[GLOSS] = 0.80 - 0.05 * near_gum + 0.06 * value(3 * x, 6 * t, 1.3 * key, seed + 158)
    surface[SHINE] = (1.0 - 0.2 * years) * (1 - 0.6 * step(abs(x), 0.75, 1.0))
    surface[OPEN] = _LIGHT[n] * (1 - 0.30 * step(abs(x), 0.8, 1.0)) * (1 - 0.35 * lower * step(1.0 * n, 1.5, 4.0))
    surface[SOFT] = 0.45


@inner
def _gum(out: np.ndarray, surface: np.ndarray, u: float, g: float, inside: bool, skin: float, s: np.ndarray) -> None:
    """Gums at *g*, 0 under the margin, 1 at the fold to the lip or the palate: coral with specks, redder there."""
    seed = int(s[SEED])
    out[0], out[1], out[2] = 0.56, 0.255, 0.235
    # The pigment of dark skins colours gums in patches.
    dark = step(skin, 0.30, 0.05) * (0.55 + 0.45 * value(26 * u, 3 * g, 1.0, seed + 160))
    mix(out, 0.22, 0.115, 0.115, 0.75 * max(dark, 0.0))
    mix(out, 0.47, 0.125, 0.115, 0.75 * step(g, 0.62, 0.95))
    vessel = abs(value(60 * u, 5 * g, 2.0, seed + 161))
    tint(out, 0.90, 0.62, 0.62, 0.6 * step(vessel, 0.10, 0.0) * step(g, 0.6, 0.9))
    pits = dots(330 * u, 22 * g, 0.5, seed + 162, 0.5, 0.42)
    light = 1 + 0.07 * value(90 * u, 8 * g, 0.0, seed + 157) - 0.12 * pits * step(g, 0.85, 0.6)
    light *= 1 - 0.45 * step(g, 0.16, 0.02)
    tint(out, 0.95, 0.74, 0.74, 0.55 * step(g, 0.34, 0.12))  # margins are redder
    for c in range(3):
        out[c] *= light
    surface[GLOSS] = 0.76 + 0.08 * value(140 * u, 12 * g, 3.0, seed + 163) - 0.22 * pits
    surface[SHINE], surface[SOFT] = 0.75, 0.8
    away = abs(2 * u - 1)
    surface[OPEN] = (0.95 - 0.6 * step(away, 0.55, 1.0)) * (0.55 if inside else 1.0)


@inner
def teeth(
    out: np.ndarray, surface: np.ndarray, u: float, v: float, lower: int, colours: np.ndarray, s: np.ndarray
) -> None:
    """Teeth and gums at (*u*, *v*) of the tile of an arch (see ``dentition``); *lower* is 1 for the lower one."""
    away = abs(2 * u - 1)
    n = 0
    while n < 6 and away > _ENDS[n + 1]:
        n += 1
    if v > 0.5 * (GUM_V - 0.02 + GUM_V):
        skin = colours[SKIN, 1]
        inside = v > 0.5 * (PALATE_V - 0.01 + PALATE_V + 0.02)
        if inside:
            _gum(out, surface, u, 0.7, inside, skin, s)
            ridge = value(4 * away, 90 * (v - PALATE_V), 0.0, int(s[SEED]) + 164)
            tint(out, 0.86, 0.78, 0.78, 0.5 * step(abs(ridge), 0.25, 0.0))
        else:
            _gum(out, surface, u, (v - GUM_V) / (PALATE_V - GUM_V), inside, skin, s)
        return
    width = _ENDS[n + 1] - _ENDS[n]
    across = (away - 0.5 * (_ENDS[n] + _ENDS[n + 1])) / (0.46 * width)
    x = np.sin(0.5 * np.pi * min(max(across, -1.0), 1.0))
    t = (v - CROWN_V) / (GUM_V - 0.02 - CROWN_V) * ROOT
    _enamel(out, surface, x, max(t, 0.0), 7 + n if u > 0.5 else 6 - n, n, lower, s)
    if v < 0.5 * (CAP_V + CROWN_V) and n >= 3:
        # Chewing surfaces: a stained groove along the middle.
        b = 1 - v / CAP_V
        groove = bell(b - 0.5 - 0.12 * np.sin(5 * x), 0.09)
        tint(out, 0.62, 0.48, 0.36, 0.75 * groove)
        surface[OPEN] *= 0.85


@inner
def tongue(out: np.ndarray, surface: np.ndarray, u: float, v: float, seed: int) -> None:
    """The tongue at (*u*, *v*) of its tile: velvet of papillae with scattered round ones, a furrow, redder rims."""
    along = np.sqrt(max(v, 0.0))  # 0 the root, 1 the tip
    x, z = 34 * (u - 0.5), 75 * along  # about millimetres
    fine = dots(1.0 * x, 0.75 * z, 0.0, seed + 165, 0.9, 0.5)
    round_ = dots(0.42 * x, 0.42 * z, 3.0, seed + 166, 0.4, 0.30)
    patch = value(0.14 * x, 0.14 * z, 1.0, seed + 167)
    wander = 0.5 * value(0.0, 0.2 * z, 0.0, seed + 168)
    furrow = bell(x + wander, 0.75) * step(along, 0.97, 0.88)
    light = 0.85 + 0.14 * patch + 0.40 * fine - 0.28 * furrow
    out[0], out[1], out[2] = 0.33 * light, 0.105 * light, 0.098 * light
    coat = step(abs(x), 12.0, 3.0) * step(along, 0.99, 0.80)
    mix(out, 0.38 * light, 0.20 * light, 0.175 * light, (0.45 + 0.25 * patch) * coat)
    mix(out, 0.52, 0.11, 0.11, 0.6 * round_)
    deep = step(along, 0.86, 0.45)
    surface[GLOSS] = 0.74 - 0.26 * fine + 0.08 * patch
    surface[SHINE], surface[SOFT] = 0.9, 0.8
    surface[OPEN] = 1 - 0.80 * deep


@inner
def cavity(out: np.ndarray, surface: np.ndarray, x: float, y: float, z: float, inside: float) -> None:
    """Wet lining from the lips to the throat, laid on by *inside* in [0, 1]: dark red, never black."""
    deep = min(max((0.153 - z) / 0.050, 0.0), 1.0)
    fine = value(700 * x, 700 * y, 700 * z, np.int64(6))
    light = 1 + 0.15 * value(220 * x, 220 * y, 220 * z, np.int64(5)) + 0.10 * fine
    vessel = abs(value(260 * x, 130 * y, 260 * z, np.int64(8)))
    light *= 1 - 0.25 * step(vessel, 0.08, 0.0)
    red = (0.40 - 0.14 * deep) * light
    mix(out, red, (0.27 - 0.07 * deep) * red, (0.25 - 0.06 * deep) * red, inside)
    surface[GLOSS] += inside * (0.80 - surface[GLOSS])
    surface[SHINE] += inside * (0.75 - 0.4 * deep - surface[SHINE])
    surface[OPEN] = 1 - inside * (1 - max(0.32, (1 - deep) * (1 - deep)))
