"""Names beside points: on nothing, and of all points."""

import numpy as np

from experiments.labelled_points import Labelled, box_of, labelled_points, offsets, overlap


def test_places_do_not_touch_the_point():
    dot = (100.0, 100.0)
    for offset in offsets(30.0):
        assert overlap(box_of(dot, offset, 30.0), (98, 98, 102, 102)) == 0


def test_what_two_boxes_share_by_hand():
    assert overlap((0, 0, 4, 4), (2, 3, 9, 9)) == 2
    assert overlap((0, 0, 1, 1), (2, 0, 3, 1)) == 0


def test_every_point_is_named_and_zeros_stand_in_their_strip(tmp_path):
    points = [
        Labelled("one", 0, 0.0, (-np.inf, 0.0), joined=True),
        Labelled("two", 1, 0.0, (-np.inf, 0.0)),
        Labelled("three", 2, 1.0, (-2.0, -1.0), joined=True),
        Labelled("four", 3, 1.001, (-2.0, -1.0)),
    ]
    for name in ("a.svg", "b.svg"):
        labelled_points(points, ("P", "Q"), "x", tmp_path / name)
    text = (tmp_path / "a.svg").read_text()
    assert text == (tmp_path / "b.svg").read_text()
    assert text.count("one, two") == 2  # once in each panel
    assert "P = 0" in text
    assert all(name in text for name in ("three", "four"))


def test_without_zeros_there_is_no_strip(tmp_path):
    labelled_points([Labelled("lone", 0, 1.0, (-3.0,))], ("P",), "x", tmp_path / "c.svg")
    assert "P = 0" not in (tmp_path / "c.svg").read_text()
