"""`hark eval topics` on a made-up corpus."""

import json

import pytest
import typer
from typer.testing import CliRunner

from ops.evaluation.corpus import CorpusError
from ops.evaluation.topics import macro_f1, recalled, run, topics


@pytest.fixture
def corpus(tmp_path):
    path = tmp_path / "made_up.jsonl"
    pairs = [("the parcel is late", "late"), ("room was dirty", "dirty"), ("no label", None)]
    lines = [
        json.dumps({"text": f"{text} {n % 7}", "lang": "en", "topic": topic, "label": None})
        for n in range(40)
        for text, topic in pairs
    ]
    path.write_text("\n".join(lines), "utf-8")
    return path


def invoke(*args):
    app = typer.Typer()
    app.command()(topics)
    return CliRunner().invoke(app, args)


def test_figures_are_of_one_pass_over_rows_with_a_topic(corpus):
    result = run(corpus)
    assert (result["n"], result["topics"]) == (80, 2)
    assert result["last_half"]["macro_f1"] == 1.0
    assert 0.9 < result["whole"]["macro_f1"] <= 1.0
    assert result["us_per_event"] > 0
    again = run(corpus)
    assert again["whole"] == result["whole"]


def test_command_prints_one_json_object_and_names_mistakes(corpus, tmp_path):
    assert json.loads(invoke(str(corpus), "--json").output)["n"] == 80
    assert invoke(str(corpus), "--against", "magic").exit_code == 2
    missing = invoke(str(tmp_path / "none.jsonl"))
    assert missing.exit_code == 1
    assert "none.jsonl" in missing.output


def test_a_corpus_without_topics_is_refused(tmp_path):
    path = tmp_path / "plain.jsonl"
    path.write_text('{"text": "x", "topic": null}\n', "utf-8")
    with pytest.raises(CorpusError, match="no row has a topic"):
        run(path)


def test_macro_f1_counts_topics_that_are_only_predicted():
    assert macro_f1(["a", "c"], ["a", "a"]) == pytest.approx((2 / 3 + 0) / 2, abs=1e-4)
    assert macro_f1([], []) is None


def test_a_copy_is_recalled_only_after_its_twin():
    assert recalled(["b"] * 4, ["a"] * 4, ["one", "two", "one", "one"]) == ["b", "b", "a", "a"]
