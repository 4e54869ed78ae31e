"""The policy file: the shipped one is sound, a wrong one is refused with the place."""

from __future__ import annotations

from datetime import date
from importlib.resources import files
from pathlib import Path

import pytest
import yaml

from models.events import ActionKind
from models.follow_up import Desk, PolicyError, load_policy, missing_years
from models.follow_up.calendar import AlwaysOpen, BusinessHours
from models.follow_up.replies import shipped
from models.topics.taxonomy import Taxonomy
from models.topics.urgency import RESPONSE_HOURS

SHIPPED = files("models.follow_up").joinpath("policy.yaml").read_text("utf-8")


def broken(tmp_path: Path, old: str, new: str) -> Path:
    assert old in SHIPPED
    path = tmp_path / "policy.yaml"
    path.write_text(SHIPPED.replace(old, new, 1), "utf-8")
    return path


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("warn_at: 0.75", "warn_at: 75", "warn_at: Input should be less than 1"),
        ("waiting: 27h", "waiting: 27 hours", "waiting: Input should be a valid integer"),
        ("urgent: 1h", "urgnt: 1h", "response.urgent: Field required"),
        ("backup: support}\n  payments", "backup: retention}\n  payments", "stand in for itself"),
        ("calendar: around_the_clock}\n\n", "calendar: lunar}\n\n", "there is no calendar lunar"),
        ("ladder: safety}\n  pr", "ladder: rope}\n  pr", "there is no ladder rope"),
        ("  default:\n    workdays", "  usual:\n    workdays", "calendars: default is missing"),
        ("  coupon: ", "  voucher: ", "kinds.voucher"),
        ("  default:\n    - {level", "  default: [\n    - {level", "policy.yaml: while parsing"),
    ],
)
def test_a_wrong_file_is_refused_with_the_place(tmp_path: Path, old: str, new: str, said: str) -> None:
    with pytest.raises(PolicyError, match=said):
        load_policy(broken(tmp_path, old, new))


def test_the_shipped_file_knows_every_kind_and_agrees_with_the_urgencies() -> None:
    policy = load_policy()
    assert set(policy.kinds) == set(ActionKind)
    hours = {name: policy.response.of(name) / 3_600_000 for name in RESPONSE_HOURS}
    assert hours == dict(RESPONSE_HOURS)
    assert policy.response.of("whatever") == policy.response.normal


def test_the_shipped_routes_and_replies_name_topics_that_exist() -> None:
    topics = set(Taxonomy.shipped().topics)
    groups = {topic.partition(".")[0] for topic in topics}
    for route in load_policy().routes:
        for pattern in route.topics or []:
            assert pattern.removesuffix(".*") in groups | topics
    for reply in shipped():
        assert set(reply.topics) <= topics | groups | {"any"}
        assert reply.zh and reply.en and reply.stage in ("open", "resolved")
    assert len({reply.id for reply in shipped()}) == len(shipped())


def test_teams_have_their_own_calendars() -> None:
    desk = Desk(load_policy(), "09:00-18:00", "Asia/Shanghai")
    assert isinstance(desk.calendar("safety"), AlwaysOpen)
    assert isinstance(desk.calendar("a_team_nobody_named"), BusinessHours)
    always = Desk(load_policy(), "09:00-18:00", "Asia/Shanghai", always=True)
    assert isinstance(always.calendar("support"), AlwaysOpen)


def test_a_calendar_may_bring_its_own_hours(tmp_path: Path) -> None:
    data = yaml.safe_load(SHIPPED)
    data["calendars"]["london"] = {"hours": "08:00-16:00", "zone": "Europe/London"}
    data["teams"]["pr"] = {"calendar": "london"}
    path = tmp_path / "policy.yaml"
    path.write_text(yaml.safe_dump(data), "utf-8")
    calendar = Desk(load_policy(path), "09:00-18:00", "Asia/Shanghai").calendar("pr")
    assert calendar.between(1_773_187_200_000, 1_773_273_600_000) == 8 * 3_600_000  # 11 March 2026, UTC


def test_a_year_without_holidays_is_missed_in_time() -> None:
    policy = load_policy()
    assert missing_years(policy, date(2026, 10, 31)) == {}
    assert missing_years(policy, date(2026, 11, 1)) == {2027: ["default"]}
    assert missing_years(policy, date(2028, 2, 1)) == {2028: ["default"]}
