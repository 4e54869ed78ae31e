"""Follows actions up until someone finishes them: work orders, SLA clocks, escalation, routing.

Pure: time is an argument and nothing here knows Kafka. `Follower` takes what happens to a work order and
returns `Send`, `Record` and `Alarm`; `streams.agents.follow_up` carries them out.
"""

from models.follow_up.calendar import AlwaysOpen, BusinessHours, Calendar, CalendarError
from models.follow_up.effects import FOLLOW_UP, Alarm, Effect, Record, Send, derived_of
from models.follow_up.follower import Follower, status_ident
from models.follow_up.order import WorkOrder
from models.follow_up.policy import Desk, Policy, PolicyError, load_policy, missing_years
from models.follow_up.progress import Entry, Progress
from models.follow_up.replies import Reply, suggest
from models.follow_up.timers import timers

__all__ = [
    "FOLLOW_UP", "Alarm", "AlwaysOpen", "BusinessHours", "Calendar", "CalendarError", "Desk", "Effect",
    "Entry", "Follower", "Policy", "PolicyError", "Progress", "Record", "Reply", "Send", "WorkOrder",
    "derived_of", "load_policy", "missing_years", "status_ident", "suggest", "timers",
]  # fmt: skip
