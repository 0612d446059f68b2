"""Texts that some format would take for something else: markup, a formula, a comment, the end of a line."""

AWKWARD = (
    *('"', 'a"b', '"hi"', "'", "''", "'=1", "``", "?`", "`a`", ",,", "x,y", ";", "a:b", "http://a.b", "a@b.c"),
    *("\\", "\\|", "\\input{x}", "\\end{tabular}", "..\\..", "|", "||", "a&b", "&", "&amp;", "#1", "50%", "%!s", "%"),
    *("<b>", "</script>", "<img src=x onerror=alert(1)>", "<!--", "]]>", "<<", "~", "^", "$x$", "x_1^2", "_", "_a_"),
    *("*", "**a**", "~~a~~", "[", "[2cm]", "]", "[a](b)", "![a](b)", "{", "}", "}{", "-", "--", "---", "-1", "-a"),
    *("=cmd()", "＝cmd()", "@a", "+a", "\t5", "1e-400", "None", "nan", "", " ", "a b", "␣", "…"),
    *("\n", "a\nb", "\r", "a\rb", "\r\n", "\x00", "\u2028", "\u202e", "é", "αß中", "🙂", "é🙂"),
)
