"""``marsad owners``."""

from typing import Any

import pytest

from marsad_app.owners import token_owner


def test_a_token_is_shown_once_and_proves_its_owner(marsad: Any, store: Any) -> None:
    answer = marsad("owners", "add", "ليلى")
    token = answer.lines[0]
    assert len(token) >= 32
    owner = token_owner(token, store.owners.owners())
    assert owner is not None
    assert owner.name == "ليلى"
    assert token not in marsad("owners", "list", "--json").out
    assert all(token.encode() not in path.read_bytes() for path in marsad.folder.iterdir())


def test_the_list_counts_their_subscriptions_and_revoking_leaves_these(marsad: Any, store: Any) -> None:
    marsad("owners", "add", "layla", "--json")
    marsad("subscriptions", "add", "روسيا", "--owner", "layla")
    assert marsad("owners", "list", "--json").records[0]["subscriptions"] == 1
    assert "layla\t" in marsad("owners", "list").out

    assert "1 subscriptions stay" in marsad("owners", "revoke", "layla").out

    assert marsad("owners", "list", "--json").records == []
    assert len(store.subscriptions.subscriptions()) == 1


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["add", "known"], "there is an owner 'known'"),
        (["add", ""], "an owner's name has"),
        (["add", " x"], "an owner's name has"),
        (["add", "x\ny"], "an owner's name has"),
        (["add", "x" * 61], "an owner's name has"),
        (["revoke", "nobody"], "there is no owner 'nobody'"),
    ],
)
def test_what_cannot_be_is_refused(marsad: Any, store: Any, arguments: list[str], said: str) -> None:
    marsad("owners", "add", "known")
    assert said in marsad("owners", *arguments, status=1).complaint
