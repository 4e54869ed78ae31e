"""English addresses with number and street, post boxes, military mail, and usual European forms."""

from __future__ import annotations

import re

from models.pii.span import Candidate
from models.pii.triggers import STREETS
from models.pii.view import View

TYPE = "ADDRESS"
_SUFFIX = (
    "alley|annex|arcade|avenue|ave|av|bayou|beach|bend|bluffs?|blvd|"
    "boulevard|bottom|branch|bridge|brooks?|burgs?|bypass|camp|"
    "canyon|cape|causeway|centers?|centre|circles?|cir|cliffs?|club|"
    "common|corners?|courts?|ct|course|coves?|creek|crescent|cres|"
    "crest|crossing|crossroad|curve|dale|dam|divide|drives?|dr|estates?|"
    "expressway|extensions?|falls?|ferry|fields?|flats?|fords?|"
    "forest|forges?|forks?|fort|freeway|gardens?|gateway|glens?|greens?|"
    "groves?|harbors?|haven|heights|highway|hwy|hills?|hollow|inlet|"
    "islands?|isle|junctions?|keys?|knolls?|lakes?|landing|lanes?|"
    "ln|lights?|loaf|locks?|lodge|loop|mall|manors?|meadows?|mews|"
    "mills?|"
    "mission|motorway|mountains?|mount|neck|orchard|oval|overpass|"
    "parks?|parkways?|pkwy|pass|passage|path|pike|pines?|place|pl|"
    "plains?|"
    "plaza|points?|ports?|prairie|quay|radial|ramp|ranch|rapids?|rest|"
    "ridges?|rise|river|roads?|rd|route|row|run|shoals?|shores?|skyway|"
    "springs?|spurs?|squares?|sq|station|stravenue|stream|streets?|"
    "st|summit|terrace|ter|throughway|trace|track|trafficway|trails?|"
    "tunnel|turnpike|underpass|unions?|valleys?|viaduct|views?|villages?|"
    "ville|vista|walks?|wall|ways?|wells?|close|grove"
)
KINDS = frozenset(re.sub("s[?]", "", kind) for kind in _SUFFIX.split("|")) | frozenset(
    kind.replace("?", "") for kind in _SUFFIX.split("|")
)
"""The same, each a word: without one of them there is no street to look for."""
_CAP = r"[A-ZÀ-ÞĀ-ŽА-ЯΑ-Ω0-9][\w'’.&/-]{0,24}"
_UNIT = (
    r"(?:[,\s>]{1,4}(?:apt|apartment|suite|ste|unit|room|rm|floor|fl|flat|box|bldg|building|no|#)\.? ?#? ?"
    r"[A-Za-z0-9-]{1,6}|[,\s]{1,2}#[A-Za-z0-9-]{1,6})"
)
_UNIT_CI = f"(?i:{_UNIT})"
_CITY = r"(?:[,\s>]{1,6}(?:[A-ZÀ-ÞĀ-Ž][\w'’.()/-]{1,24}|[A-Z]{2}|nan)){0,6}"
_CODE = (
    r"(?:[,\s>]{1,5}(?:[A-Z]{1,2}[0-9][A-Z0-9]? ?[0-9][A-Z]{2}|[A-Z][0-9][A-Z] ?[0-9][A-Z][0-9]|"
    r"[0-9]{4,5}(?:-[0-9]{3,4})?(?![0-9 .-]?[0-9])))"
)
_REST = (
    rf"{_UNIT_CI}{{0,2}}(?:{_CITY}{_CODE}"
    r"|(?:,\s{0,2}[A-ZÀ-Þ][\w'’.-]{1,24}(?: [A-Z][\w'’.-]{1,24}){0,2}){1,3}"
    rf"|\n {{0,4}}[A-ZÀ-Þ][\w'’ .-]{{1,24}}(?=[\n,]))?{_UNIT_CI}{{0,1}}"
)
_STREET = re.compile(
    rf"(?<![\w.$€£-])(?:the corner of )?(?:[0-9]{{3,6}} )?[0-9]{{1,6}}[A-Za-z]?(?:[-/][0-9]{{1,5}})?,? "
    rf"(?:[NSEW]\.?[EW]?\.? |North |South |East |West )?(?:{_CAP} ){{1,4}}?(?i:{_SUFFIX})"
    rf"\b\.?{_REST}"
)
_LOWER_STREET = re.compile(
    rf"(?<![\w.$-])[0-9]{{1,6}}[a-z]? (?:[nsew]\.? )?(?:[a-z0-9'.-]{{2,20}} "
    rf"){{1,3}}?(?:{STREETS})\b\.?{_UNIT_CI}{{0,2}}(?:,? [a-z]{{2,20}}){{0,2}}(?:,? "
    rf"[a-z]{{2}} [0-9]{{5}})?",
    re.IGNORECASE,
)
_BOX = re.compile(
    rf"(?i:\b(?:[0-9]{{1,6}} )?(?:p\.? ?o\.? ?box|post ?box|postfach|"
    rf"apartado|psc|unit|cmr) [0-9A-Za-z-]{{1,8}}(?:,? ?box [0-9]{{1,6}})?)"
    rf"(?:{_REST}|[,\s]{{1,3}}(?i:[fad]po,? a[aep],? [0-9]{{5}}))"
)
_MILITARY = re.compile(
    r"(?:\b(?:US[NSC][SVGC]?|USS|USNS|USCGC) [A-Z][\w'.-]{1,20}[,\s]{1,3})?(?i:\b[fad]po,? a[aep],? [0-9]{5})"
)
_UNIT_ONLY = re.compile(rf"(?<!\w)(?i:apt|apartment|suite|ste)\.? ?#?[0-9]{{1,5}}[A-Za-z]?(?![\w-]){_REST}")
_NUMBER = re.compile(
    r"(?<![\w.$€£-])(?:the corner of )?[0-9]{1,6}[A-Za-z]?(?:[-/][0-9]{1,5})?,? "
    r"(?=[A-Za-zÀ-žА-яΑ-ω]|[0-9]{1,6} ?[A-Za-zÀ-ž])"
)
_MOST_FAILURES = 100
_LABEL = re.compile(
    r"(?:address|live at|lives at|living at|located at|located "
    r"in|ship (?:it )?to|sent? to|deliver(?:ed)? to|return to|office "
    r"is at|meet (?:you )?at|moved to|reside at|residing at|billing "
    r"address(?: with| is)?|it's in|come to)[:\s]{1,6}$"
)
_LABEL_REACH = 30
_LABELLED = re.compile(rf"(?:the corner of )?[0-9]{{1,6}}[A-Za-z]?,? (?:{_CAP}[,\s]{{1,5}}){{1,10}}{_CAP}")
_STEMS = (
    "addr",
    "liv",
    "locat",
    "ship",
    "sen",
    "deliver",
    "return",
    "office",
    "meet",
    "moved",
    "resid",
    "come",
    "it's",
)
"""What every label holds; cheaper to look for."""

_ENDINGS = (
    "stra(?:ss|ß)e|str\\.|gasse|weg|platz|allee|damm|ring|ufer|straat|"
    "laan|plein|gracht|dijk|wei|vej|vejen|gade|gata|gatan|vägen|"
    "vagen|veien|vegen|gaten|stien|katu|tie|kuja|polku|utca|utcája|"
    "tér|tere|körút|rkp\\.|ulica|ova|eva|cesta|náměstí|nám\\.|třída|"
    "iela|gatvė|maantee|tänav|puiestee|vik|stígur|götu"
)
_OPENINGS = (
    "ul\\.|al\\.|pl\\.|os\\.|Avda\\.?|Av\\.|Avenida|Rua|Rue|Via|Viale|"
    "Piazza|Corso|Calle|C/|Carrer|Plaza|Paseo|Camino|Carretera|"
    "Travessa|Praça|Boulevard|Bd|Chemin|Allée|Quai|Place|Impasse|Straße|"
    "Λεωφόρος|улица|ул\\.|просп\\.|ulica|Calea|Strada|Str\\.|"
    "Bulevardul"
)
_PREFIXED = re.compile(
    rf"(?:(?<![\w-])[0-9]{{1,6}} )?(?<!\w)(?:{_OPENINGS}) (?:(?:de|del|"
    rf"la|le|da|do|des|du|los|las|di|della) ){{0,3}}"
    rf"(?:{_CAP} ?){{1,4}}(?:,? ?[0-9]{{1,5}}[a-zA-Z]?)?{_REST}"
)
_COMPOUND = re.compile(
    rf"(?:(?<![\w-])[0-9]{{1,6}} )?(?<!\w)(?:[A-ZÀ-Þ][\w'’.-]{{1,20}} "
    rf"){{0,2}}[A-ZÀ-ÞĀ-Ž][\wÀ-ž'-]{{1,24}}(?:{_ENDINGS})"
    rf"(?: (?:u\.|út|utca))?\.? [0-9]{{1,5}}[A-Za-z]?\.?{_REST}"
)
TRIGGERS = (r"[0-9][A-Za-z]?,? (?:[A-Z][A-Za-z0-9]|[0-9]{1,6} ?[A-Za-z])",)
"""What the gate looks for before `find` runs, besides a number and a kind of street."""
BOX_TRIGGERS = (
    r"(?i)\b(?:p\.? ?o\.? ?box|post ?box|psc|[adf]po|unit|cmr|postfach|"
    r"apartado|apt|apartment|suite|ste)\b[ .,#]{1,2}[0-9A-Z]",
)
"""What the gate looks for before `find_boxes` runs."""
EUROPEAN_TRIGGERS = (
    rf"(?i)(?:{_ENDINGS})(?: (?:u\.|út|utca))?\.? [0-9]",
    rf"(?:{_OPENINGS}) (?:de |del |la |le |da |do |des |du |los |las |di |della ){{0,3}}[A-Z0-9À-ž]",
)
"""What the gate looks for before `find_european` runs."""


def find(view: View) -> list[Candidate]:
    """Return the addresses with a house number and a street, or a label."""
    text = view.text
    found: list[Candidate] = []
    numbers = [number.start() for number in view.each(_NUMBER, 4)]
    for pattern in (_STREET, _LOWER_STREET) if numbers and view.words & KINDS else ():
        failures = 0
        for start in numbers:
            match = pattern.match(text, start)
            if match:
                found.append(_candidate(text, match.start(), match.end()))
            elif (failures := failures + 1) > _MOST_FAILURES:
                break
    if numbers and any(stem in view.lower for stem in _STEMS):
        for start in numbers:
            match = _LABEL.search(view.lower, max(0, start - _LABEL_REACH), start) and _LABELLED.match(
                text, start
            )
            if match:
                found.append(_candidate(text, match.start(), match.end()))
    return found


def find_boxes(view: View) -> list[Candidate]:
    """Return post boxes, military mail, and units without a street."""
    return _all(view, (_BOX, _MILITARY, _UNIT_ONLY))


def find_european(view: View) -> list[Candidate]:
    """Return streets whose kind comes first (Rue de …) or ends the name (…straße)."""
    return _all(view, (_PREFIXED, _COMPOUND))


def _all(view: View, patterns: tuple[re.Pattern[str], ...]) -> list[Candidate]:
    text = view.text
    return [
        _candidate(text, match.start(), match.end()) for pattern in patterns for match in view.each(pattern)
    ]


def _candidate(text: str, start: int, end: int) -> Candidate:
    raw = text[start:end].rstrip(" \n,.>")
    return Candidate(
        start, start + len(raw), TYPE, " ".join(re.sub(r"[\s,>]+", " ", raw).lower().split()), 59
    )
