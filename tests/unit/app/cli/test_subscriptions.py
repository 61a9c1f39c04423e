"""``marsad subscriptions``."""

from pathlib import Path
from typing import Any

import pytest

from marsad.records import Trigger


def test_a_subscription_is_made_from_a_query_and_found_by_name_and_id(marsad: Any, store: Any) -> None:
    record = marsad("subscriptions", "add", "روسيا", "--name", "Russia", "--json").records[0]
    (made,) = store.subscriptions.subscriptions()
    assert (made.id, made.query, made.triggers, made.enabled) == (record["id"], "روسيا", (Trigger.NEW_STORY,), True)
    assert len(made.secret) == 32
    for name in ("Russia", made.id, made.id[:6]):
        assert marsad("subscriptions", "show", name, "--json").records[0]["subscription"]["query"] == "روسيا"


def test_all_that_a_subscription_can_say_is_kept(marsad: Any, store: Any) -> None:
    options = "--owner desk --trigger story-outlets --trigger correction --story-outlets 4 --cadence daily --quiet 22:00-07:00"
    options += " --zone Africa/Cairo --outlet terminal: --outlet json://localhost/x --language en"
    marsad("subscriptions", "add", "country:DZ", *options.split())
    (made,) = store.subscriptions.subscriptions()
    assert (made.owner, made.story_outlets, made.cadence, made.language) == ("desk", 4, "daily", "en")
    assert made.triggers == (Trigger.STORY_OUTLETS, Trigger.CORRECTION)
    assert (made.quiet.start.hour, made.quiet.end.hour, made.quiet.zone) == (22, 7, "Africa/Cairo")
    assert made.outlets == ("terminal:", "json://localhost/x")


def test_adding_the_same_again_replaces_it_and_keeps_its_feed_address(marsad: Any, store: Any) -> None:
    marsad("subscriptions", "add", "روسيا")
    before = store.subscriptions.subscriptions()[0]
    assert "replaced" in marsad("subscriptions", "add", "روسيا", "--cadence", "weekly").out
    (after,) = store.subscriptions.subscriptions()
    assert (after.cadence, after.secret, after.created_at) == ("weekly", before.secret, before.created_at)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["a AND"], "at character"),
        (["x", "--outlet", "nonsense"], "no address that can be delivered to"),
        (["x", "--quiet", "22-7-1"], "no quiet hours"),
        (["x", "--quiet", "25:00-07:00"], "no quiet hours"),
        (["x", "--zone", "Mars/Base"], "no IANA time zone"),
        (["x", "--zone", "../etc/passwd"], "no IANA time zone"),
    ],
)
def test_what_cannot_work_is_refused_and_nothing_is_stored(marsad: Any, options: list[str], said: str) -> None:
    assert said in marsad("subscriptions", "add", *options, status=1).complaint
    assert not marsad.folder.exists() or marsad("subscriptions", "list", "--json").records == []


def test_passwords_in_outlets_are_shown_only_when_asked_for(marsad: Any, filled: Any) -> None:
    for command in (["list"], ["list", "--json"], ["show", "Russia"], ["show", "Russia", "--json"]):
        assert "secret@" not in marsad("subscriptions", *command).out
        assert "secret@" in marsad("subscriptions", *command, "--reveal").out


def test_showing_a_subscription_tells_its_alerts_and_deliveries(marsad: Any, filled: Any) -> None:
    shown = marsad("subscriptions", "show", "51c0ffee", "--json").records[0]
    assert [alert["reason"] for alert in shown["alerts"]] == ["new-story"]
    assert [delivery["state"] for delivery in shown["deliveries"]] == ["pending"]
    assert "pending" in marsad("subscriptions", "show", "51c0ffee").out


def test_a_subscription_is_switched_off_and_on_and_removed(marsad: Any, filled: Any) -> None:
    def known() -> Any:
        return filled.subscriptions.subscriptions()

    marsad("subscriptions", "disable", "Russia")
    assert known()[0].enabled is False
    marsad("subscriptions", "enable", "Russia")
    assert known()[0].enabled is True
    marsad("subscriptions", "remove", "Russia")
    assert known() == []
    assert len(marsad("alerts", "list", "--subscription", "51c0ffee" * 4, "--json").records) == 1
    assert "no subscription" in marsad("subscriptions", "remove", "Russia", status=1).complaint


def test_a_test_shows_what_is_stored_and_matches(marsad: Any, filled: Any) -> None:
    answer = marsad("subscriptions", "test", "Russia")
    assert "Russia: 1 stored articles match; the latest:" in answer.out
    assert "التعاون العسكري" in answer.out.replace("للتعاون", "التعاون")


def test_a_test_message_goes_to_each_outlet_and_leaves_no_alert(marsad: Any, filled: Any) -> None:
    marsad("subscriptions", "add", "روسيا", "--name", "Here", "--outlet", "terminal:")
    assert "●" in marsad("subscriptions", "test", "Here", "--send").out
    assert len(filled.alerts.alerts()) == 1


def test_an_outlet_that_does_not_take_the_test_message_is_told(marsad: Any, filled: Any, tmp_path: Path) -> None:
    marsad("subscriptions", "add", "روسيا", "--name", "Closed", "--outlet", "json://127.0.0.1:9/x")
    answer = marsad("subscriptions", "test", "Closed", "--send", status=1)
    assert "alerts.allow_networks does not let it through" in answer.out
    assert "1 of 1 outlets" in answer.complaint


def test_adding_says_what_it_would_have_brought(marsad: Any, recent: Any) -> None:
    answer = marsad("subscriptions", "add", "الجزائر روسيا", "--name", "Both", "--cap", "1")
    assert "the last 30 days: 2 articles, 2 stories, 0.1 stories a day" in answer.out
    assert "it would have matched:" in answer.out
    assert "lacks روسيا OR Russia OR Russie (+1)" in answer.out
    assert answer.lines[-1].endswith("added: Both")


def test_a_dry_run_says_it_and_saves_nothing(marsad: Any, recent: Any) -> None:
    (record,) = marsad("subscriptions", "add", "الجزائر", "--dry-run", "--json").records
    assert (record["estimate"]["total"], record["saved"]) == (3, False)
    assert recent.subscriptions.subscriptions() == []


def test_an_estimate_warns_of_what_matches_nothing(marsad: Any, recent: Any) -> None:
    answer = marsad("subscriptions", "estimate", "بطيخ")
    assert "0 articles" in answer.out
    assert "matches nothing" in answer.err
    (record,) = marsad("subscriptions", "estimate", "بطيخ", "--json").records
    assert (record["total"], record["warnings"]) == (0, ["nothing"])


@pytest.mark.parametrize(
    ("options", "said"), [(["a AND"], "at character"), (["topic:nothing"], "no topic"), (["x"], "no store")]
)
def test_an_estimate_of_what_cannot_be_read_is_refused(marsad: Any, options: list[str], said: str) -> None:
    assert said in marsad("subscriptions", "estimate", *options, status=1).complaint


def test_a_query_for_feeds_has_no_estimate(marsad: Any, recent: Any) -> None:
    answer = marsad("subscriptions", "add", "country:DZ", "--trigger", "feed-health")
    assert "no estimate: its query chooses feeds" in answer.err


def test_a_new_subscription_can_tell_what_it_would_have_told_as_one_digest(marsad: Any, recent: Any) -> None:
    command = ("subscriptions", "add", "الجزائر", "--outlet", "json://a.example/", "--backfill", "7d", "--json")
    assert marsad(*command).records[0]["backfilled"] == 3
    assert [delivery.state.value for delivery in recent.deliveries.deliveries()].count("pending") == 1

    assert marsad(*command).records[0]["backfilled"] == 0

    assert len(recent.alerts.alerts()) == 4


@pytest.mark.parametrize("days", ["0d", "31d", "week", "-1", "7dd"])
def test_what_is_no_number_of_days_to_go_back_is_refused(marsad: Any, store: Any, days: str) -> None:
    assert "no time to go back" in marsad("subscriptions", "add", "x", f"--backfill={days}", status=1).complaint
    assert store.subscriptions.subscriptions() == []
