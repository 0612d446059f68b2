"""A text that ships with Python, in lower-case letters and spaces, and its tokens."""

import re
from functools import cache
from pydoc_data.topics import topics

import markovgpt as mg

LETTERS = mg.Vocabulary(tuple(" abcdefghijklmnopqrstuvwxyz"))


def plain(text: str) -> str:
    """Lower-case letters, and one space for everything between them.

    >>> plain("The *if* __init__(3)")
    'the if init '
    """
    return re.sub("[^a-z]+", " ", text.lower())


@cache
def documentation() -> str:
    """What `help` of Python says of its topics."""
    return plain(" ".join(topics[name] for name in sorted(topics)))
