"""What all painting kernels share: the numbers of colours, settings and channels, and how colours are laid on."""

from __future__ import annotations

import numpy as np

from vultus.person.jit import inner

# Rows of the palette handed to the kernels, each a colour.
SKIN, LIP, BROW, HAIR, IRIS, SHIRT = range(6)
# Entries of the settings vector.
SEED, STUBBLE, FRECKLES, AGE, MAKEUP, BROW_WEIGHT, REDNESS, LASHES = range(8)
# The same vector, about this skin alone: how deep its lines are beside what its age makes them, ...
FOREHEAD, CROWS, FROWN, FOLDS, BAGS, PLEATS = range(8, 14)
# ... the crease of the upper lid (depth in [0, 1], height over the eye's centre in metres), shade around the eyes,
# patchiness, marks of spots, melasma, eyeliner and rouge in [0, 1], and how dark forehead, cheeks and mouth's
# surroundings are, in [-1, 1].
CREASE, CREASE_Y, ORBIT, MOTTLE, MARKS, MELASMA, LINER, ROUGE, BROW_TONE, CHEEK_TONE, MOUTH_TONE = range(14, 25)
# Channels of the atlas.
HAIRY, GLOSS, SHINE, OPEN, SOFT = 3, 4, 5, 6, 7
EDGE = HAIRY  # skin and cloth keep there how far inside the cloth a place is
EDGE_FROM, EDGE_REACH = -0.004, 0.016  # metres inside the cloth at which that channel is 0, and more where it is full
HEM = 0.0055  # metres inside of its edge up to which shading, not the atlas, gives cloth its colour
HEM_ROWS = (8, 16)  # rows of the atlas whose last columns show that colour
CHANNELS = 8

# Centre and radius of the left eyeball, and heights of mouth and nose, in painter metres.
EYE_X, EYE_Y, EYE_Z, EYE_R = 0.03075, 0.7284, 0.1256, 0.01355
IRIS_R = 0.0057  # radius of the iris
PUPIL = 0.40  # radius of the painted pupil, in radii of the iris; shading scales it
MOUTH_Y = 0.6605


@inner
def mix(a: np.ndarray, r: float, g: float, b: float, w: float) -> None:
    """Lay a colour over *a* [3] with cover *w* in [0, 1]."""
    a[0] += (r - a[0]) * w
    a[1] += (g - a[1]) * w
    a[2] += (b - a[2]) * w


@inner
def tint(a: np.ndarray, r: float, g: float, b: float, w: float) -> None:
    """Multiply *a* [3] by a colour, with strength *w*."""
    a[0] *= 1 + (r - 1) * w
    a[1] *= 1 + (g - 1) * w
    a[2] *= 1 + (b - 1) * w


@inner
def bell(x: float, width: float) -> float:
    """A Gaussian bump: 1 at 0, 1/e at *width*."""
    t = x / width
    return np.exp(-t * t)
