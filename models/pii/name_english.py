"""English person names: after "my name is", "Mr.", "Dear"…, or a common given name before a capitalised word."""

from __future__ import annotations

import re
from importlib import resources

from models.pii.span import Candidate
from models.pii.view import View

TYPE = "NAME"


def _words(name: str) -> frozenset[str]:
    return frozenset(resources.files("models.pii").joinpath(name).read_text("utf-8").split())


GIVEN = _words("given_names.txt")
FAMILY = _words("surnames.txt")
_AMBIGUOUS = frozenset(
    "will may mark bill art drew grant rose faith hope grace joy dawn summer autumn april june august chance guy dean "
    "king prince lane page rich rob sue pat don jack gene dale lee olive holly ivy iris crystal amber ruby pearl jade "
    "ginger misty star sky robin jay ray van son so in see love you long little young old white black brown green best "
    "good read price day case mi an so ma lai ok no my jordan paris london china india carolina austin dallas houston "
    "chelsea brooklyn florence victoria virginia georgia asia america israel jordan kenya cuba eden".split()
)
_STOP = frozenset(
    "the a an and or but not very so too just still also only even really from with without about after before because "
    "please help team support customer service here there what when where why how who which this that these those is are "
    "was were be been have has had do does did can could will would should may might must your our their his her its my "
    "writing trying using having getting looking calling unable happy unhappy sorry disappointed upset angry satisfied "
    "sure glad going not sick tired done still waiting new old long loyal regular frequent happy on in at of for to by "
    "as all any some no yes good great bad super app order phone card account email all everyone folks sir madam guys "
    "one it they he she we you i me us them him user users ever never always today tomorrow yesterday monday tuesday "
    "wednesday thursday friday saturday sunday january february march april june july august september october november "
    "december number numbers name names address help hello hi hey dear thanks thank best kind regards cheers".split()
)
_W = r"[A-Z][a-zà-ÿA-Z'’À-ɏ-]{0,24}"
_PART = rf"(?:{_W}|[A-Z]\.?|(?:van|von|de|da|di|del|der|den|la|le|bin|al|el|y|e|dos|ten)(?= [A-Z]))"
_FULL = rf"{_W}(?:[ ]{_PART}){{0,4}}"
_CONTEXT = re.compile(
    r"(?:(?<![A-Za-z])(?:(?:my|his|her|their|the|full|legal|account|first|last|maiden|customer)? ?(?:sur|nick)?name(?:'s| is| was|:| -| =)"
    r"|(?:i am|i'm|im|i’m|this is|called|named|it's|it is|signed|sincerely,?|regards,?|cheers,?|thanks,?|yours,?|attn:?|attention:?)"
    r"|(?:agent|customer|contact|representative|rep|manager|driver|technician|courier|nurse|doctor|recipient|beneficiary|user|patient"
    r"|employee|passenger|guest|cardholder|card holder|account holder|holder|supervisor|colleague|deliver(?:y|ed)? to|addressed to|spoke (?:to|with)"
    r"|talked (?:to|with)|speak (?:to|with)|ask for|asked for|refund to|belongs to|registered to|under|sent to|ship to|follow up with|meet with"
    r"|husband|wife|son|daughter|brother|sister|mother|father|mom|dad|friend|kid|boss|grandmother|grandfather|add|to:|from:|by:?|name:)"
    r"|(?:mr|mrs|ms|miss|mx|dr|prof|professor|sir|madam|herr|frau|monsieur|madame|se[ñn]or(?:a|ita)?)\.?"
    r"|(?:hi|hello|hey|dear))[ ]{1,3}|(?:regards|sincerely|cheers|thanks|thank you|best|yours truly)[,!.]?\n{1,2} {0,4})",
    re.IGNORECASE,
)
_NAME = re.compile(_FULL)
_LOWER_NAME = re.compile(r"([a-zà-ÿ]{2,20})((?: [a-z]\.?)? [a-zà-ÿ'-]{2,20})?(?![a-zà-ÿ@])")
_PAIR = re.compile(rf"(?<![A-Za-z@./_-]){_W}(?:[ ]{_PART}){{1,3}}(?![A-Za-z@])")
_LOWER_PAIR = re.compile(r"(?<![a-z@./_-])([a-z]{3,20}) ([a-z]\.? )?([a-z]{3,20})(?![a-z@./_-])")

TRIGGERS = (
    r"(?i)\b(?:name|i am|i'm|im|i’m|this is|called|named|it's|signed|sincerely|regards|cheers|thanks|yours|attn|attention|agent|customer"
    r"|contact|representative|rep|manager|driver|technician|courier|nurse|doctor|recipient|beneficiary|user|patient|employee|passenger"
    r"|guest|holder|supervisor|colleague|to|with|for|under|husband|wife|son|daughter|brother|sister|mother|father|mom|dad|friend|kid"
    r"|boss|add|from|by|mr|mrs|ms|miss|dr|prof|professor|sir|herr|frau|monsieur|madame|hi|hello|hey|dear)(?:'s| is| was|:| -| =)?"
    r"[\.,!]?[ \n]{1,5}[A-Z]",
    r"[A-Z][a-z]{1,20} (?:[A-Z]\.? )?[A-Z][a-z]",
    r"(?:[Mm]y name is|customer|agent|Agent|contact|[Ii] am|I'm|this is|name:?) [a-z]{3,20} (?:[a-z]\.? )?[a-z]{2,20}",
)
"""What the gate looks for before this recogniser runs."""


def find(view: View) -> list[Candidate]:
    """Return the names of a text."""
    text = view.text
    found: list[Candidate] = []
    for match in _CONTEXT.finditer(text):
        name = _after(text, match.end())
        if name:
            found.append(name)
    for match in _PAIR.finditer(text):
        pair = _pair(text, match)
        if pair:
            found.append(pair)
    return found


def _after(text: str, start: int) -> Candidate | None:
    """Return the name that follows a context, capitalised or, with a common given name, in lower case."""
    match = _NAME.match(text, start)
    if match:
        words = match.group().split(" ")
        while words and words[-1].lower().rstrip(".") in _STOP:
            words.pop()
        if not words or words[0].lower() in _STOP:
            return None
        name = " ".join(words).rstrip("'’-")
        if name.endswith(("'s", "’s")):
            name = name[:-2]
        if len(name) < 2 or name.isupper() and len(name) < 5 and " " not in name:
            return None
        return Candidate(start, start + len(name), TYPE, name.lower(), 57)
    lower = _LOWER_NAME.match(text, start)
    if lower and lower.group(1) in GIVEN and lower.group(1) not in _STOP:
        rest = (lower.group(2) or "").split(" ")[-1]
        if rest and rest not in _STOP:
            return Candidate(start, lower.end(), TYPE, lower.group(), 55)
        if lower.group(1) not in _AMBIGUOUS:
            return Candidate(start, lower.end(1), TYPE, lower.group(1), 50)
    return None


def _pair(text: str, match: re.Match[str]) -> Candidate | None:
    """Return a name that begins with a common given name, or ends with a common surname after one."""
    start = match.start()
    words = match.group().split(" ")
    while words and (words[0].lower() in _STOP or (words[0].lower() not in GIVEN and len(words) > 2)):
        start += len(words[0]) + 1
        words.pop(0)
    while words and (words[-1].lower().rstrip(".") in _STOP or len(words[-1].rstrip(".")) < 2):
        words.pop()
    if len(words) < 2:
        return None
    first, last = words[0].lower(), words[-1].lower().rstrip("'’s")
    if first not in GIVEN or (first in _AMBIGUOUS and words[-1].lower() not in FAMILY):
        return None
    if last in GIVEN and last not in FAMILY and first in _AMBIGUOUS:
        return None
    name = " ".join(words)
    if name.endswith(("'s", "’s")):
        name = name[:-2]
    return Candidate(start, start + len(name), TYPE, name.lower(), 46)
