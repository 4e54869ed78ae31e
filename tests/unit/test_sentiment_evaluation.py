"""`hark eval sentiment`: figures by hand, files that are wrong, the batch opponent."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import numpy as np
import pytest
import typer
from typer.testing import CliRunner

import ops.evaluation.prior as evaluated
from models.sentiment.prior import Prior, load_prior
from ops.evaluation.corpus import CorpusError, labelled, read_corpus
from ops.evaluation.prior import sampled
from ops.evaluation.sentiment import auc, macro_f1, run, sentiment, summary

ROWS = [
    {"text": f"{word}{i}", "lang": "zh", "label": label}
    for i in range(60)
    for word, label in (("很好用", 1), ("老卡顿", 0), ("一般", None))
]


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    path = tmp_path / "made_up.jsonl.gz"
    with gzip.open(path, "wt", encoding="utf-8") as out:
        out.write("\n".join(json.dumps(row, ensure_ascii=False) for row in ROWS) + "\n\n")
    return path


def test_auc_by_hand() -> None:
    scores = np.array([0.1, 0.4, 0.35, 0.8])
    assert auc(scores, np.array([0, 0, 1, 1])) == pytest.approx(0.75)
    assert auc(np.array([0.5, 0.5]), np.array([0, 1])) == pytest.approx(0.5)
    assert auc(scores, np.ones(4, np.int64)) is None


def test_macro_f1_by_hand() -> None:
    assert macro_f1(np.array([1, 1, 0, 0]), np.array([1, 0, 0, 0])) == pytest.approx((2 / 3 + 4 / 5) / 2)
    assert summary(np.array([0.9, 0.5]), np.array([1, 0]))["accuracy"] == 0.5


def test_run_reports_what_the_issue_asks_for(corpus: Path) -> None:
    told = run(corpus, seed=7)
    assert told["n"] == 120
    assert set(told["whole"]) == {"accuracy", "macro_f1", "auc"} == set(told["last_half"])
    assert told["last_half"]["accuracy"] == 1.0
    assert told["us_per_event"] > 0
    assert told["prior_overlap"] is False
    assert run(corpus, seed=7)["whole"] == told["whole"]


def test_prior_can_be_left_out(corpus: Path) -> None:
    assert run(corpus, prior="none")["first_1000"]["accuracy"] < run(corpus)["first_1000"]["accuracy"]


def test_prior_gives_way_to_texts_it_learned_from_whatever_the_file_is_called(
    corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = Prior(
        recipe={"sources": [{"name": "reviews", "sample": sampled(str(row["text"]) for row in ROWS)}]}
    )
    shipped = tmp_path / "shipped.bin"
    shipped.write_bytes(made.encode())
    (tmp_path / "without_reviews.bin").write_bytes(Prior(recipe={"sources": []}).encode())
    monkeypatch.setattr(evaluated, "SHIPPED", str(shipped))
    monkeypatch.setattr(evaluated, "HELD_OUT_PRIORS", tmp_path)
    told = run(corpus, prior=str(shipped))
    assert (told["prior"], told["prior_overlap"]) == ("without_reviews", False)
    other = tmp_path / "reviews.jsonl.gz"
    rows = [{"text": f"从没见过{i}", "lang": "zh", "label": i % 2} for i in range(200)]
    other.write_bytes(gzip.compress("\n".join(json.dumps(row) for row in rows).encode()))
    told = run(other, prior=str(shipped))
    assert (told["prior"], told["prior_overlap"]) == ("shipped", False)


def test_the_shipped_prior_and_those_apart_name_what_they_saw() -> None:
    sources = load_prior().recipe["sources"]
    assert isinstance(sources, list)
    seen = {source["name"]: source["sample"] for source in sources if "sample" in source}
    assert all(len(sample) > 4 for sample in seen.values())
    for name in seen:
        apart = load_prior(str(evaluated.HELD_OUT_PRIORS / f"without_{name}.bin")).recipe["sources"]
        assert isinstance(apart, list)
        assert name not in {source["name"] for source in apart}


def test_seed_shuffles_and_unlabelled_rows_are_passed_over(corpus: Path) -> None:
    rows = labelled(corpus)
    assert len(rows) == 120 < len(list(read_corpus(corpus)))
    shuffled = labelled(corpus, 3)
    assert shuffled != rows
    assert sorted(row.text for row in shuffled) == sorted(row.text for row in rows)


def test_plain_file_reads_like_the_packed_one(corpus: Path, tmp_path: Path) -> None:
    plain = tmp_path / "plain.jsonl"
    plain.write_bytes(gzip.decompress(corpus.read_bytes()))
    assert list(read_corpus(plain)) == list(read_corpus(corpus))


@pytest.mark.parametrize("line", ["{", "[]", '{"lang": "zh"}', '{"text": "x", "label": 3}'])
def test_wrong_line_is_named(tmp_path: Path, line: str) -> None:
    path = tmp_path / "bad.jsonl"
    path.write_text('{"text": "好", "label": 1}\n' + line + "\n", encoding="utf-8")
    with pytest.raises(CorpusError, match="bad.jsonl:2"):
        labelled(path)


def command() -> typer.Typer:
    app = typer.Typer()
    app.command()(sentiment)
    return app


def test_command_prints_one_json_object(corpus: Path) -> None:
    done = CliRunner().invoke(command(), [str(corpus), "--seed", "7", "--json"])
    assert done.exit_code == 0
    assert json.loads(done.stdout)["n"] == 120


@pytest.mark.parametrize("text", ["", '{"text": "fine", "stars": 5}\n', '{"text": "好", "label": null}\n'])
def test_a_file_without_labels_is_no_result(tmp_path: Path, text: str) -> None:
    path = tmp_path / "stars.jsonl"
    path.write_text(text)
    with pytest.raises(CorpusError, match="stars.jsonl: no row has a label"):
        run(path)


def test_command_says_what_is_wrong(tmp_path: Path) -> None:
    missing = CliRunner().invoke(command(), [str(tmp_path / "none.jsonl")])
    assert missing.exit_code == 1
    assert "cannot read none.jsonl" in missing.stderr
    corrupt = tmp_path / "corrupt.jsonl.gz"
    for content in (b"not gzip", gzip.compress(b'{"text": "x", "label": 1}' * 9)[:-12]):
        corrupt.write_bytes(content)
        assert CliRunner().invoke(command(), [str(corrupt)]).exit_code == 1
    assert CliRunner().invoke(command(), [str(corrupt), "--against", "luck"]).exit_code == 2
