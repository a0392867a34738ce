"""The camera of the draft engine: twelve moves, eased and combined."""

from dataclasses import astuple
from itertools import combinations

import numpy as np
import pytest

from filmgate.engines.draft import camera
from filmgate.engines.draft.camera import pose_at, roll_max
from filmgate.engines.draft.look import Move, Pose


def shot(*moves: Move, seed: int = 1, duration_s: float = 5.0) -> list[Pose]:
    return [pose_at(moves, k / 24, duration_s, seed) for k in range(int(duration_s * 24))]


@pytest.mark.parametrize("move", set(Move) - {Move.STATIC})
def test_every_move_moves(move: Move) -> None:
    poses = shot(move)
    assert astuple(poses[0]) != astuple(poses[-1])


def test_a_static_camera_stands_still() -> None:
    assert set(shot(Move.STATIC)) == {Pose()}


@pytest.mark.parametrize(
    ("move", "name", "sign"),
    [
        (Move.PUSH_IN, "dolly", 1),
        (Move.PULL_OUT, "dolly", -1),
        (Move.PAN_LEFT, "pan", -1),
        (Move.PAN_RIGHT, "pan", 1),
        (Move.TILT_UP, "tilt", 1),
        (Move.TILT_DOWN, "tilt", -1),
        (Move.CRANE, "y", 1),
        (Move.ZOOM, "zoom", 1),
    ],
)
def test_a_move_goes_the_way_it_says(move: Move, name: str, sign: int) -> None:
    steps = np.diff([getattr(pose, name) for pose in shot(move)])
    assert (steps * sign > 0).all()


@pytest.mark.parametrize("moves", [*combinations(Move, 2), tuple(Move)])
def test_any_combination_stays_within_what_scenes_paint(moves: tuple[Move, ...]) -> None:
    for k in range(0, 241, 10):
        pose = pose_at(moves, k / 24, 10, 7)
        assert max(abs(pose.x), abs(pose.y)) <= 0.12
        assert max(abs(pose.pan), abs(pose.tilt)) <= 0.15
        assert 0.95 <= pose.zoom <= 1.35
        assert -0.3 <= pose.dolly <= 0.4
        assert abs(pose.roll) <= roll_max(moves)


def test_a_hand_sways_and_a_seed_repeats_it() -> None:
    assert shot(Move.HANDHELD, seed=4) == shot(Move.HANDHELD, seed=4)
    assert shot(Move.HANDHELD, seed=4) != shot(Move.HANDHELD, seed=5)


def test_only_a_free_hand_rolls() -> None:
    assert roll_max((Move.HANDHELD,)) == camera.ROLL_MAX
    assert roll_max((Move.PUSH_IN, Move.HANDHELD)) == 0
    assert any(pose.roll for pose in shot(Move.HANDHELD))


def test_a_long_shot_makes_the_same_move_more_slowly() -> None:
    assert pose_at((Move.ZOOM,), 5, 5, 1) == pose_at((Move.ZOOM,), 10, 10, 1)
    assert pose_at((Move.ZOOM,), 2, 5, 1).zoom > pose_at((Move.ZOOM,), 2, 10, 1).zoom


def test_moves_are_smooth() -> None:
    for move in Move:
        poses = np.array([astuple(pose) for pose in shot(move)])
        assert np.abs(np.diff(poses, axis=0)).max() < 0.006
