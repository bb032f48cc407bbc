"""The people that seeds stand for: plausible draws of body, face, hair and clothes.

Every draw depends on seed and name alone, so that a new one never shifts the others. Age, sex, ancestry and the traits
that tell people apart most step evenly through the seeds, so that any few people in a row are of all ages, sexes and
ancestries, and none of them is another's double; the other draws are hashes.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from statistics import NormalDist
from typing import Any, Final

from vultus.person import faces
from vultus.person.attributes import PAIRED, SIDES, UNPAIRED
from vultus.person.choices import PATTERNS, SHIRT_COLOURS

ANCESTRIES: Final = ("african", "asian", "caucasian")
YOUNGEST, OLDEST = 18.0, 90.0

SPREAD: Final = 0.2  # standard deviation of a local attribute where faces.WIDE and faces.MILD have no other
ASYMMETRY: Final = 0.045
OWN: Final = 0.5  # of the shape that is nobody else's; all of it parts people better and looks like caricatures
# Shifts of whole parts make faces crooked or break the neck line before they make them different.
SHIFTS: Final = ("head_forward", "head_up", "neck_forward", "neck_up")
CALM: Final = frozenset((*SHIFTS, *(name for name in UNPAIRED if name.endswith("_side"))))
# Steps of the additive sequence of three dimensions that fills space most evenly (Roberts 2018): powers of the root
# of x^4 = x + 1.
_ROOT: Final = 1.2207440846057596
# Steps of what else tells people apart most, by the names of the draws. They were searched for, so that any 64 seeds in
# a row keep as far from each other as they can: in a sequence of fixed steps two people differ in every trait by what
# the distance of their seeds says, so 63 distances are to be kept large instead of 2016, and where age, sex and
# ancestry come near to each other the other steps part them. No two steps lie within 0.007 of each other (traits would
# go together), none within 0.02 / q of a fraction p / q, q <= 8 (a few values would repeat).
_TRAITS: Final[dict[str, float]] = {
    "nose_tip_up": 0.1705, "nose_length": 0.6911, "chin_height": 0.6519, "nose_hump": 0.0675,
    "lower_lip_height": 0.8931, "nostril_angle": 0.2897, "nose_base_up": 0.6372, "nose_forward": 0.6831,
    "brow_forward": 0.4397, "eye_spacing": 0.098, "nose_width": 0.8677, "nose_up": 0.4701, "nose_curve": 0.2147,
    "head_angle": 0.05, "head_width": 0.4256, "mouth_up": 0.2729, "head_height": 0.2974, "brow thickness": 0.1181,
    "mouth_width": 0.6442, "eye_size": 0.3701, "nose": 0.3777, "outline": 0.4173, "eyes": 0.7753, "mouth": 0.4851,
    "ancestry share": 0.387, "ancestry rest": 0.2322, "hair": 0.2802, "beard": 0.758, "glasses": 0.4593,
    "eye colour": 0.5219, "skin": 0.9427, "brow arch": 0.593, "brow height": 0.2066, "brow start": 0.2618,
    "brow colour": 0.1942, "weathered": 0.0749,
}  # fmt: skip
_EVEN: Final = {name: _ROOT ** -(i + 1) for i, name in enumerate(("age", "ancestry", "gender"))} | _TRAITS
_STEPS: Final = {name: int(step * 2**64) for name, step in _EVEN.items()}
"""In units of 2^-64, so that any seed is exact."""


def uniform(seed: int, name: str) -> float:
    """A number in (0, 1) that depends on seed and name alone; the most telling traits step evenly through the seeds."""
    if name in _STEPS:
        return ((((seed + 1) * _STEPS[name]) % 2**64 >> 16) + 0.5) / 2**48
    digest = hashlib.sha256(f"vultus.person:{seed}:{name}".encode()).digest()
    return (int.from_bytes(digest[:6], "big") + 0.5) / 2**48


def gauss(seed: int, name: str, spread: float) -> float:
    """Normal with this standard deviation, cut at 2.5 of them; rounded so that no math library changes it."""
    z = NormalDist().inv_cdf(uniform(seed, name))
    return round(min(max(z, -2.5), 2.5) * spread, 5)


def between(seed: int, name: str, low: float, high: float) -> float:
    """Uniform in [low, high]."""
    return round(low + (high - low) * uniform(seed, name), 5)


def pick(seed: int, name: str, options: Mapping[str, float]) -> str:
    """One of the options, with probabilities in proportion to their weights >= 0."""
    x = uniform(seed, name) * sum(options.values())
    for option, weight in options.items():
        x -= weight
        if x < 0:
            return option
    return list(options)[-1]


def phenotype(seed: int) -> dict[str, float]:
    """Age, sex, build and ancestry shares: both sexes, all ages and ancestries alike."""
    female = uniform(seed, "gender") < 0.5
    # One person in ten lies between the sexes, the others near one of them.
    unclear = uniform(seed, "gender unclear") < 0.1
    away = between(seed, "gender distance", 0.25, 0.4) if unclear else between(seed, "gender distance", 0.0, 0.1)
    main = ANCESTRIES[int(3 * uniform(seed, "ancestry"))]
    share = 1 - 0.48 * uniform(seed, "ancestry share") ** 3
    split = uniform(seed, "ancestry rest")
    others = [name for name in ANCESTRIES if name != main]
    values = {main: share, others[0]: (1 - share) * split, others[1]: (1 - share) * (1 - split)}
    return {
        "age": round(YOUNGEST + (80.0 - YOUNGEST) * uniform(seed, "age"), 1),
        "gender": round(1 - away if female else away, 5),
        "muscle": 0.5 + gauss(seed, "muscle", 0.14),
        "weight": 0.5 + gauss(seed, "weight", 0.17),
        "height": 0.5 + gauss(seed, "height", 0.045),
        "proportions": 0.4 + gauss(seed, "proportions", 0.12),
        **{name: round(value, 6) for name, value in values.items()},
    }


def local_shape(seed: int, body: Mapping[str, float]) -> dict[str, float]:
    """Values of the local shape attributes that go with a phenotype: its tendency, forms of the parts, and chance."""
    spread = dict.fromkeys((*UNPAIRED, *PAIRED), SPREAD) | faces.WIDE | faces.MILD | dict.fromkeys(CALM, 0.04)
    values = {name: gauss(seed, name, deviation) for name, deviation in spread.items()}
    parts = [faces.tendency(body)]
    for kind, forms in faces.KINDS.items():
        form = forms[pick(seed, kind, dict.fromkeys(forms, 1.0))]
        share = between(seed, f"{kind} share", 0.6, 1.2)
        parts.append({name: share * value for name, value in form.items()})
    for part in parts:
        for name, value in part.items():
            values[name] += value
    asymmetry = {side + name: gauss(seed, side + name, ASYMMETRY) for name in PAIRED for side in SIDES}
    return faces.bounded(values) | asymmetry


def _hair(age: float, male: bool, african: float, asian: float) -> dict[str, float]:
    """Weights of the hair styles."""
    old, young = max(0.0, (age - 40) / 40), max(0.0, (50 - age) / 30)
    tight = african**2  # how often hair is so curled that it stands
    loose, afro = 1 - tight, max(0.0, tight - 0.1)
    if male:
        return {
            "bald": 0.15 + 0.6 * old + 0.3 * tight, "balding": 1.8 * old, "buzz": 0.5 + 1.4 * tight,
            "short": 1.3, "side_part": 1.5 * loose, "swept_back": 1.2 * loose, "fringe": 0.7 * young * loose,
            "long_straight": 0.15 * loose, "long_wavy": 0.15 * loose, "curly": 0.6 + 0.5 * tight - 0.5 * asian,
            "afro": 1.0 * afro, "ponytail": 0.15 * loose, "bun": 0.1, "braids": 0.7 * tight * young,
            "undercut": 1.0 * young,
        }  # fmt: skip
    return {
        "buzz": 0.15 + 0.6 * tight, "short": 0.3 + 1.2 * old, "side_part": 0.2 + 0.6 * old * loose,
        "swept_back": 0.2 + 0.2 * old, "fringe": 0.9 * loose, "bob": 1.6 * loose + 0.3,
        "long_straight": 1.8 * loose * (1 - 0.5 * min(old, 1.0)), "long_wavy": 1.6 * loose, "curly": 0.9 + 0.6 * tight,
        "afro": 2.0 * afro, "ponytail": 0.7 + 0.5 * young, "bun": 0.9, "braids": 1.5 * tight + 0.15 * young,
        "undercut": 0.25 * young,
    }  # fmt: skip


def _face_hair(seed: int, age: float, clearly_male: bool) -> dict[str, Any]:
    if not clearly_male:
        return {"beard": "none", "stubble": 0.0}
    grown = {"none": 1.6, "stubble": 0.9, "moustache": 0.3, "goatee": 0.35, "short_beard": 0.7, "full_beard": 0.45}
    if age < 22:
        grown |= {"full_beard": 0.05, "moustache": 0.1, "goatee": 0.1}
    return {"beard": pick(seed, "beard", grown), "stubble": round(0.7 * uniform(seed, "stubble") ** 1.3, 5)}


def _clothes(seed: int, age: float, male: bool) -> dict[str, Any]:
    old = max(0.0, (age - 45) / 35)
    weights = {
        "crew": 1.2, "v_neck": 1.0, "scoop": 0.1 if male else 1.2, "tank_top": max(0.05, 0.4 - 0.4 * old),
        "turtleneck": 0.6, "shirt": 1.2 + 0.6 * old, "blazer": 0.9, "hoodie": max(0.1, 0.9 - old),
    }  # fmt: skip
    neckline = pick(seed, "neckline", weights)
    patterned = neckline in ("crew", "shirt", "scoop", "v_neck") and uniform(seed, "patterned") < 0.35
    glasses = {"round": 1.0, "rectangular": 1.3, "half_rim": 0.7, "thin_metal": 1.0}
    wears = uniform(seed, "glasses") < 0.08 + 0.16 * min(max((age - 20) / 55, 0.0), 1.0)
    return {
        "neckline": neckline,
        "shirt_colour": pick(seed, "shirt", dict.fromkeys(SHIRT_COLOURS, 1.0)),
        "pattern": pick(seed, "pattern", dict.fromkeys(PATTERNS[1:], 1.0)) if patterned else "plain",
        "glasses": pick(seed, "glasses kind", glasses) if wears else "none",
    }


def appearance(seed: int, body: Mapping[str, float]) -> dict[str, Any]:
    """Hair, eyes, skin and clothes that go with a phenotype."""
    age, male = body["age"], body["gender"] < 0.5
    european = body["caucasian"]
    tone = 0.15 * european + 0.32 * body["asian"] + 0.78 * body["african"] + gauss(seed, "skin", 0.14)
    grey = 1 / (1 + math.exp(-(age - 55) / 5))
    hair = {
        "black": 3 - 2.6 * european, "dark": 1.0, "brown": 2.0 * european**3, "light_brown": 1.2 * european**3,
        "auburn": 0.5 * european**3, "ginger": 0.4 * european**3, "blond": 1.2 * european**3,
        "light_blond": 0.5 * european**3,
    }  # fmt: skip
    late = min(max((age - 55) / 20, 0.0), 1.0)
    old_hair = {"iron": 1.2 * (1 - late) + 0.1, "grey": 1.0, "white": 1.2 * late}
    eyes = {
        "dark": 3 - 2.7 * european, "brown": 1.5, "hazel": 0.9 * european**2, "green": 0.7 * european**2,
        "blue": 1.6 * european**2, "grey": 0.5 * european**2,
    }  # fmt: skip
    return {
        "own_shape": OWN,
        "skin_tone": round(min(max(tone, 0.0), 1.0), 5),
        "hair": pick(seed, "hair", _hair(age, male, body["african"], body["asian"])),
        "hair_colour": pick(seed, "hair colour", old_hair if uniform(seed, "grey") < grey else hair),
        "eye_colour": pick(seed, "eye colour", eyes),
        "brow_weight": between(seed, "brows", 0.4, 1.0) if male else between(seed, "brows", 0.15, 0.85),
        "lashes": between(seed, "lashes", 0.3, 0.7) if male else between(seed, "lashes", 0.6, 1.0),
        **_face_hair(seed, age, body["gender"] < 0.25),
        **_clothes(seed, age, male),
    }
