import io

import numpy as np
import pytest

from vultus.channels import ARKIT
from vultus.errors import VultusError
from vultus.person.attributes import ATTRIBUTES, TARGETS
from vultus.person.pack import PART_NAMES, card, load_pack, read_pack


def test_the_pack_matches_its_source_by_its_card():
    parity = card()["parity"]
    assert parity["people"] >= 32
    assert 0 < parity["max_mm"] <= parity["limit_mm"] == 0.1
    assert card()["licence"] == "CC0-1.0"
    assert card()["sizes"]["vertices"] == len(load_pack().template)


def test_numbers_point_into_their_arrays():
    pack = load_pack()
    assert pack.triangles.max() == len(pack.template) - 1
    assert pack.uv_triangles.max() == len(pack.uv) - 1
    assert set(np.unique(pack.part)) == set(range(len(PART_NAMES)))
    vertices, triangles, uvs = pack.bust
    assert pack.triangles[:triangles].max() == vertices - 1
    assert pack.uv_triangles[:triangles].max() == uvs - 1
    assert pack.uv.min() >= 0
    assert pack.uv.max() <= 1
    assert (pack.joint_parents < np.arange(len(pack.joint_names))).all()
    assert set(ATTRIBUTES) >= set(TARGETS)


def test_skin_weights_sum_to_one_and_fall():
    pack = load_pack()
    np.testing.assert_allclose(pack.skin_weights.sum(axis=1), 1, atol=1e-5)
    assert (np.diff(pack.skin_weights, axis=1) <= 0).all()


def test_expressions_are_all_of_arkit_and_move_something():
    block = load_pack().expression
    assert block.names == ARKIT
    for shape, name in enumerate(ARKIT):
        index, delta = block.sparse(shape)
        assert (np.diff(index) > 0).all(), name
        assert 1e-3 < np.abs(delta).max() < 0.05, name


def test_dense_is_sparse_cut_to_the_first_vertices():
    pack = load_pack()
    index, delta = pack.local.sparse(3)
    dense = pack.local.dense(3, len(pack.template))
    np.testing.assert_array_equal(dense[index], delta)
    assert np.count_nonzero(dense.any(axis=1)) == len(index)
    np.testing.assert_array_equal(pack.local.dense(3, 500), dense[:500])


def test_combine_sums_dense_shapes():
    pack = load_pack()
    weights = np.zeros(len(pack.local.names))
    weights[[2, 7]] = 0.5, -1.25
    offsets, joints = pack.local.combine(weights, 4000)
    wanted = 0.5 * pack.local.dense(2, 4000) - 1.25 * pack.local.dense(7, 4000)
    np.testing.assert_allclose(offsets, wanted, atol=1e-8)
    np.testing.assert_allclose(joints, 0.5 * pack.local.joints[2] - 1.25 * pack.local.joints[7], atol=1e-8)


def test_masks_show_lips_where_lips_are():
    pack = load_pack()
    assert {"lips", "insideMouth", "eyelids", "ears"} == set(pack.masks)
    for mask in pack.masks.values():
        assert mask.shape == (1024, 1024)
        assert 0.0005 < (mask > 128).mean() < 0.2
    lip = pack.landmarks["lipOuterLower"]
    corner = np.argwhere(pack.triangles == lip)[0]
    u, v = pack.uv[pack.uv_triangles[corner[0], corner[1]]]
    assert pack.masks["lips"][int((1 - v) * 1024), int(u * 1024)] > 128


def test_other_files_are_refused_in_one_line():
    with pytest.raises(VultusError, match="not a person pack"):
        read_pack(b"PK nonsense")
    buffer = io.BytesIO()
    np.savez(buffer, format=np.array("vultus.person"), version=np.array(99))
    with pytest.raises(VultusError, match="version 1"):
        read_pack(buffer.getvalue())
