"""Who a person is: phenotype, local shape and appearance, from a seed or from words.

The numbers come from MakeHuman's phenotypes (age, gender, muscle, weight, height, proportions, ancestry) and from
the named attributes of :mod:`vultus.person.attributes`. ``Identity.from_seed(11)`` is the same person in every
release: every draw is a hash of seed and name, so new attributes never shift old ones.
"""

from __future__ import annotations

import dataclasses
import hashlib
import math
from collections.abc import Mapping
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any, Final

from vultus.errors import VultusError, unknown
from vultus.person.attributes import ATTRIBUTES, PAIRED, SIDES, UNPAIRED

Colour = tuple[float, float, float]

HAIR_STYLES: Final = ("short", "bald")
HAIR_COLOURS: Final[dict[str, Colour]] = {
    "black": (0.035, 0.025, 0.02), "dark": (0.07, 0.045, 0.03), "brown": (0.16, 0.095, 0.05),
    "auburn": (0.27, 0.11, 0.05), "blond": (0.45, 0.33, 0.17), "grey": (0.36, 0.35, 0.33), "white": (0.62, 0.61, 0.59),
}  # fmt: skip
"""Hair colours as sRGB in [0, 1]."""
EYE_COLOURS: Final[dict[str, Colour]] = {
    "dark": (0.10, 0.055, 0.03), "brown": (0.20, 0.12, 0.06), "hazel": (0.24, 0.19, 0.09),
    "green": (0.19, 0.25, 0.15), "blue": (0.20, 0.29, 0.36), "grey": (0.29, 0.32, 0.34),
}  # fmt: skip
"""Colours of the iris as sRGB in [0, 1]."""
SHIRT_COLOURS: Final[dict[str, Colour]] = {
    "black": (0.07, 0.07, 0.08), "charcoal": (0.18, 0.19, 0.21), "grey": (0.45, 0.46, 0.47),
    "white": (0.85, 0.85, 0.83), "navy": (0.10, 0.14, 0.26), "blue": (0.22, 0.36, 0.56), "teal": (0.12, 0.35, 0.36),
    "green": (0.20, 0.33, 0.20), "olive": (0.33, 0.32, 0.18), "red": (0.50, 0.13, 0.13), "wine": (0.32, 0.10, 0.16),
    "rust": (0.52, 0.27, 0.14), "sand": (0.68, 0.59, 0.45), "purple": (0.31, 0.20, 0.38),
}  # fmt: skip
"""Colours of the shirt as sRGB in [0, 1]."""
GENDERS: Final[dict[str, float]] = {"male": 0.0, "female": 1.0}
CHOICES: Final[dict[str, tuple[str, ...]]] = {
    "hair": HAIR_STYLES, "hair_colour": tuple(HAIR_COLOURS), "eye_colour": tuple(EYE_COLOURS),
    "shirt_colour": tuple(SHIRT_COLOURS),
}  # fmt: skip
ANCESTRIES: Final = ("african", "asian", "caucasian")
UNIT: Final = (
    "gender", "muscle", "weight", "height", "proportions", *ANCESTRIES, "skin_tone", "stubble", "brow_weight", "lashes",
)  # fmt: skip
YOUNGEST, OLDEST = 18.0, 90.0

SPREAD: Final = 0.2  # standard deviation of a local attribute; 0.45 gives caricatures
ASYMMETRY: Final = 0.04
# Shifts of whole parts make faces crooked or break the neck line before they make them different.
SHIFTS: Final = ("head_forward", "head_up", "neck_forward", "neck_up")
CALM: Final = frozenset((*SHIFTS, *(name for name in UNPAIRED if name.endswith("_side"))))
# These add up to heads taller and wider than any.
MILD: Final = frozenset(
    ("head_width", "head_height", "head_depth", "head_back", "forehead_height", "chin_height", "jaw_drop",
     "mouth_width", "eye_up", "nose_up", "mouth_up", "neck_length", "neck_height")
)  # fmt: skip


@dataclass(frozen=True)
class Identity:
    """One adult. All fields are checked: VultusError names what is wrong.

    ``age`` in years, 18 to 90; ``gender`` 0 male to 1 female, or the words; ``muscle``, ``weight``, ``height`` and
    ``proportions`` 0 to 1 with 0.5 average (MakeHuman's units; 0 is ideal proportions); ancestry shares >= 0 that
    are normalised to sum to 1; ``shape``: (attribute, value in [-1, 1]) pairs, also accepted as a mapping;
    ``skin_tone`` 0 lightest to 1 darkest; ``stubble``, ``brow_weight`` and ``lashes`` 0 to 1; ``seed`` varies
    painted detail such as skin noise.
    """

    age: float = 30.0
    gender: float = 0.5
    muscle: float = 0.5
    weight: float = 0.5
    height: float = 0.5
    proportions: float = 0.5
    african: float = 1 / 3
    asian: float = 1 / 3
    caucasian: float = 1 / 3
    shape: tuple[tuple[str, float], ...] = ()
    skin_tone: float = 0.4
    hair: str = "short"
    hair_colour: str = "dark"
    eye_colour: str = "brown"
    stubble: float = 0.0
    brow_weight: float = 0.7
    lashes: float = 0.7
    shirt_colour: str = "charcoal"
    seed: int = 0

    def __post_init__(self) -> None:
        values: dict[str, Any] = {"age": _number("age", self.age, YOUNGEST, OLDEST)}
        if isinstance(self.gender, str):
            values["gender"] = _gender(self.gender)
        for name in UNIT:
            values[name] = _number(name, values.get(name, getattr(self, name)), 0.0, 1.0)
        total = sum(values[name] for name in ANCESTRIES)
        if total <= 0:
            raise VultusError("The ancestry shares are all 0", "Give african, asian or caucasian a share above 0")
        # Dividing by a sum that rounding alone moved off 1 would make replace() drift.
        if abs(total - 1) > 1e-9:
            values |= {name: values[name] / total for name in ANCESTRIES}
        for name, known in CHOICES.items():
            if getattr(self, name) not in known:
                raise unknown(name.replace("_", " "), str(getattr(self, name)), known)
        if not isinstance(self.seed, int) or self.seed < 0:
            raise VultusError(f"The seed {self.seed!r} is not a whole number from 0 up")
        values["shape"] = _shape(self.shape)
        for name, value in values.items():
            object.__setattr__(self, name, value)

    @classmethod
    def from_seed(cls, seed: int) -> Identity:
        """A plausible adult: both sexes, all ages and ancestries alike; the same seed is the same person for ever."""
        if not isinstance(seed, int) or seed < 0:
            raise VultusError(f"The seed {seed!r} is not a whole number from 0 up")
        return _person(seed, {}, {})

    def replace(self, **changes: Any) -> Identity:
        """A copy with other fields."""
        return dataclasses.replace(self, **changes)


def _gender(word: str) -> float:
    if word in GENDERS:
        return GENDERS[word]
    if any(letter.isalpha() for letter in word):
        raise unknown("gender", word, GENDERS)
    return _number("gender", word, 0.0, 1.0)


def _number(name: str, value: Any, low: float, high: float) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError) as error:
        raise VultusError(f"{name} must be a number, not {value!r}") from error
    if not low <= number <= high:
        raise VultusError(f"{name} is {number:g}, out of range", f"Give a number from {low:g} to {high:g}")
    return number


def _shape(shape: Mapping[str, float] | tuple[tuple[str, float], ...]) -> tuple[tuple[str, float], ...]:
    values: dict[str, float] = {}
    for name, value in dict(shape).items():
        if name not in ATTRIBUTES:
            raise unknown("shape attribute", str(name), ATTRIBUTES)
        values[name] = _number(name, value, -1.0, 1.0)
    return tuple(sorted((name, value) for name, value in values.items() if value != 0))


def _uniform(seed: int, name: str) -> float:
    """A number in (0, 1) that depends on seed and name alone."""
    digest = hashlib.sha256(f"vultus.person:{seed}:{name}".encode()).digest()
    return (int.from_bytes(digest[:6], "big") + 0.5) / 2**48


def _gauss(seed: int, name: str, spread: float) -> float:
    """Normal with this standard deviation, cut at 2.5 of them; rounded so that no math library changes it."""
    z = NormalDist().inv_cdf(_uniform(seed, name))
    return round(min(max(z, -2.5), 2.5) * spread, 5)


def _between(seed: int, name: str, low: float, high: float) -> float:
    return round(low + (high - low) * _uniform(seed, name), 5)


def _pick(seed: int, name: str, options: Mapping[str, float]) -> str:
    """One of the options, with probabilities in proportion to their weights."""
    x = _uniform(seed, name) * sum(options.values())
    for option, weight in options.items():
        x -= weight
        if x < 0:
            return option
    return list(options)[-1]


def _phenotype(seed: int) -> dict[str, float]:
    female = _uniform(seed, "gender") < 0.5
    away = _between(seed, "gender distance", 0.0, 0.15)
    main = ANCESTRIES[int(3 * _uniform(seed, "ancestry"))]
    share = 1 - 0.3 * _uniform(seed, "ancestry share") ** 2
    split = _uniform(seed, "ancestry rest")
    others = [name for name in ANCESTRIES if name != main]
    values = {main: share, others[0]: (1 - share) * split, others[1]: (1 - share) * (1 - split)}
    return {
        "age": round(_between(seed, "age", YOUNGEST, 80.0), 1),
        "gender": 1 - away if female else away,
        "muscle": 0.5 + _gauss(seed, "muscle", 0.12),
        "weight": 0.5 + _gauss(seed, "weight", 0.13),
        "height": 0.5 + _gauss(seed, "height", 0.045),
        "proportions": 0.4 + _gauss(seed, "proportions", 0.12),
        **{name: round(value, 6) for name, value in values.items()},
    }


def _local(seed: int) -> dict[str, float]:
    spread = dict.fromkeys((*UNPAIRED, *PAIRED), SPREAD)
    spread |= dict.fromkeys(MILD, 0.5 * SPREAD) | dict.fromkeys(CALM, 0.25 * SPREAD)
    values = {name: _gauss(seed, name, deviation) for name, deviation in spread.items()}
    return values | {side + name: _gauss(seed, side + name, ASYMMETRY) for name in PAIRED for side in SIDES}


def _appearance(seed: int, phenotype: Mapping[str, float]) -> dict[str, Any]:
    """Hair, eyes and skin that go with a phenotype."""
    age, male = phenotype["age"], phenotype["gender"] < 0.5
    european = phenotype["caucasian"]
    tone = 0.12 * european + 0.30 * phenotype["asian"] + 0.80 * phenotype["african"] + _gauss(seed, "skin", 0.07)
    grey = 1 / (1 + math.exp(-(age - 62) / 6))
    hair = {"black": 3 - 2.4 * european, "dark": 1.0, "brown": 2.2 * european**3, "auburn": 0.4 * european**4,
            "blond": 1.2 * european**4}  # fmt: skip
    old_hair = {"grey": 1.0, "white": max(0.0, (age - 55) / 25)}
    eyes = {"dark": 3 - 2.7 * european, "brown": 1.5, "hazel": 0.9 * european**4, "green": 0.7 * european**4,
            "blue": 1.6 * european**4, "grey": 0.5 * european**4}  # fmt: skip
    bald = male and _uniform(seed, "bald") < 0.06 + 0.004 * max(0.0, age - 30)
    return {
        "skin_tone": round(min(max(tone, 0.0), 1.0), 5),
        "hair": "bald" if bald else "short",
        "hair_colour": _pick(seed, "hair colour", old_hair if _uniform(seed, "grey") < grey else hair),
        "eye_colour": _pick(seed, "eye colour", eyes),
        "stubble": _between(seed, "stubble", 0.0, 0.6) if male else 0.0,
        "brow_weight": _between(seed, "brows", 0.55, 0.95) if male else _between(seed, "brows", 0.4, 0.8),
        "lashes": _between(seed, "lashes", 0.3, 0.7) if male else _between(seed, "lashes", 0.6, 1.0),
        "shirt_colour": _pick(seed, "shirt", dict.fromkeys(SHIRT_COLOURS, 1.0)),
    }


def _person(seed: int, fields: dict[str, Any], shape: Mapping[str, Any]) -> Identity:
    """The person of a seed with some fields and attributes given; hair, eyes and skin go with the given phenotype."""
    phenotype = _phenotype(seed)
    if any(name in fields for name in ANCESTRIES):
        phenotype |= dict.fromkeys(ANCESTRIES, 0.0)
    given = Identity(**(phenotype | {name: fields[name] for name in phenotype if name in fields}))
    phenotype = {name: getattr(given, name) for name in phenotype}
    values: dict[str, Any] = _appearance(seed, phenotype) | fields | phenotype
    local = _local(seed) | {name: _number(name, value, -1.0, 1.0) for name, value in shape.items()}
    return Identity(**values, shape=tuple(local.items()), seed=seed)


FIELDS: Final = tuple(f.name for f in dataclasses.fields(Identity) if f.name != "shape")


def parse_identity(text: str) -> Identity:
    """``person:11`` or ``person:age=60,gender=female,nose_width=0.4,seed=3`` -> Identity.

    With keys, everything that is not named comes from the seed (0 when there is none). Naming some ancestry shares
    sets the others to 0. Raises VultusError with the nearest name for keys that do not exist.
    """
    kind, _, body = text.partition(":")
    if kind.strip() != "person":
        raise VultusError(f"{text!r} is not a person", "Write person:SEED or person:key=value,…, such as person:11")
    items = [item.strip() for item in body.split(",") if item.strip()]
    if len(items) == 1 and "=" not in items[0]:
        items = [f"seed={items[0]}"]
    fields: dict[str, Any] = {}
    shape: dict[str, Any] = {}
    for item in items:
        name, equals, value = (piece.strip() for piece in item.partition("="))
        if not equals:
            raise VultusError(f"{item!r} has no value", "Write key=value, such as age=60")
        if name in fields or name in shape:
            raise VultusError(f"{name} is given twice")
        if name in FIELDS:
            fields[name] = value
        elif name in ATTRIBUTES:
            shape[name] = value
        else:
            raise unknown("property of a person", name, (*FIELDS, *ATTRIBUTES))
    seed = fields.pop("seed", "0")
    if not (seed.isascii() and seed.isdigit()):
        raise VultusError(f"The seed {seed!r} is not a whole number from 0 up")
    return _person(int(seed), fields, shape)
