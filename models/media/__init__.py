"""Pictures and voice become text, by whatever transcribers this machine has."""

from models.media.fetch import Folder, Refused
from models.media.pocketsphinx import PocketSphinx
from models.media.tesseract import Tesseract
from models.media.transcriber import Transcriber, Transcribers, Unread

__all__ = ["Folder", "PocketSphinx", "Refused", "Tesseract", "Transcriber", "Transcribers", "Unread"]
