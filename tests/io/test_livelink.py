"""The CSV of Live Link Face: the app's own form, an exact inverse, and what real files look like."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from vultus import channels as ch
from vultus import rotations
from vultus.errors import VultusError
from vultus.io import livelink, timecode
from vultus.motion import Motion, concatenate

APP_HEADER = (
    "Timecode,BlendShapeCount,EyeBlinkLeft,EyeLookDownLeft,EyeLookInLeft,EyeLookOutLeft,EyeLookUpLeft,EyeSquintLeft,"
    "EyeWideLeft,EyeBlinkRight,EyeLookDownRight,EyeLookInRight,EyeLookOutRight,EyeLookUpRight,EyeSquintRight,"
    "EyeWideRight,JawForward,JawRight,JawLeft,JawOpen,MouthClose,MouthFunnel,MouthPucker,MouthRight,MouthLeft,"
    "MouthSmileLeft,MouthSmileRight,MouthFrownLeft,MouthFrownRight,MouthDimpleLeft,MouthDimpleRight,"
    "MouthStretchLeft,MouthStretchRight,MouthRollLower,MouthRollUpper,MouthShrugLower,MouthShrugUpper,"
    "MouthPressLeft,MouthPressRight,MouthLowerDownLeft,MouthLowerDownRight,MouthUpperUpLeft,MouthUpperUpRight,"
    "BrowDownLeft,BrowDownRight,BrowInnerUp,BrowOuterUpLeft,BrowOuterUpRight,CheekPuff,CheekSquintLeft,"
    "CheekSquintRight,NoseSneerLeft,NoseSneerRight,TongueOut,HeadYaw,HeadPitch,HeadRoll,LeftEyeYaw,LeftEyePitch,"
    "LeftEyeRoll,RightEyeYaw,RightEyePitch,RightEyeRoll"
)


def random_motion(frames: int, seed: int = 0, fps: Fraction | int = 30, start: Fraction | int = 0) -> Motion:
    """Any shapes and eyes, but neck and head that together stay within what one rotation may be."""
    rng = np.random.default_rng(seed)
    low, high = ch.LOW.copy(), ch.HIGH.copy()
    low[ch.NECK], high[ch.NECK], low[ch.HEAD], high[ch.HEAD] = -0.3, 0.3, -0.3, 0.3
    return Motion(rng.uniform(low, high, (frames, len(ch.CHANNELS))).astype(np.float32), Fraction(fps), Fraction(start))


def check_inverse(read: Motion, motion: Motion) -> None:
    np.testing.assert_allclose(read.expression, motion.expression, atol=1e-4)
    head = rotations.to_matrix(rotations.compose(motion.neck, motion.head))
    np.testing.assert_allclose(rotations.to_matrix(read.head), head, atol=1e-4)
    np.testing.assert_allclose(read.eye_left, motion.eye_left, atol=1e-4)
    np.testing.assert_allclose(read.eye_right, motion.eye_right, atol=1e-4)
    assert not read.neck.any()
    assert not read.translation.any()
    assert not read.tongue.any()


def rows(path: Path) -> list[list[str]]:
    return [line.split(",") for line in path.read_text().splitlines()]


def test_header_is_the_app_s() -> None:
    assert ",".join(livelink.HEADER) == APP_HEADER
    assert len(livelink.HEADER) == 63


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    fps=st.sampled_from([12, 24, 25, 30, 50, 60, 120, Fraction(30000, 1001), Fraction(24000, 1001), Fraction(15, 2)]),
    seed=st.integers(0, 99),
    seconds=st.fractions(0, 86000, max_denominator=30),
)
def test_inverse_for_every_rate(tmp_path: Path, fps: Fraction, seed: int, seconds: Fraction) -> None:
    rate = timecode.nominal(Fraction(fps))
    start = Fraction(round(seconds * rate * 1000), rate * 1000)
    motion = random_motion(int(fps * 3), seed, fps, start)
    livelink.write(tmp_path / "a.csv", motion)
    read = livelink.read(tmp_path / "a.csv")
    assert (read.fps, read.start, len(read)) == (motion.fps, start, len(motion))
    check_inverse(read, motion)
    assert read.valid[:, ch.EXPRESSION].all()
    assert read.valid[:, ch.HEAD].all()
    for part in (ch.NECK, ch.TRANSLATION, ch.TONGUES):
        assert not read.valid[:, part].any()


def test_second_writing_has_the_same_bytes(tmp_path: Path) -> None:
    motion = random_motion(90, fps=Fraction(30000, 1001), start=Fraction(3723, 2))
    livelink.write(tmp_path / "a.csv", motion)
    once = livelink.read(tmp_path / "a.csv")
    livelink.write(tmp_path / "b.csv", once)
    twice = livelink.read(tmp_path / "b.csv")
    assert [r[0] for r in rows(tmp_path / "a.csv")] == [r[0] for r in rows(tmp_path / "b.csv")]
    np.testing.assert_allclose(once.data, twice.data, atol=1e-6)


@pytest.mark.parametrize(
    ("time", "rate", "text"),
    [
        (Fraction(0), 30, "00:00:00:00.000"),
        (Fraction(59, 60), 60, "00:00:00:59.000"),
        (Fraction(3661), 25, "01:01:01:00.000"),
        (Fraction(1001, 30000), 30, "00:00:00:01.001"),
        (1 - Fraction(1, 10**9), 30, "00:00:01:00.000"),
        (Fraction(86400), 30, "00:00:00:00.000"),
        (Fraction(1, 120), 120, "00:00:00:01.000"),
    ],
)
def test_timecode(time: Fraction, rate: int, text: str) -> None:
    assert timecode.write(time, rate) == text
    seconds, frames = timecode.parse(text)
    assert abs(seconds + frames / rate - time) % 86400 <= Fraction(1, 2000 * rate)


def test_directions(tmp_path: Path) -> None:
    """Looking to the person's left and down, as the app's recordings show it."""
    motion = Motion.of(30, frames=40, eye_left=[0.1, 0.3, 0], eye_right=[0.1, 0.36, 0], head=[0.2, 0.1, 0])
    livelink.write(tmp_path / "a.csv", motion)
    titles, first = rows(tmp_path / "a.csv")[:2]
    value = {name: float(cell) for name, cell in zip(titles[2:], first[2:], strict=True)}
    assert first[1] == "61"
    assert value["EyeLookOutLeft"] > 0.4
    assert value["EyeLookInRight"] > 0.5
    assert value["LeftEyeYaw"] == pytest.approx(-0.36, abs=0.01)
    assert value["RightEyeYaw"] == pytest.approx(-0.3, abs=0.01)
    assert value["LeftEyePitch"] == pytest.approx(0.1, abs=0.01)
    assert value["HeadPitch"] == pytest.approx(0.2, abs=0.01)
    assert value["HeadYaw"] == pytest.approx(-0.1, abs=0.01)


def test_a_recording_of_the_app(tmp_path: Path) -> None:
    """Numbers of a real recording: time of day counted in frames of 60, every second one kept, gaze up and left."""
    look = {
        "EyeLookOutLeft": 0.5030736923, "EyeLookUpLeft": 0.3807524741, "EyeLookInRight": 0.597068429,
        "EyeLookUpRight": 0.3733466268, "LeftEyeYaw": -0.3596782684, "LeftEyePitch": -0.1741501987,
        "LeftEyeRoll": 0.0618444942, "RightEyeYaw": -0.3029436469, "RightEyePitch": -0.1741401106,
        "RightEyeRoll": 0.052434884, "JawOpen": 0.0472944900,
    }  # fmt: skip
    cells = ",".join(f"{look.get(name, 0):.10f}" for name in livelink.HEADER[2:])
    codes = [
        f"12:21:{59 + i // 30}:{i % 30 * 2 + 6 - i // 10 * 0.001 - 0.405:06.3f}" for i in range(27)
    ]  # one row is missing
    codes += [f"12:22:00:{i * 2 + 1.592:06.3f}" for i in range(20)]
    text = "\ufeff" + APP_HEADER + "\r\n" + "".join(f"{code},61,{cells}\r\n" for code in codes) + "\r\n"
    (tmp_path / "a.csv").write_bytes(text.encode())
    motion = livelink.read(tmp_path / "a.csv")
    assert float(motion.fps) == pytest.approx(30, abs=0.01)
    assert len(motion) == 48
    assert (~motion.valid[:, ch.EXPRESSION].all(axis=1)).nonzero()[0].tolist() == [27]
    assert motion["jawOpen"][0] == pytest.approx(0.04729449)
    assert motion.eye_left[0, 1] == pytest.approx(0.30, abs=0.02)
    assert motion.eye_right[0, 1] == pytest.approx(0.36, abs=0.02)
    assert motion.eye_left[0, 0] == pytest.approx(-0.17, abs=0.02)
    assert motion["eyeLookOutLeft"][0] == pytest.approx(0.503, abs=0.03)
    assert motion["eyeLookInRight"][0] == pytest.approx(0.597, abs=0.03)


def edited(tmp_path: Path, motion: Motion, change: dict[str, list[str]] | None = None) -> tuple[Path, list[list[str]]]:
    livelink.write(tmp_path / "a.csv", motion)
    table = rows(tmp_path / "a.csv")
    for name, column in (change or {}).items():
        for row, cell in zip(table[1:], column, strict=True):
            row[table[0].index(name)] = cell
    return tmp_path / "a.csv", table


def save(path: Path, table: list[list[str]]) -> None:
    path.write_text("\n".join(",".join(row) for row in table) + "\n")


def test_old_files_without_pose_columns(tmp_path: Path) -> None:
    motion = random_motion(40)
    path, table = edited(tmp_path, motion)
    save(path, [row[:54] for row in table])
    read = livelink.read(path)
    np.testing.assert_allclose(read.expression, motion.expression, atol=1e-4)
    assert not read.valid[:, ch.HEAD].any()
    assert read.valid[:, ch.EYE_LEFT].all()


def test_angles_left_zero_by_other_tools_do_not_still_the_eyes(tmp_path: Path) -> None:
    motion = random_motion(40)
    zeros = ["0.0"] * 40
    path, table = edited(tmp_path, motion, {name: zeros for name in livelink.ANGLES if "Eye" in name})
    save(path, table)
    np.testing.assert_allclose(livelink.read(path).expression, motion.expression, atol=1e-4)


def test_values_out_of_range_and_empty_cells(tmp_path: Path) -> None:
    motion = Motion.of(30, frames=40)
    change = {"JawOpen": ["1.2"] + ["-0.01"] * 39, "CheekPuff": [""] + ["0.5"] * 39, "HeadYaw": ["9"] * 40}
    path, table = edited(tmp_path, motion, change)
    save(path, table)
    read = livelink.read(path)
    assert read["jawOpen"][:2].tolist() == [1, 0]
    assert not read.valid[0, ch.INDEX["cheekPuff"]]
    assert read.valid[1:, ch.INDEX["cheekPuff"]].all()


def test_dropped_frames_are_held_and_invalid(tmp_path: Path) -> None:
    motion = random_motion(100)
    path, table = edited(tmp_path, motion)
    save(path, table[:41] + table[46:])
    read = livelink.read(path)
    assert len(read) == 100
    np.testing.assert_allclose(read.expression[40:45], np.repeat(motion.expression[39:40], 5, axis=0), atol=1e-4)
    assert not read.valid[40:45].any()
    assert read.valid[45:, ch.EXPRESSION].all()
    np.testing.assert_allclose(read.expression[45:], motion.expression[45:], atol=1e-4)


def test_midnight(tmp_path: Path) -> None:
    motion = random_motion(90, start=86399)
    livelink.write(tmp_path / "a.csv", motion)
    read = livelink.read(tmp_path / "a.csv")
    assert (len(read), read.fps, read.start) == (90, 30, 86399)


def test_short_clips_need_the_rate(tmp_path: Path) -> None:
    motion = random_motion(5, fps=25)
    livelink.write(tmp_path / "a.csv", motion)
    with pytest.raises(VultusError, match="fps"):
        livelink.read(tmp_path / "a.csv")
    read = livelink.read(tmp_path / "a.csv", fps=25)
    assert (read.fps, len(read)) == (25, 5)
    check_inverse(read, motion)


def test_chunks_stream_to_the_same_bytes(tmp_path: Path) -> None:
    motion = random_motion(70, fps=Fraction(30000, 1001), start=Fraction(1, 3))
    taken = []

    def chunks() -> Iterator[Motion]:
        for i in range(0, 70, 9):
            taken.append(i)
            yield motion[i : i + 9]

    livelink.write(tmp_path / "a.csv", motion)
    livelink.write(tmp_path / "b.csv", chunks())
    assert (tmp_path / "a.csv").read_bytes() == (tmp_path / "b.csv").read_bytes()
    assert len(taken) == 8


def test_an_old_file_survives_a_failing_source(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("old")

    def chunks() -> Iterator[Motion]:
        yield random_motion(3)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        livelink.write(tmp_path / "a.csv", chunks())
    with pytest.raises(VultusError, match="rate"):
        livelink.write(tmp_path / "a.csv", [random_motion(3), random_motion(3, fps=25)])
    assert (tmp_path / "a.csv").read_text() == "old"
    assert len(list(tmp_path.iterdir())) == 1


@pytest.mark.parametrize(
    "text",
    [
        "a,b\n1,2\n",
        "Timecode,BlendShapeCount\n00:00:00:00.000,61\n",
        APP_HEADER + "\n",
        APP_HEADER + "\n00:00:00:00.000,61,0.5\n",
        APP_HEADER + "\n" + ",".join(["12"] * 63) + "\n",
        APP_HEADER + "\n00:00:00:00.000," + ",".join(["x"] * 62) + "\n",
        APP_HEADER.replace("Timecode", "Time") + "\n",
        "\x00\xff",
    ],
)
def test_other_files_are_told(tmp_path: Path, text: str) -> None:
    (tmp_path / "a.csv").write_bytes(text.encode("latin-1"))
    with pytest.raises(VultusError):
        livelink.read(tmp_path / "a.csv")


def test_absurd_span_is_refused(tmp_path: Path) -> None:
    path, table = edited(tmp_path, concatenate([random_motion(40), random_motion(2)]))
    table[-1][0] = "999:00:00:00.000"
    save(path, table)
    with pytest.raises(VultusError, match="span"):
        livelink.read(path, fps=1000)


def test_frames_without_a_face_are_left_out(tmp_path: Path) -> None:
    motion = Motion.of(25, jawOpen=np.linspace(0, 1, 60))
    valid = np.ones_like(motion.data, bool)
    valid[20:30] = False
    livelink.write(tmp_path / "a.csv", motion.replace(valid=valid))
    assert len((tmp_path / "a.csv").read_text().splitlines()) == 51
    back = livelink.read(tmp_path / "a.csv")
    assert len(back) == 60
    assert not back.valid[20:30].any()
    assert back.valid[30:, 0].all()
    with pytest.raises(VultusError, match="No frame"):
        livelink.write(tmp_path / "b.csv", motion.replace(valid=np.zeros_like(valid)))
    assert [p.name for p in tmp_path.iterdir()] == ["a.csv"]
