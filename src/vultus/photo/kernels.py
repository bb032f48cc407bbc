"""What is done for every pixel of a frame; all colours are the photo's own sRGB in [0, 1]."""

from __future__ import annotations

from typing import Any

import numpy as np

from vultus.person.jit import fast, part

SKIN, EYE_LEFT, EYE_RIGHT, TONGUE, UPPER, LOWER, CAVITY = range(7)
"""What a triangle of the face's layer is."""
SOURCE, ALPHA, SEEN, GAIN, FILL, PLACE, SHUT, FOLD = 0, 2, 3, 4, 5, 8, 10, 12
"""Columns of a vertex: place in the photo (2), opacity, whether the photo shows it, light now over light in the photo,
colour where the photo does not show it (3), place on the eye, or across the face and whether a lid comes down there
(2), place in the picture of closed eyes (2), and how far the three sets of creases show."""
COLUMNS = 15
_MIXED, _MARKED = 127, 128
_DARKEST, _BRIGHTEST = np.float32(0.55), np.float32(0.3)  # that creases make the skin
_REACH = 3  # pixels that an edge is softened from on each side


@part
def _look(image: np.ndarray, x: Any, y: Any, out: np.ndarray, first: int, count: int) -> None:
    """*count* channels of *image* from *first* on at (x, y), bilinear, edges repeated."""
    one = np.float32(1)
    x = min(max(x - np.float32(0.5), np.float32(0)), np.float32(image.shape[1] - 1.001))
    y = min(max(y - np.float32(0.5), np.float32(0)), np.float32(image.shape[0] - 1.001))
    j, i = np.uint64(x), np.uint64(y)
    a, b = np.float32(x - np.float32(j)), np.float32(y - np.float32(i))
    below, right = i + np.uint64(1), j + np.uint64(1)
    for c in range(count):
        k = np.uint64(first + c)
        top = image[i, j, k] * (one - a) + image[i, right, k] * a
        out[c] = top * (one - b) + (image[below, j, k] * (one - a) + image[below, right, k] * a) * b


@fast
def blurred(image: np.ndarray, step: int, weights: np.ndarray, across: np.ndarray, out: np.ndarray) -> None:
    """*image* float32 [H, W * step] convolved along rows (pixels are *step* values apart), then along columns, with
    *weights* float32 [2 R + 1]; edges are repeated. *across* is what lies between, of the same shape."""
    height, width = image.shape
    reach = len(weights) // 2
    row = np.empty(width + 2 * reach * step, np.float32)
    for y in range(height):
        own = across[y]
        for i in range(reach * step):
            row[i] = image[y, i % step]
            row[i + reach * step + width] = image[y, width - step + i % step]
        row[reach * step : reach * step + width] = image[y]
        own[:] = 0
        for k in range(len(weights)):
            weight, part = weights[k], row[k * step : k * step + width]
            for i in range(width):
                own[i] += weight * part[i]
    for y in range(height):
        own = out[y]
        own[:] = 0
        for k in range(len(weights)):
            weight, part = weights[k], across[min(max(y + k - reach, 0), height - 1)]
            for i in range(width):
                own[i] += weight * part[i]


@fast
def body(
    first: int,
    stop: int,
    ids: np.ndarray,
    bary: np.ndarray,
    triangles: np.ndarray,
    source: np.ndarray,
    layer: np.ndarray,
    plate: np.ndarray,
    out: np.ndarray,
    flow: np.ndarray,
) -> None:
    """Rows of the layer of the whole person over what stands behind: *layer* [H, W, 4] colours and opacity, *plate* [H,
    W, 3] -> *out* [H, W, 4] colours and opacity and *flow* [H, W, 2] the place in the photo."""
    got = np.empty(4, np.float32)
    one = np.float32(1)
    for y in range(first, stop):
        for x in range(ids.shape[1]):
            f = ids[y, x]
            if f < 0:
                for c in range(3):
                    out[y, x, c] = plate[y, x, c]
                out[y, x, 3] = 0
                # The plate is the photo wherever nothing ever lies over it: nothing is missing here.
                flow[y, x, 0], flow[y, x, 1] = np.float32(-1e4), np.float32(-1e4)
                continue
            g = np.uint64(f)
            u, v = bary[y, x, 0], bary[y, x, 1]
            w = one - u - v
            i, j, k = np.uint64(triangles[g, 0]), np.uint64(triangles[g, 1]), np.uint64(triangles[g, 2])
            sx = u * source[i, 0] + v * source[j, 0] + w * source[k, 0]
            sy = u * source[i, 1] + v * source[j, 1] + w * source[k, 1]
            _look(layer, sx, sy, got, 0, 4)
            a = got[3]
            for c in range(3):
                out[y, x, c] = plate[y, x, c] * (one - a) + a * got[c]
            out[y, x, 3] = a
            flow[y, x, 0], flow[y, x, 1] = sx, sy


@part
def _mean(
    ids: np.ndarray, bary: np.ndarray, triangles: np.ndarray, points: np.ndarray, y: int, x: int, share: float,
    out: np.ndarray,
) -> None:  # fmt: skip
    """Add *share* of the columns of one sample to *out*."""
    g = np.uint64(ids[y, x])
    u, v = bary[y, x, 0], bary[y, x, 1]
    w = np.float32(1) - u - v
    i, j, k = np.uint64(triangles[g, 0]), np.uint64(triangles[g, 1]), np.uint64(triangles[g, 2])
    for c in range(COLUMNS):
        out[c] += share * (u * points[i, c] + v * points[j, c] + w * points[k, c])


@part
def _light(gain: Any, out: np.ndarray) -> None:
    """A colour of skin in more or less light: bright skin keeps its hue instead of running white, shade is warm."""
    one = np.float32(1)
    if gain >= one:
        most = max(out[0], out[1], out[2])
        gain = gain / (one + most * (gain - one))
        for c in range(3):
            out[c] *= gain
    else:
        less = one - gain
        out[0] *= one - np.float32(0.85) * less
        out[1] *= one - np.float32(1.05) * less
        out[2] *= one - np.float32(1.15) * less


@part
def _shade(
    kind: int, p: np.ndarray, photo: np.ndarray, shut: np.ndarray, maps: np.ndarray, eyes: np.ndarray,
    blink: np.ndarray, settings: np.ndarray, got: np.ndarray, area: np.ndarray, out: np.ndarray,
) -> None:  # fmt: skip
    """The colour of a place of the face, its opacity in the fourth, not multiplied."""
    one = np.float32(1)
    out[3] = p[ALPHA]
    if kind in (EYE_LEFT, EYE_RIGHT):
        side = eyes.shape[1]
        x, y = (p[PLACE] * np.float32(0.5) + np.float32(0.5)), (np.float32(0.5) - p[PLACE + 1] * np.float32(0.5))
        _look(eyes[kind - EYE_LEFT], x * side, y * side, got, 0, 3)
        # Between lids that are all but closed there are lashes.
        dark = min(max((blink[kind - EYE_LEFT] - np.float32(0.5)) * np.float32(4), np.float32(0)), one)
        first = 5 + 3 * (kind - EYE_LEFT)
        for c in range(3):
            out[c] = got[c] * (one - dark) + dark * settings[first + c]
        return
    _look(maps, p[SOURCE], p[SOURCE + 1], area, 0, 3)
    _look(photo, p[SOURCE], p[SOURCE + 1], got, 0, 3)
    if kind == SKIN:
        seen = p[SEEN] * (one - area[0]) * (one - area[1])
        seen = min(max(seen, np.float32(0)), one)
        for c in range(3):
            out[c] = seen * got[c] + (one - seen) * p[FILL + c]
        _light(p[GAIN], out)
        if p[FOLD] + p[FOLD + 1] + p[FOLD + 2] > 0:
            _look(maps, p[SOURCE], p[SOURCE + 1], got, 3, 3)
            fold = p[FOLD] * got[0] + p[FOLD + 1] * got[1] + p[FOLD + 2] * got[2]
            _light(one + min(max(fold, -_DARKEST), _BRIGHTEST), out)
        shuts = blink[0] if p[PLACE] > 0 else blink[1]
        late = min(max((shuts - np.float32(0.7)) * np.float32(1 / 0.3), np.float32(0)), one)
        close = min(np.float32(1.6) * shuts, one) * area[2] * (p[PLACE + 1] + (one - p[PLACE + 1]) * late)
        if close > 0:
            _look(shut, p[SHUT], p[SHUT + 1], got, 0, 3)
            for c in range(3):
                out[c] += close * (got[c] - out[c])
        return
    # The inside of the mouth: what the photo shows of it, and else its own colour in the light that comes in.
    seen = min(max(p[SEEN] * area[0], np.float32(0)), one)
    _look(maps, p[SOURCE], p[SOURCE + 1], area, 6, 1)
    for c in range(3):
        inner = seen * got[c] + (one - seen) * (p[FILL + c] * settings[0] + area[0])
        out[c] = inner * (one - settings[1]) + settings[1] * settings[2 + c]


@fast
def face(
    first: int,
    stop: int,
    left: int,
    top: int,
    ids: np.ndarray,
    bary: np.ndarray,
    triangles: np.ndarray,
    kinds: np.ndarray,
    points: np.ndarray,
    photo: np.ndarray,
    shut: np.ndarray,
    maps: np.ndarray,
    eyes: np.ndarray,
    blink: np.ndarray,
    settings: np.ndarray,
    out: np.ndarray,
    flow: np.ndarray,
    shown: np.ndarray,
) -> None:
    """Rows of the face over *out*, from two by two samples a pixel; where all four show the same thing, their middle is
    looked up once, so that only edges are softened.

    *ids* and *bary* [2 h, 2 w] lie at (*left*, *top*); *points* [V, COLUMNS]; *shut* [H, W, 3] the photo with closed
    eyes; *maps* [H, W, 8] of the photo: between the lips, between the lids, near the eyes, and what each set of creases
    makes of the skin's light, grain, and hair that lies over the face and stays where *flow* [H, W, 2] says; *eyes* [2,
    S, S, 3]; *blink* [2] how far the left and the right eye are closed from how they are in the photo; *settings* [12]:
    light in the mouth, how sealed it is, the colour of a sealed one, those of the lashes of both eyes, and whether
    there is such hair. *shown* uint8 [H, W] gets 1 more than the kind of each pixel.
    """
    p, colour, total = np.empty(COLUMNS, np.float32), np.empty(4, np.float32), np.empty(4, np.float32)
    got, area = np.empty(4, np.float32), np.empty(4, np.float32)
    half, one = np.float32(0.5), np.float32(1)
    for row in range(first, stop):
        for column in range(ids.shape[1] // 2):
            y, x = 2 * row, 2 * column
            a, b, c, d = ids[y, x], ids[y, x + 1], ids[y + 1, x], ids[y + 1, x + 1]
            if a < 0 and b < 0 and c < 0 and d < 0:
                continue
            even = a >= 0 and b >= 0 and c >= 0 and d >= 0
            kind = kinds[a] if a >= 0 else -1
            whole = not even or (kinds[b] == kind and kinds[c] == kind and kinds[d] == kind)
            even = even and whole
            if even:
                for n in range(COLUMNS):
                    p[n] = 0
                _mean(ids, bary, triangles, points, y, x, half, p)
                sx, sy = p[SOURCE], p[SOURCE + 1]
                _mean(ids, bary, triangles, points, y + 1, x + 1, half, p)
                # A fold: the two halves come from different places.
                even = abs(p[SOURCE] - 2 * sx) < 1.5 and abs(p[SOURCE + 1] - 2 * sy) < 1.5
            if even:
                if p[ALPHA] <= 0:
                    continue
                _shade(kind, p, photo, shut, maps, eyes, blink, settings, got, area, total)
                for n in range(3):
                    total[n] *= total[3]
                move, sx, sy = total[3], p[SOURCE], p[SOURCE + 1]
            else:
                move, sx, sy = np.float32(0), np.float32(0), np.float32(0)
                for n in range(4):
                    total[n] = 0
                for s in range(4):
                    i, j = y + s // 2, x + s % 2
                    if ids[i, j] < 0:
                        continue
                    for n in range(COLUMNS):
                        p[n] = 0
                    _mean(ids, bary, triangles, points, i, j, one, p)
                    _shade(kinds[ids[i, j]], p, photo, shut, maps, eyes, blink, settings, got, area, colour)
                    share = np.float32(0.25) * colour[3]
                    for n in range(3):
                        total[n] += share * colour[n]
                    total[3] += share
                    # As if it had been looked up in the pixel's middle.
                    sx += share * (p[SOURCE] - np.float32(0.5) * (j - x) + np.float32(0.25))
                    sy += share * (p[SOURCE + 1] - np.float32(0.5) * (i - y) + np.float32(0.25))
                    move += share
                if move > 0:
                    sx, sy = sx / move, sy / move
            i, j = row + top, column + left
            if i < 0 or j < 0 or i >= out.shape[0] or j >= out.shape[1]:
                continue
            shown[i, j] = (kind + 1 if even else 0) if whole else _MIXED
            if settings[11] > 0 and flow[i, j, 0] > 0:
                _look(maps, flow[i, j, 0], flow[i, j, 1], area, 7, 1)
                for n in range(4):
                    total[n] *= one - area[0]
            rest = one - total[3]
            for n in range(3):
                out[i, j, n] = out[i, j, n] * rest + total[n]
            out[i, j, 3] = max(out[i, j, 3], total[3])
            flow[i, j, 0] = flow[i, j, 0] * rest + sx * total[3]
            flow[i, j, 1] = flow[i, j, 1] * rest + sy * total[3]


@fast
def soften(
    first: int, stop: int, left: int, right: int, sharp: float, shown: np.ndarray, made: np.ndarray, soft: np.ndarray
) -> None:
    """Make edges between lids and eyes, and between lips, teeth and what is dark behind them, as soft as the photo is,
    in rows *first* to *stop* and columns *left* to *right* of *made* [H, W, 4].

    *sharp* is the standard deviation of a Gaussian in pixels; *shown* uint8 [H, W] are the kinds that `face` wrote;
    *soft* [H, W, 3] is overwritten.
    """
    weight = np.empty(_REACH + 1, np.float32)
    for n in range(_REACH + 1):
        weight[n] = np.float32(np.exp(-0.5 * n * n / (sharp * sharp)))
    low, high = max(first, _REACH), min(stop, made.shape[0] - _REACH)
    near, far = max(left, _REACH), min(right, made.shape[1] - _REACH)
    kinds = np.uint8(_MARKED - 1)
    for y in range(low, high - 1):
        for x in range(near, far - 1):
            a, b, c = shown[y, x] & kinds, shown[y, x + 1] & kinds, shown[y + 1, x] & kinds
            if a == _MIXED or (a > 0 and ((b > 0 and a != b) or (c > 0 and a != c))):
                for i in range(max(y - 1, low), min(y + 2, high)):
                    for j in range(max(x - 1, near), min(x + 2, far)):
                        shown[i, j] |= np.uint8(_MARKED)
    for y in range(low, high):
        for x in range(near, far):
            if shown[y, x] < _MARKED:
                continue
            total = np.float32(0)
            for n in range(3):
                soft[y, x, n] = 0
            for dy in range(-_REACH, _REACH + 1):
                for dx in range(-_REACH, _REACH + 1):
                    share = weight[abs(dy)] * weight[abs(dx)]
                    total += share
                    for n in range(3):
                        soft[y, x, n] += share * made[y + dy, x + dx, n]
            for n in range(3):
                soft[y, x, n] /= total
    for y in range(low, high):
        for x in range(near, far):
            if shown[y, x] >= _MARKED:
                for n in range(3):
                    made[y, x, n] = soft[y, x, n]


@fast
def finish(first: int, stop: int, made: np.ndarray, flow: np.ndarray, missing: np.ndarray, reach: float,
           out: np.ndarray) -> None:  # fmt: skip
    """Rows of *made* [H, W, 4] -> bytes *out* [H, W, 3 or 4]. Where a place has hardly moved, *missing* [H, W, 3], what
    the layers lack of the photo, is added: what keeps still is the photo. *reach* in pixels."""
    got = np.empty(3, np.float32)
    for y in range(first, stop):
        for x in range(made.shape[1]):
            dx, dy = flow[y, x, 0] - x - np.float32(0.5), flow[y, x, 1] - y - np.float32(0.5)
            squares = dx * dx + dy * dy
            away = squares / (reach * reach)
            share = np.float32(np.exp(-away)) if away < 12 else np.float32(0)
            if squares < 0.01:
                # At rest to within what perspective does inside of a triangle.
                share = np.float32(1)
                for c in range(3):
                    got[c] = missing[y, x, c]
            elif share > 0:
                _look(missing, flow[y, x, 0], flow[y, x, 1], got, 0, 3)
            for c in range(3):
                value = made[y, x, c]
                if share > 0:
                    value += share * got[c]
                out[y, x, c] = np.uint8(min(max(value, np.float32(0)), np.float32(1)) * 255 + np.float32(0.5))
            if out.shape[2] == 4:
                out[y, x, 3] = np.uint8(min(max(made[y, x, 3], np.float32(0)), np.float32(1)) * 255 + np.float32(0.5))
