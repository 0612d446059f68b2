"""Bytes as letters: what the page carries of numbers and of packed text, in a form that stands in html as it is.

Four bytes are five letters, where base64 takes five and a third. The letters are RFC 1924's but for three that html
gives a meaning to; ``js/letters.js`` reads them.
"""

import base64

NOT_IN_HTML = bytes.maketrans(b"<>&", b",./")


def as_letters(data: bytes) -> str:
    """Bytes in base 85, big-endian, the last group cut to what it needs.

    >>> as_letters(bytes(4)), as_letters(bytes([0, 0, 0, 86])), as_letters(b"\\0")
    ('00000', '00011', '00')
    """
    return base64.b85encode(data).translate(NOT_IN_HTML).decode("ascii")
