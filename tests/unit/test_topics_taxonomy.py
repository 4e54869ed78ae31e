"""The shipped taxonomy is whole; a wrong one is refused in one sentence."""

import pytest

from models.topics import Taxonomy
from models.topics.cues import KINDS, Cues, parse_cues
from models.topics.taxonomy import parse_taxonomy

VALID = """
version: 1
groups:
  quality:
    name: {zh: 质量, en: Quality}
    topics:
      defect:
        name: {zh: 缺陷, en: Defect}
        phrases: {zh: [坏了], en: [broken]}
        aspects: {zh: [], en: [quality]}
"""


def test_shipped_taxonomy_has_two_levels_in_both_languages():
    taxonomy = Taxonomy.shipped()
    wanted = {"quality", "service", "logistics", "price", "payment", "account", "safety", "feature", "praise"}
    assert wanted <= set(taxonomy.groups)
    for topic in taxonomy.topics.values():
        assert topic.id.split(".")[0] in taxonomy.groups
        words = topic.phrases + topic.aspects
        assert any(phrase.isascii() for phrase in words), topic.id
        assert any(not phrase.isascii() for phrase in words), topic.id


def test_a_taxonomy_can_be_loaded_from_a_file(tmp_path):
    path = tmp_path / "own.yaml"
    path.write_text(VALID, "utf-8")
    assert list(Taxonomy.load(path).topics) == ["quality.defect"]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("version: 1", "version: 2", "version: must be 1."),
        ("version: 1\n", "", "the taxonomy: version is missing."),
        ("      defect:", "      Defect 1:", "groups.quality.topics.Defect 1: a name is lower-case"),
        ("phrases:", "words:", "groups.quality.topics.defect: words is not known here."),
        ("[broken]", "[no]", r"phrases.en: False is not a phrase \(quote it\)."),
        ("[broken]", "broken", "phrases.en: must be a list of phrases."),
        ("en: Quality", "fr: Qualité", "groups.quality.name: needs zh and en."),
        ("{zh: [坏了]", "{fr: [坏了]", "phrases: must map zh and en to lists of phrases."),
        ("[broken]", '["*"]', "is not a phrase"),
        ("version: 1", "version: [", "the taxonomy is not YAML"),
    ],
)
def test_a_mistake_is_named_with_its_place(old, new, message):
    with pytest.raises(ValueError, match=message):
        parse_taxonomy(VALID.replace(old, new, 1))


def test_a_phrase_belongs_to_one_topic():
    other = VALID + "      other:\n        name: {zh: 别的, en: Other}\n        phrases: {en: [Broken]}\n"
    with pytest.raises(ValueError, match="'broken' already belongs to quality.defect"):
        parse_taxonomy(other)


def test_shipped_cues_are_whole_and_wrong_ones_refused():
    cues = Cues.shipped()
    assert set(cues.kind) == set(KINDS)
    assert {cue.level for cue in cues.urgency.values()} == {"urgent", "pressing", "normal"}
    with pytest.raises(ValueError, match="kind: must hold exactly"):
        parse_cues("kind: {praise: {}}")
