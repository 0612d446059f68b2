r"""Any text as LaTeX sets it: one escaper for tables and pictures.

What comes out compiles with pdflatex and no package, in the font encodings OT1 and T1.
"""

SPECIAL = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "$": r"\$",
    "&": r"\&",
    "#": r"\#",
    "%": r"\%",
    "_": r"\_",
    "^": r"\textasciicircum{}",
    "~": r"\textasciitilde{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': r"{\ttfamily\char34}",  # \textquotedbl is not in every font encoding
    "'": r"\textquotesingle{}",
    "`": r"\textasciigrave{}",
    "␣": r"\textvisiblespace{}",
    "…": r"\dots{}",
}
LIGATURES = ("--", ",,")  # two or three would become a dash, and in T1 a quotation mark
ACCENTED = frozenset(
    "ÀÁÂÃÄÅÆÇÈÉÊËÌÍÎÏÑÒÓÔÕÖØÙÚÛÜÝßàáâãäåæçèéêëìíîïñòóôõöøùúûüýÿĀāĂăĆćĈĉĊċČčĎďĒēĔĕĖėĚěĜĝĞğĠġĢģĤĥĨĩĪīĬĭİıĲĳĴĵĶķĹĺĻļĽľŁłŃńŅņŇňŌōŎŏŐő"
    "ŒœŔŕŖŗŘřŚśŜŝŞşŠšŢţŤťŨũŪūŬŭŮůŰűŴŵŶŷŸŹźŻżŽž"
)  # the letters that pdflatex sets without a package, in OT1 and in T1


def escaped(text: str, *, any_letter: bool = False) -> str:
    r"""A text that LaTeX sets as it is written.

    Parameters
    ----------
    any_letter: leave letters and signs of every script as they are, for lualatex or xelatex and a font that has them.
        Otherwise what pdflatex has no glyph for is shown by its number, as what cannot be seen always is.

    >>> print(escaped("50% of $x_1$"), escaped("\n"), escaped("\u202e"), escaped("é🙂"))
    50\% of \$x\_1\$ \textbackslash{}n \textbackslash{}u202e é\textbackslash{}U0001f642
    >>> print(escaped("1e-9 --"))
    1e-9 -{}-
    """
    found = "".join(_set(character, any_letter) for character in text)
    for pair in LIGATURES:
        while pair in found:
            found = found.replace(pair, "{}".join(pair))
    return found


def after_break(text: str) -> str:
    r"""A line as it may follow ``\\``, which would take a bracket or a star at its beginning for its own.

    >>> after_break("[0.1, 0.3]"), after_break("0.2")
    ('{}[0.1, 0.3]', '0.2')
    """
    return f"{{}}{text}" if text.startswith(("[", "*")) else text


def _set(character: str, any_letter: bool) -> str:
    """One character."""
    if character in SPECIAL:
        return SPECIAL[character]
    if character.isprintable() and (character.isascii() or character in ACCENTED or any_letter):
        return character
    return "".join(SPECIAL.get(part, part) for part in character.encode("unicode_escape").decode())
