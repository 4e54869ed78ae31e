"""Check digits of the number systems, apart from how the numbers are written."""

from __future__ import annotations

import datetime

_DOUBLED = str.maketrans("0123456789", "0246813579")
_GB_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_GB_CHECK = "10X98765432"
_PROVINCES = frozenset(
    (11, 12, 13, 14, 15, 21, 22, 23, 31, 32, 33, 34, 35, 36, 37, 41, 42, 43, 44, 45, 46)
    + (50, 51, 52, 53, 54, 61, 62, 63, 64, 65, 71, 81, 82, 83, 91)
)
_IBAN_LENGTH = (
    "AD24 AE23 AL28 AT20 AZ28 BA20 BE16 BG22 BH22 BR29 BY28 CH21 CR22 "
    "CY28 CZ24 DE22 DK18 DO28 EE20 EG29 ES24 "
    "FI18 FO18 FR27 GB22 GE22 GI23 GL18 GR27 GT28 HR21 HU28 IE22 IL23 "
    "IQ23 IS26 IT27 JO30 KW30 KZ20 LB28 LC32 "
    "LI21 LT20 LU20 LV21 LY25 MC27 MD24 ME22 MK19 MR27 MT31 MU30 NL18 "
    "NO15 PK24 PL28 PS29 PT25 QA29 RO24 RS22 "
    "SA24 SC31 SE24 SI19 SK24 SM27 ST25 SV28 TL23 TN24 TR26 UA29 VA22 VG24 XK20"
)
IBAN_LENGTHS = {entry[:2]: int(entry[2:]) for entry in _IBAN_LENGTH.split()}


def luhn(digits: str) -> bool:
    """Tell whether the last digit is the Luhn check digit (ISO/IEC 7812-1, annex B).

    Examples
    --------
    >>> luhn("4111111111111111"), luhn("4111111111111112")
    (True, False)
    """
    total = sum(map(int, digits[-1::-2])) + sum(map(int, digits[-2::-2].translate(_DOUBLED)))
    return total % 10 == 0


def gb11643(number: str) -> bool:
    """Tell whether an 18-character Chinese citizen number has the right check character.

    Parameters
    ----------
    number
        17 digits and a digit or "X"; GB 11643-1999, MOD 11-2 of ISO 7064.

    Examples
    --------
    >>> gb11643("11010519491231002X"), gb11643("110105194912310021")
    (True, False)
    """
    total = 0
    for char, weight in zip(number, _GB_WEIGHTS, strict=False):
        total += (ord(char) - 48) * weight
    return _GB_CHECK[total % 11] == number[17].upper()


def gb_shape(number: str) -> bool:
    """Tell whether province and birth date of a 15- or 18-character citizen number are possible.

    Examples
    --------
    >>> gb_shape("11010519491231002X"), gb_shape("990105194912310021"), gb_shape("110105491231002")
    (True, False, True)
    """
    if int(number[:2]) not in _PROVINCES:
        return False
    birth = number[6:14] if len(number) == 18 else "19" + number[6:12]
    year = int(birth[:4])
    if not 1850 <= year <= 2100:
        return False
    return _is_date(year, int(birth[4:6]), int(birth[6:8]))


def _is_date(year: int, month: int, day: int) -> bool:
    if not (1 <= month <= 12 and 1 <= day <= 31):
        return False
    if day <= 28:
        return True
    try:
        datetime.date(year, month, day)
    except ValueError:
        return False
    return True


def is_compact_date(digits: str) -> bool:
    """Tell whether eight digits read as YYYYMMDD of 1900 to 2099.

    Examples
    --------
    >>> is_compact_date("20240229"), is_compact_date("20230229"), is_compact_date("62345678")
    (True, False, False)
    """
    return digits[:2] in ("19", "20") and _is_date(int(digits[:4]), int(digits[4:6]), int(digits[6:8]))


def hkid(letters: str, digits: str, check: str) -> bool:
    """Tell whether a Hong Kong identity card number has the right check character.

    Examples
    --------
    >>> hkid("A", "123456", "3"), hkid("A", "123456", "4")
    (True, False)
    """
    padded = letters.upper().rjust(2)
    values = [36 if char == " " else ord(char) - 55 for char in padded] + [int(char) for char in digits]
    total = sum(value * weight for value, weight in zip(values, range(9, 1, -1), strict=True))
    return "0123456789A"[-total % 11] == check.upper()


def taiwan(number: str) -> bool:
    """Tell whether a Taiwanese identity number, a letter and nine digits, has the right check digit.

    Examples
    --------
    >>> taiwan("A123456789"), taiwan("A123456788")
    (True, False)
    """
    area = "ABCDEFGHJKLMNPQRSTUVXYWZIO".index(number[0].upper()) + 10
    digits = (area // 10, area % 10, *map(int, number[1:]))
    weights = (1, 9, 8, 7, 6, 5, 4, 3, 2, 1, 1)
    return sum(digit * weight for digit, weight in zip(digits, weights, strict=True)) % 10 == 0


def nric(number: str) -> bool:
    """Tell whether a Singaporean number, a letter, seven digits and a letter, has the right last letter.

    Examples
    --------
    >>> nric("S1234567D"), nric("S1234567E")
    (True, False)
    """
    first = number[0].upper()
    total = sum(int(char) * weight for char, weight in zip(number[1:8], (2, 7, 6, 5, 4, 3, 2), strict=True))
    total += {"T": 4, "G": 4, "M": 3}.get(first, 0)
    letters = "JZIHGFEDCBA" if first in "ST" else "XWUTRQPNMLK" if first in "FG" else "KLJNPQRTUWX"
    place = 10 - total % 11 if first == "M" else total % 11
    return letters[place] == number[8].upper()


def iban(number: str) -> bool:
    """Tell whether an IBAN has its country's length and the right check digits (ISO 13616, MOD 97-10).

    Examples
    --------
    >>> iban("GB82WEST12345698765432"), iban("GB83WEST12345698765432")
    (True, False)
    """
    if IBAN_LENGTHS.get(number[:2]) != len(number):
        return False
    turned = number[4:] + number[:4]
    return int("".join(str(int(char, 36)) for char in turned)) % 97 == 1
