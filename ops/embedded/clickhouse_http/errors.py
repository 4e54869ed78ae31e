"""ClickHouse's error codes and the HTTP statuses they travel under."""

from __future__ import annotations

import re

CODE = re.compile(r"Code:\s*(\d+)\.")

# Source: ClickHouse, exceptionCodeToHTTPStatus; every other code is a 500.
STATUS = {
    194: 401,  # REQUIRED_PASSWORD
    **dict.fromkeys((192, 193, 497, 512, 516), 403),  # users, passwords, ACCESS_DENIED
    **dict.fromkeys((6, 8, 15, 25, 26, 27, 36, 37, 38, 41, 44, 53, 62, 72, 117, 123), 400),
    **dict.fromkeys((167, 168, 223, 321, 376, 427, 441, 675, 676), 400),  # AST, UUID, regexp, IP
    **dict.fromkeys((46, 47, 50, 56, 60, 63, 73, 78, 81, 115, 152, 336, 511), 404),  # UNKNOWN_…
    159: 408,  # TIMEOUT_EXCEEDED
    381: 411,  # HTTP_LENGTH_REQUIRED
    229: 413,  # QUERY_IS_TOO_LARGE
    48: 501,  # NOT_IMPLEMENTED
    **dict.fromkeys((76, 209, 439), 503),
}

BAD_ARGUMENTS = 36
NOT_IMPLEMENTED = 48
SYNTAX_ERROR = 62
CANNOT_OPEN_FILE = 76
UNKNOWN_COMPRESSION_METHOD = 89
UNKNOWN_TYPE_OF_QUERY = 78
UNKNOWN_SETTING = 115
READONLY = 164
QUERY_WITH_SAME_ID_IS_ALREADY_RUNNING = 216
QUERY_IS_TOO_LARGE = 229
INTO_OUTFILE_NOT_ALLOWED = 358
SESSION_NOT_FOUND = 372
SESSION_IS_LOCKED = 373
CANNOT_DECOMPRESS = 271
ACCESS_DENIED = 497
AUTHENTICATION_FAILED = 516
UNKNOWN_EXCEPTION = 1002


class StoreError(Exception):
    """A refusal in ClickHouse's own words.

    Parameters
    ----------
    code
        ClickHouse error code.
    message
        Full text as the server sends it, "Code: 62. DB::Exception: …".
    """

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message

    @property
    def status(self) -> int:
        """HTTP status a ClickHouse server answers with."""
        return STATUS.get(self.code, 500)


def refuse(code: int, text: str, name: str) -> StoreError:
    """Build an error of our own in the server's form.

    Examples
    --------
    >>> str(refuse(62, "Multi-statements are not allowed", "SYNTAX_ERROR"))
    'Code: 62. DB::Exception: Multi-statements are not allowed. (SYNTAX_ERROR)'
    """
    return StoreError(code, f"Code: {code}. DB::Exception: {text}. ({name})")


def from_engine(error: BaseException) -> StoreError:
    """Turn what chDB raised into code and message.

    Examples
    --------
    >>> failure = from_engine(RuntimeError("Streaming query failed: Code: 60. DB::Exception: no table"))
    >>> failure.code, failure.status
    (60, 404)
    """
    text = str(error)
    match = CODE.search(text)
    if match is None:
        return refuse(UNKNOWN_EXCEPTION, text or type(error).__name__, "UNKNOWN_EXCEPTION")
    return StoreError(int(match[1]), text[match.start() :].strip())
