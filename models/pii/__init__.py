"""Find and mask personal data; one recogniser a file."""

from models.pii.finder import Finder
from models.pii.keyring import Keyring
from models.pii.masker import Masked, Masker
from models.pii.span import STRUCTURED, TYPES, Span

__all__ = ["STRUCTURED", "TYPES", "Finder", "Keyring", "Masked", "Masker", "Span"]
