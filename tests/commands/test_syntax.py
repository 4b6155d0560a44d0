"""Syntax lines become the argument trees from which redis-cli takes its hints."""

from __future__ import annotations

import pytest

from memcloud.commands.syntax import Argument, parse_syntax

NX = Argument("nx", "pure-token", "NX")
XX = Argument("xx", "pure-token", "XX")


@pytest.mark.parametrize(
    ("line", "arguments"),
    [
        ("", ()),
        ("key", (Argument("key", "string"),)),
        ("cursor pattern", (Argument("cursor", "integer"), Argument("pattern", "pattern"))),
        ("[message]", (Argument("message", "string", is_optional=True),)),
        ("[GET]", (Argument("get", "pure-token", "GET", is_optional=True),)),
        ("[EX seconds]", (Argument("seconds", "integer", "EX", is_optional=True),)),
        ("[NX | XX]", (Argument("nx_xx", "oneof", is_optional=True, arguments=(NX, XX)),)),
        ("<NX | XX>", (Argument("nx_xx", "oneof", arguments=(NX, XX)),)),
        ("TYPE <NX | XX>", (Argument("nx_xx", "oneof", "TYPE", arguments=(NX, XX)),)),
    ],
)
def test_each_form_of_the_notation_has_its_argument(
    line: str, arguments: tuple[Argument, ...]
) -> None:
    """redis-cli knows tokens, values, choices and what may be left out only from these."""
    assert parse_syntax(line) == arguments


def test_a_repeated_value_is_one_argument_given_several_times() -> None:
    """``key [key ...]`` is how the notation writes one or more."""
    assert parse_syntax("key [key ...]") == (Argument("key", "string", is_multiple=True),)


def test_repeated_pairs_are_one_block_given_several_times() -> None:
    """A pair is repeated as a whole."""
    pair = (Argument("key", "string"), Argument("value", "string"))
    assert parse_syntax("key value [key value ...]") == (
        Argument("key_value", "block", is_multiple=True, arguments=pair),
    )


@pytest.mark.parametrize("line", ["[event ...]", "[event [event ...]]"])
def test_none_or_more_is_optional_and_multiple(line: str) -> None:
    """Both spellings are in use for it."""
    assert parse_syntax(line) == (Argument("event", "string", is_optional=True, is_multiple=True),)


def test_a_token_that_begins_a_bracket_belongs_to_all_values_in_it() -> None:
    """``AUTH username`` alone would be wrong."""
    both = (Argument("username", "string"), Argument("password", "string"))
    assert parse_syntax("[AUTH username password]") == (
        Argument("auth", "block", "AUTH", is_optional=True, arguments=both),
    )


def test_a_token_before_repeated_values_is_given_once() -> None:
    """``ID 1 2 3`` has one ID."""
    ids = (Argument("client-id", "integer", is_multiple=True),)
    assert parse_syntax("[ID client-id [client-id ...]]") == (
        Argument("id", "block", "ID", is_optional=True, arguments=ids),
    )


def test_brackets_nest() -> None:
    """What is in an inner bracket can be left out by itself."""
    version = Argument("protover", "integer")
    name = Argument("clientname", "string", "SETNAME", is_optional=True)
    assert parse_syntax("[protover [SETNAME clientname]]") == (
        Argument("protover_clientname", "block", is_optional=True, arguments=(version, name)),
    )


@pytest.mark.parametrize("line", ["[key", "key]", "<a | b", "a | b", "<a]"])
def test_brackets_that_do_not_match_are_our_own_fault(line: str) -> None:
    """A typing error in the command table shall fail a test, not give a wrong hint."""
    with pytest.raises(AssertionError):
        parse_syntax(line)
