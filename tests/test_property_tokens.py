"""The words and signs of a property, with their places."""

import pytest

import markovgpt as mg
from markovgpt.exchange.property_tokens import NAMED, Tokens


def test_a_property_falls_into_words_signs_numbers_and_labels():
    found = Tokens('P>=1/3 [a&!"x ]" U<=2e1 _b||c]').tokens
    assert [token.text for token in found] == [
        *("P", ">=", "1/3", "[", "a", "&", "!", '"x ]"', "U", "<=", "2e1", "_b", "||", "c", "]", "")
    ]
    assert [token.kind for token in found[:8]] == ["word", "sign", "number", "sign", "word", "sign", "sign", "label"]
    assert [token.place for token in found][:4] == [1, 2, 4, 8]
    assert found[-1] == ("end", "", 31)


def test_reading_stops_at_the_end_and_quotes_protect():
    tokens = Tokens('"P"')
    assert not tokens.took("P")
    assert tokens.take().text == '"P"'
    assert tokens.take().kind == tokens.take().kind == "end"
    tokens.expect_end()


def test_what_must_come_next_is_said_with_what_does_and_where():
    with pytest.raises(mg.InvalidInput, match=r"^\[ must stand here, got '\]' at character 3; supported are P, S"):
        Tokens("  ]").expect("[", "here")
    with pytest.raises(mg.InvalidInput, match=r"^\[ must stand here, got its end at character 3; "):
        Tokens("  ").expect("[", "here")
    with pytest.raises(mg.InvalidInput, match="a property must end after its last bracket, got ';' at character 1"):
        Tokens(";").expect_end()
    with pytest.raises(mg.InvalidInput, match="a property must be a text, got int"):
        Tokens(3)


@pytest.mark.parametrize("word", NAMED)
def test_what_the_language_has_and_this_part_has_not_is_refused_by_name(word):
    name, remedy = NAMED[word]
    refused = str(Tokens(f" {word}").refusal("anything", "else"))
    assert refused == f"a property must keep to what is supported, got {name} at character 2; {remedy}"
    assert name.startswith(word)
