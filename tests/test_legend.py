"""Legends: only what is given, below the graph, nothing on anything else, long sentences in lines."""

from itertools import combinations

from markovgpt.graphs.legend import with_legend
from markovgpt.graphs.lettering import width_of
from markovgpt.graphs.placed_graph import KEY, Arrow, Node, PlacedGraph

GRAPH = PlacedGraph(tuple(Node(x, 0.0, "a") for x in (0.0, 4.0, 8.0)), ())
ENTRIES = [
    (Node(0, 0, "", doubled=True), "red"),
    (Node(0, 0, "", begin=180.0), "start"),
    *((Arrow(-1, -1, (), dashes=(1.0, 1.0)), f"token {k}") for k in range(9)),
]


def test_a_title_stands_above_and_all_else_below():
    drawn = with_legend(GRAPH, ENTRIES, title="What is shown", sentences=("", "Something is left out. " * 9))
    title, *rest = drawn.captions
    assert title.lines == ("What is shown",)
    assert title.box[2] > 0.5
    assert all(caption.box[3] < -0.5 for caption in rest)
    assert [" ".join(caption.lines) for caption in rest] == [text for _, text in ENTRIES] + [
        ("Something is left out. " * 9).strip()
    ]
    assert len(rest[-1].lines) > 1
    assert all(width_of(line, 7.5) <= 9.0 for line in rest[-1].lines)


def test_nothing_lies_on_anything():
    drawn = with_legend(GRAPH, ENTRIES, title="T", sentences=("one", "two"))
    boxes = [caption.box for caption in drawn.captions]
    for key in drawn.keys:
        if isinstance(key, Node):
            left = key.x - KEY / 2 - (0.55 if key.begin is not None else 0)
            boxes.append((left, key.x + KEY / 2, key.y - KEY / 2, key.y + KEY / 2))
        else:
            boxes.append((key.way[0][0], key.way[-1][0], key.way[0][1] - 0.1, key.way[0][1] + 0.1))
    for one, two in combinations(boxes, 2):
        assert not (one[0] < two[1] and two[0] < one[1] and one[2] < two[3] and two[2] < one[3])
    left, right, _, _ = GRAPH.box
    assert all(left - 1e-9 <= box[0] and box[1] <= right + 1e-9 for box in boxes)


def test_what_is_not_given_is_not_written():
    assert with_legend(GRAPH, []) == GRAPH


def test_strange_and_endless_titles_are_shown_as_far_as_there_is_room():
    title, *_ = with_legend(GRAPH, [], title="\u202e" + "many words " * 10**5).captions
    assert title.lines[0].startswith("\\u202emany words")
    assert sum(map(len, title.lines)) <= 2000
