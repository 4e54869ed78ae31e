"""The door: bytes from producers become valid, masked records of a customer's log."""

from models.intake.admission import Admission, Limits
from models.intake.facts import FactAdmission
from models.intake.privacy import FieldMask

__all__ = ["Admission", "FactAdmission", "FieldMask", "Limits"]
