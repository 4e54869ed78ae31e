"""The door: bytes from producers become valid, masked records of a customer's log."""

from models.intake.admission import Admission, Judged, Limits, content_id, judge_feedback
from models.intake.facts import FactAdmission, judge_fact
from models.intake.links import LinkAdmission, judge_link
from models.intake.privacy import FieldMask
from models.intake.statuses import StatusAdmission

__all__ = [
    "Admission", "FactAdmission", "FieldMask", "Judged", "Limits", "LinkAdmission", "StatusAdmission",
    "content_id", "judge_fact", "judge_feedback", "judge_link",
]  # fmt: skip
