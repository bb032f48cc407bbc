import contextlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vultus.errors import VultusError
from vultus.person import faces
from vultus.person.attributes import ATTRIBUTES, PAIRED, UNPAIRED
from vultus.person.choices import CHOICES
from vultus.person.identity import Identity, parse_identity
from vultus.person.pack import load_pack
from vultus.person.shape import local_weights, phenotype_weights, rest


def test_a_seed_is_the_same_person_for_ever():
    person = Identity.from_seed(11)
    assert person == Identity.from_seed(11) == parse_identity("person:11")
    assert (person.age, person.eye_colour) == (69.5, "dark")
    assert parse_identity("person:seed=18446744073709551615") == Identity.from_seed(2**64 - 1)


def test_seeds_give_both_sexes_all_ages_and_ancestries():
    people = [Identity.from_seed(seed) for seed in range(300)]
    ages = np.array([person.age for person in people])
    assert ages.min() < 22
    assert ages.max() > 76
    assert 0.4 < np.mean([person.gender < 0.5 for person in people]) < 0.6
    main = [max(("african", "asian", "caucasian"), key=lambda name, p=person: getattr(p, name)) for person in people]
    assert all(0.25 < main.count(name) / 300 < 0.42 for name in set(main))
    assert len({person.hair_colour for person in people}) >= 6
    assert len({person.eye_colour for person in people}) == 6
    assert not any(person.stubble for person in people if person.gender > 0.5)
    shapes = [dict(person.shape) for person in people]
    men = np.array([person.gender < 0.5 for person in people])
    old = np.array([person.age > 65 for person in people])
    for name, most in (("jaw_width", men), ("eye_size", ~men), ("ear_lobe", old), ("eye_bag", old)):
        values = np.array([shape.get(name, 0.0) for shape in shapes])
        assert 0.15 < values.std() < 0.5
        assert values[most].mean() > values[~most].mean() + 0.15


def test_any_sixteen_in_a_row_are_of_all_ages_sexes_and_ancestries():
    for first in (0, 7, 10**9, 2**64):
        people = [Identity.from_seed(first + i) for i in range(16)]
        ages = np.sort([person.age for person in people])
        assert np.diff(ages).max() < 13
        assert ages[0] < 28
        assert ages[-1] > 70
        assert 6 <= sum(person.gender < 0.5 for person in people) <= 10
        for name in ("african", "asian", "caucasian"):
            assert 4 <= sum(getattr(person, name) > 0.6 for person in people) <= 7


def test_hair_beard_and_glasses_go_with_the_person():
    people = [Identity.from_seed(seed) for seed in range(600)]
    for name, words in CHOICES.items():
        assert {getattr(person, name) for person in people} == set(words)
    women, men = ([p for p in people if (p.gender > 0.5) == female] for female in (True, False))
    long = ("bob", "long_straight", "long_wavy", "ponytail", "bun", "braids")
    assert np.mean([p.hair in long for p in women]) > 0.4
    assert 0.01 < np.mean([p.hair in long for p in men]) < 0.15
    assert not any(p.hair in ("bald", "balding") or p.beard != "none" for p in women)
    assert not any(p.hair == "balding" for p in men if p.age < 40)
    assert all(p.african > 0.3 for p in people if p.hair == "afro")
    assert 0.15 < np.mean([p.glasses != "none" for p in people]) < 0.35
    assert all(p.hair_colour in ("iron", "grey", "white") for p in people if p.age > 78)


def test_words_override_the_seed():
    person = parse_identity("person: age=60, gender=female, nose_width=0.4, seed=4")
    base = Identity.from_seed(4)
    assert (person.age, person.gender, dict(person.shape)["nose_width"]) == (60, 1, 0.4)
    assert dict(person.shape)["nose_side"] == dict(base.shape)["nose_side"]
    assert dict(person.shape)["jaw_width"] != dict(base.shape)["jaw_width"]  # a woman's jaw now
    assert person.weight == base.weight
    assert parse_identity("person:african=1").skin_tone > parse_identity("person:caucasian=1").skin_tone + 0.3
    assert parse_identity("person:african=1,asian=1").african == 0.5
    assert parse_identity("person:hair=bald,gender=0.3").hair == "bald"
    assert parse_identity("person:") == Identity.from_seed(0)


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("person:nose_with=1", "nose_width"),
        ("person:age=5", "from 18 to 90"),
        ("person:age=old", "must be a number"),
        ("person:nose_width=nan", "out of range"),
        ("person:hair=mohawk", "short"),
        ("person:gender=femal", "female"),
        ("person:caucasian=0", "ancestry"),
        ("person:1,2", "no value"),
        ("person:age=30,age=40", "twice"),
        ("person:-4", "whole number"),
        ("photo.png", "person:SEED"),
    ],
)
def test_bad_words_are_told_in_one_line(text, part):
    with pytest.raises(VultusError) as error:
        parse_identity(text)
    assert part in str(error.value)
    assert "\n" not in str(error.value)


@given(st.text(max_size=40))
@settings(max_examples=60, deadline=None)
def test_any_text_gives_a_person_or_a_vultus_error(text):
    with contextlib.suppress(VultusError):
        parse_identity("person:" + text)


def test_a_paired_attribute_moves_both_sides_and_a_sided_one_its_own():
    pack = load_pack()
    both = local_weights(pack, Identity(shape=(("eye_size", 0.5), ("left_eye_size", -0.2))))
    weights = dict(zip(pack.local.names, both, strict=True))
    assert weights["left_eye_size+"] == pytest.approx(0.3)
    assert weights["right_eye_size+"] == pytest.approx(0.5)
    assert np.count_nonzero(both) == 2
    assert (local_weights(pack, Identity(shape=(("nose_width", -1.0),))) >= 0).all()
    assert len(ATTRIBUTES) == len(UNPAIRED) + 3 * len(PAIRED)


def test_phenotype_weights_are_a_partition():
    pack, weights = load_pack(), phenotype_weights(load_pack(), Identity.from_seed(5))
    for block in ("universal", "race"):
        rows = [i for i, name in enumerate(pack.phenotype.names) if name.startswith(block)]
        assert weights[rows].sum() == pytest.approx(1)
    assert all(w == 0 for n, w in zip(pack.phenotype.names, phenotype_weights(pack, Identity()), strict=True)
               if n.startswith(("height", "proportions")))  # fmt: skip


def test_attributes_do_what_their_names_say():
    pack = load_pack()
    vertices = len(pack.template)
    plain, _ = rest(pack, Identity(gender=0.0), vertices)
    wide, _ = rest(pack, Identity(gender=0.0, shape=(("mouth_width", 1.0),)), vertices)
    left, right = pack.landmarks["mouthCornerLeft"], pack.landmarks["mouthCornerRight"]
    assert wide[left, 0] - wide[right, 0] > plain[left, 0] - plain[right, 0] + 0.005
    tall, joints = rest(pack, Identity(gender=0.0, height=0.8), vertices)
    assert np.ptp(tall[:, 1]) > np.ptp(plain[:, 1]) + 0.1
    assert np.isfinite(joints).all()


def test_identities_are_checked_and_replaced():
    person = Identity(gender="female", shape={"jaw_width": 0.2, "nose_up": 0.0})
    assert (person.gender, person.shape) == (1.0, (("jaw_width", 0.2),))
    assert person.replace(age=50).age == 50
    assert hash(person.replace(age=50)) != hash(person)
    for bad in ({"age": float("nan")}, {"shape": {"nose": 1}}, {"seed": -1}, {"seed": 1.5}, {"african": -0.1}):
        with pytest.raises(VultusError):
            Identity(**bad)
    with pytest.raises(VultusError):
        Identity.from_seed(-1)


def test_forms_of_a_part_do_not_add_up_to_a_caricature():
    knife = dict.fromkeys((*UNPAIRED, *PAIRED), 0.0)
    narrow = ("nose_width", "nostril_width", "nose_base_width", "nose_middle_width", "nose_flare", "nose_volume")
    drawn_in = faces.bounded(knife | dict.fromkeys(narrow, -0.8))
    assert all(drawn_in[name] < 0 for name in narrow)
    assert sum(drawn_in[name] ** 2 for name in narrow) < 0.3 * sum(0.8**2 for _ in narrow)
    assert faces.bounded(knife | {"brow_height": -0.9})["brow_height"] > -0.3  # nobody scowls at rest
    mild = knife | {"nose_width": 0.3, "mouth_width": -0.2}
    assert faces.bounded(mild) == mild


def test_corners_of_the_eyes_lie_where_their_names_say():
    pack = load_pack()
    for side, sign in (("left_", 1), ("right_", -1)):
        for name, low, high in (("inner", 0.010, 0.025), ("outer", 0.040, 0.055)):
            shape = pack.local.dense(pack.local.names.index(f"{side}eye_{name}_corner_up+"), len(pack.template))
            most = int(np.abs(shape[:, 1]).argmax())
            assert shape[most, 1] > 0.001
            assert low < sign * pack.template[most, 0] < high
