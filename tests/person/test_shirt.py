import numpy as np

from vultus.person.identity import Identity
from vultus.person.mesh import build_mesh
from vultus.person.pack import load_pack
from vultus.person.shirt import CLEARANCE, fit_collar


def test_the_collar_follows_the_skin_and_nothing_else_moves():
    pack = load_pack()
    moved = pack.template + np.array([0, 0, 0.01], np.float32) * (pack.template[:, 1:2] > 0.55)
    collar = np.zeros(len(moved), bool)
    collar[np.unique(pack.triangles[pack.part == 11])] = True
    collar &= pack.template[:, 1] > 0.42
    moved[collar] = pack.template[collar]  # a shirt that its own shape left behind
    fitted = fit_collar(pack, moved)
    np.testing.assert_array_equal(fitted[~collar], moved[~collar])
    top = collar & (pack.template[:, 1] > 0.59)
    still = fit_collar(pack, pack.template)
    assert (fitted[top, 2] - still[top, 2] > 0.008).all()
    off = np.linalg.norm(still - pack.template, axis=1)
    np.testing.assert_allclose(off[top], CLEARANCE, atol=1e-5)
    assert off.max() < CLEARANCE + 1e-5


def test_wide_necks_stay_inside_their_shirts():
    shape = {"neck_girth": 0.5, "double_chin": 0.6, "neck_forward": 0.4}
    for person in (Identity(gender=0.0, shape=shape), Identity.from_seed(7), Identity.from_seed(11)):
        mesh = build_mesh(person)
        # In front of the neck, just below the collar: how far the shirt lies before the skin.
        ahead = []
        for part in ("shirt", "skin"):
            band = mesh.part_vertices(part)
            place = mesh.rest[band]
            band = band[(np.abs(place[:, 0]) < 0.02) & (place[:, 1] > 0.55) & (place[:, 1] < 0.59) & (place[:, 2] > 0)]
            ahead.append(mesh.neutral[band, 2].mean())
        assert ahead[0] > ahead[1] + 0.003
