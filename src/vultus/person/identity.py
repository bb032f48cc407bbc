"""Who a person is: phenotype, local shape and appearance, from a seed or from words.

The numbers come from MakeHuman's phenotypes (age, gender, muscle, weight, height, proportions, ancestry) and from
the named attributes of :mod:`vultus.person.attributes`. ``Identity.from_seed(11)`` is the same person in every
release, drawn by :mod:`vultus.person.draws`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from vultus.errors import VultusError, unknown
from vultus.person import draws
from vultus.person.attributes import ATTRIBUTES
from vultus.person.choices import CHOICES
from vultus.person.draws import ANCESTRIES, OLDEST, YOUNGEST

GENDERS: Final[dict[str, float]] = {"male": 0.0, "female": 1.0}
UNIT: Final = (
    "gender", "muscle", "weight", "height", "proportions", *ANCESTRIES, "skin_tone", "stubble", "brow_weight", "lashes",
    "own_shape",
)  # fmt: skip


@dataclass(frozen=True)
class Identity:
    """One adult. All fields are checked: VultusError names what is wrong.

    ``age`` in years, 18 to 90; ``gender`` 0 male to 1 female, or the words; ``muscle``, ``weight``, ``height`` and
    ``proportions`` 0 to 1 with 0.5 average (MakeHuman's units; 0 is ideal proportions); ancestry shares >= 0 that
    are normalised to sum to 1; ``shape``: (attribute, value in [-1, 1]) pairs, also accepted as a mapping;
    ``own_shape`` 0 to 1 how much of the shape that ``seed`` alone decides (:mod:`vultus.person.individual`);
    ``skin_tone`` 0 lightest to 1 darkest; ``stubble``, ``brow_weight`` and ``lashes`` 0 to 1; the words of
    hair, eyes, beard, glasses and clothes are those of :mod:`vultus.person.choices`; ``seed`` varies painted detail
    such as skin noise.
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
    own_shape: float = 0.0
    skin_tone: float = 0.4
    hair: str = "short"
    hair_colour: str = "dark"
    eye_colour: str = "brown"
    beard: str = "none"
    stubble: float = 0.0
    brow_weight: float = 0.7
    lashes: float = 0.7
    glasses: str = "none"
    neckline: str = "crew"
    shirt_colour: str = "charcoal"
    pattern: str = "plain"
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


def _person(seed: int, fields: dict[str, Any], shape: Mapping[str, Any]) -> Identity:
    """The person of a seed with some fields and attributes given; hair, eyes and skin go with the given phenotype."""
    phenotype = draws.phenotype(seed)
    if any(name in fields for name in ANCESTRIES):
        phenotype |= dict.fromkeys(ANCESTRIES, 0.0)
    given = Identity(**(phenotype | {name: fields[name] for name in phenotype if name in fields}))
    phenotype = {name: getattr(given, name) for name in phenotype}
    values: dict[str, Any] = draws.appearance(seed, phenotype) | fields | phenotype
    local = draws.local_shape(seed, phenotype) | {
        name: _number(name, value, -1.0, 1.0) for name, value in shape.items()
    }
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
