"""What the parts of speech-driven systems promise, each against a plain reference or its own definition."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from vultus import channels as ch  # noqa: E402
from vultus.errors import VultusError  # noqa: E402
from vultus.parts.motion import conditions, heads, spaces, temporal, windows  # noqa: E402

torch.set_num_threads(1)


def seeded() -> None:
    torch.manual_seed(0)


def test_alibi_falls_with_the_distance_on_both_sides() -> None:
    bias = temporal.alibi(torch.tensor([[0, 1, 5]]), 2)
    assert bias.shape == (1, 2, 3, 3)
    torch.testing.assert_close(bias, bias.transpose(2, 3))
    assert bias[0, 0, 0].tolist() == [0.0, -1 / 16, -5 / 16]
    stepped = temporal.alibi(torch.arange(6)[None], 1, period=3)[0, 0, 0]
    assert stepped[0] == stepped[2] > stepped[3] == stepped[5]


def test_aligned_attention_sees_its_own_frames_and_always_one() -> None:
    bias = temporal.aligned(torch.tensor([[2.0, 9.0]]), torch.arange(5.0)[None], 1.0)[0, 0]
    assert bias[0].isfinite().tolist() == [False, True, True, True, False]
    assert bias[1].isfinite().tolist() == [False, False, False, False, True]


def test_attention_is_torchs_own() -> None:
    seeded()
    ours = temporal.Attention(8, 2)
    theirs = torch.nn.MultiheadAttention(8, 2, batch_first=True)
    with torch.no_grad():
        theirs.in_proj_weight.copy_(torch.cat([ours.ask.weight, ours.tell.weight]))
        theirs.in_proj_bias.copy_(torch.cat([ours.ask.bias, ours.tell.bias]))
        theirs.out_proj.weight.copy_(ours.leave.weight)
        theirs.out_proj.bias.copy_(ours.leave.bias)
    x, memory = torch.randn(2, 5, 8), torch.randn(2, 7, 8)
    torch.testing.assert_close(ours(x, memory), theirs(x, memory, memory)[0], atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("inject", ["none", "add", "concat", "film"])
@pytest.mark.parametrize("kind", ["encoder", "decoder", "tcn"])
def test_stacks_keep_their_shape_and_all_of_them_learns(kind: str, inject: str) -> None:
    seeded()
    made = {"kind": kind, "width": 8, "layers": 2, "heads": 2, "inject": inject, "vec": 0 if inject == "none" else 3}
    if kind == "tcn" and inject == "film":
        with pytest.raises(VultusError, match="Convolutions"):
            temporal.TemporalStack(**made)
        return
    stack = temporal.TemporalStack(**made, memory=5, align=1.0) if kind == "decoder" else temporal.TemporalStack(**made)
    memory = torch.randn(2, 6, 5) if kind == "decoder" else None
    vec = torch.randn(2, 3) if inject != "none" else None
    out = stack(torch.randn(2, 6, 8), memory, vec)
    assert out.shape == (2, 6, 8)
    (out * torch.randn_like(out)).sum().backward()
    assert all(p.grad is not None for p in stack.parameters())
    with pytest.raises(VultusError, match="built for"):
        stack(torch.randn(2, 6, 8), memory, None if vec is not None else torch.randn(2, 3))


def test_frames_that_are_not_there_change_nothing() -> None:
    seeded()
    stack = temporal.TemporalStack("encoder", 8, layers=2, heads=2, bias="alibi").eval()
    x = torch.randn(1, 6, 8)
    mask = torch.tensor([[True] * 4 + [False] * 2])
    with torch.no_grad():
        torch.testing.assert_close(stack(x, mask=mask)[:, :4], stack(x[:, :4]))


def test_positions_are_frames_and_not_ranks() -> None:
    assert not torch.equal(temporal.places(torch.tensor([[0, 5]]), 8), temporal.places(torch.tensor([[0, 1]]), 8))
    at = torch.tensor([[3]])
    assert temporal.places(at, 4)[0, 0].tolist() == pytest.approx(
        [np.sin(3), np.cos(3), np.sin(0.03), np.cos(0.03)], abs=1e-5
    )


@pytest.fixture
def who() -> conditions.Conditions:
    seeded()
    return conditions.Conditions(
        {"speaker": conditions.Condition(4, ("ann", "bob"), drop=0.5), "pose": conditions.Condition(3, size=2)}
    )


def test_nobody_stands_in_for_what_is_missing(who: conditions.Conditions) -> None:
    who.eval()
    out = who({"speaker": torch.tensor([0, -1])}, 2)
    assert not torch.equal(out["speaker"][0], out["speaker"][1])
    torch.testing.assert_close(out["speaker"][1], who.nobody["speaker"])
    torch.testing.assert_close(out["pose"], who.nobody["pose"].expand(2, -1))
    gone = who({"pose": torch.tensor([[torch.nan, 0.0], [1.0, 0.0]])}, 2)["pose"]
    torch.testing.assert_close(gone[0], who.nobody["pose"])
    assert not torch.equal(gone[1], who.nobody["pose"])


def test_conditions_are_dropped_in_training_only(who: conditions.Conditions) -> None:
    given = {"speaker": torch.zeros(400, dtype=torch.int64)}
    who.train()
    dropped = (who(given, 400)["speaker"] == who.nobody["speaker"]).all(1).float().mean()
    assert 0.4 < dropped < 0.6
    who.eval()
    assert not (who(given, 400)["speaker"] == who.nobody["speaker"]).all(1).any()


def test_conditions_swap_and_are_overridden(who: conditions.Conditions) -> None:
    given = {"speaker": torch.tensor([0, 1]), "pose": torch.tensor([[1.0, 2.0], [3.0, 4.0]])}
    swapped = conditions.swapped(given, ["speaker"], torch.tensor([1, 0]))
    assert swapped["speaker"].tolist() == [1, 0]
    assert swapped["pose"] is given["pose"]
    assert conditions.overridden(given, speaker=torch.tensor([1, 1]))["speaker"].tolist() == [1, 1]
    with pytest.raises(VultusError, match="speaker"):
        conditions.overridden(given, speaker=torch.tensor([1]))
    assert (who.number("speaker", "bob"), who.number("speaker", None)) == (1, -1)
    with pytest.raises(VultusError, match="bob"):
        who.number("speaker", "bop")


@pytest.mark.parametrize(
    ("total", "length", "overlap"), [(5, 10, 3), (10, 10, 3), (11, 10, 3), (100, 20, 5), (7, 3, 0)]
)
def test_windows_cover_everything_and_fade(total: int, length: int, overlap: int) -> None:
    firsts = windows.starts(total, length, overlap)
    ends = [min(first + length, total) for first in firsts]
    assert (firsts[0], ends[-1]) == (0, total)
    assert all(end - after >= overlap for end, after in zip(ends, firsts[1:], strict=False))
    truth = np.arange(total, dtype=np.float32)[:, None]
    pieces = list(windows.joined(lambda a, b: truth[a:b], total, length, overlap))
    np.testing.assert_allclose(np.concatenate(pieces), truth, rtol=1e-6)
    uneven = np.concatenate(list(windows.joined(lambda a, b: truth[a:b] * 0 + a, total, length, overlap)))
    assert (np.diff(uneven[:, 0]) >= -1e-5).all()
    with pytest.raises(VultusError, match="overlap"):
        windows.starts(10, 5, 5)


def test_context_holds_the_ends() -> None:
    rows = np.arange(4, dtype=np.float32)[:, None]
    assert windows.context(rows, 1)[..., 0].tolist() == [[0, 0, 1], [0, 1, 2], [1, 2, 3], [2, 3, 3]]


def test_heads_begin_at_zero_and_are_apart() -> None:
    head = heads.MultiHead(8, {"arkit": 52, "voca": 5})
    assert head(torch.randn(2, 3, 8), "voca").abs().max() == 0
    head(torch.randn(2, 3, 8), "voca").sum().backward()
    assert head.heads["arkit"].weight.grad is None
    with pytest.raises(VultusError, match="arkit"):
        head(torch.randn(2, 3, 8), "arkitt")


def random_data(frames: int) -> np.ndarray:
    rng = np.random.default_rng(0)
    data = np.zeros((frames, len(ch.CHANNELS)), np.float32)
    data[:, list(spaces.SHAPES)] = rng.uniform(0, 0.4, (frames, len(spaces.SHAPES)))
    return data


def test_shapes_come_back_and_move_the_mesh() -> None:
    from vultus.motion import LOOK
    from vultus.person.identity import parse_identity
    from vultus.person.mesh import build_mesh

    mesh = build_mesh(parse_identity("person:0"), corrected=False)
    rows = np.arange(0, len(mesh.neutral), 400)
    columns = [column for column in spaces.SHAPES if column not in LOOK]
    space = spaces.ShapeSpace(columns, len(rows))
    data = random_data(30)
    data[:, list(LOOK)] = 0
    space.fit(data, mesh, rows)
    x = space.encode(torch.from_numpy(data))
    assert abs(x.mean()) < 1e-4
    motion = space.motion(x.numpy(), 25)
    np.testing.assert_allclose(motion.data, data, atol=1e-5)
    assert motion.valid[:, columns].all()
    assert not motion.valid[:, ch.INDEX["headRotationX"]].any()
    moved = (mesh.evaluate(data) - mesh.neutral)[:, rows] * 1000
    # The eyeballs and lids slide as no sum of shapes does; everything else is linear without corrections.
    linear = space.offsets(torch.from_numpy(data)).numpy()
    assert np.quantile(np.abs(linear - moved), 0.95) < 0.05
    with pytest.raises(VultusError, match="vertices"):
        space.fit(data, mesh, rows[:-1])


def test_vertices_are_reduced_and_come_back() -> None:
    rng = np.random.default_rng(1)
    offsets = (rng.normal(size=(40, 3)) @ rng.normal(size=(3, 30))).reshape(40, 10, 3).astype(np.float32) + 1
    space = spaces.VertexSpace(10, 3)
    space.fit(offsets)
    x = space.encode(torch.from_numpy(offsets))
    assert x.shape == (40, 3)
    torch.testing.assert_close(space.vertices(x), torch.from_numpy(offsets), atol=1e-4, rtol=1e-4)
    assert x[:, 0].std(correction=0) == pytest.approx(1, rel=1e-3)
    again = spaces.VertexSpace(10, 3)
    again.fit(offsets)
    torch.testing.assert_close(again.basis, space.basis)
    whole = spaces.VertexSpace(10, None)
    whole.fit(offsets)
    torch.testing.assert_close(whole.vertices(whole.encode(torch.from_numpy(offsets))), torch.from_numpy(offsets))
    with pytest.raises(VultusError, match="components"):
        spaces.VertexSpace(10, 3).fit(offsets[:2])
