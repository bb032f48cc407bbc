import numpy as np

from vultus.person.subdivide import loop_matrix, split, subdivide_uv

TETRAHEDRON = [[0, 2, 1], [0, 1, 3], [1, 2, 3], [0, 3, 2]]
# A fan around vertex 4 with a border, and one loose triangle beside it.
PATCH = [[4, 0, 1], [4, 1, 2], [4, 2, 3], [4, 3, 0], [0, 5, 1], [6, 7, 8]]
MESH = np.array([*TETRAHEDRON, *(np.array(PATCH) + 4).tolist()], np.int32)
VERTICES = 14  # the last one belongs to no triangle


def reference(points: np.ndarray) -> dict[object, np.ndarray]:
    """Loop's rules with plain loops: old vertices by number, new ones by their edge."""
    across: dict[tuple[int, int], list[int]] = {}
    for a, b, c in MESH.tolist():
        for i, j, k in ((a, b, c), (b, c, a), (c, a, b)):
            across.setdefault((min(i, j), max(i, j)), []).append(k)
    out: dict[object, np.ndarray] = {}
    for (i, j), wings in across.items():
        middle = (points[i] + points[j]) / 2
        out[i, j] = middle if len(wings) == 1 else 0.75 * middle + 0.125 * (points[wings[0]] + points[wings[1]])
    for v in range(VERTICES):
        near = [e[0] + e[1] - v for e in across if v in e]
        border = [e[0] + e[1] - v for e, wings in across.items() if v in e and len(wings) == 1]
        if not near:
            out[v] = points[v]
        elif border:
            out[v] = 0.75 * points[v] + 0.125 * (points[border[0]] + points[border[1]])
        else:
            n = len(near)
            beta = 3 / 16 if n == 3 else 3 / (8 * n)
            out[v] = (1 - n * beta) * points[v] + beta * points[near].sum(axis=0)
    return out


def test_one_step_equals_loops_rules():
    points = np.random.default_rng(0).normal(size=(VERTICES, 3))
    fine = loop_matrix(MESH, VERTICES) @ points
    _, edges = split(MESH, VERTICES)
    wanted = reference(points)
    assert len(fine) == len(wanted)
    for v in range(VERTICES):
        np.testing.assert_allclose(fine[v], wanted[v], atol=1e-6)
    for e, (i, j) in enumerate(edges.tolist()):
        np.testing.assert_allclose(fine[VERTICES + e], wanted[i, j], atol=1e-6)


def test_a_flat_patch_stays_flat_and_keeps_its_winding_and_area():
    square = np.array([[0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0], [0.5, 0.5, 0]], float)
    fan = np.array([[4, 0, 1], [4, 1, 2], [4, 2, 3], [4, 3, 0]], np.int32)
    new, edges = split(fan, 5)
    middles = np.concatenate([square, square[edges].mean(axis=1)])
    a, b, c = middles[new].transpose(1, 0, 2)
    areas = np.cross(b - a, c - a)[:, 2] / 2
    assert (areas > 0).all()
    np.testing.assert_allclose(areas, 1 / 16)
    assert np.abs((loop_matrix(fan, 5) @ square)[:, 2]).max() == 0


def test_rows_sum_to_one():
    np.testing.assert_allclose(np.asarray(loop_matrix(MESH, VERTICES).sum(axis=1)).ravel(), 1, atol=1e-6)


def test_uvs_are_split_in_the_order_of_the_triangles():
    uv = np.random.default_rng(1).uniform(size=(VERTICES, 2)).astype(np.float32)
    fine, triangles = subdivide_uv(uv, MESH)
    np.testing.assert_array_equal(triangles, split(MESH, VERTICES)[0])
    centre = fine[triangles].mean(axis=1).reshape(4, -1, 2).mean(axis=0)
    np.testing.assert_allclose(centre, uv[MESH].mean(axis=1), atol=1e-6)
