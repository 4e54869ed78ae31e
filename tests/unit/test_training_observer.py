"""The observer: drift of what comes in, bursts, exactness, and what it costs the scorer."""

from __future__ import annotations

import random
from binascii import b2a_base64
from typing import Any

from models.events import CustomerFact
from models.fingerprint import fingerprint
from models.snapshot import Snapshot, decode, encode
from models.topics.emerging import BurstDetector
from models.training.finding import Finding
from models.training.observer import MOST, TEXT, Observer, observation, observed, records_of, thinned
from rules.engine import Engine
from rules.limits import Limits
from rules.state import CustomerState, PartitionState
from streams.catalog import shipped_catalog
from streams.codec import dumps

DAY, HOUR = 86_400.0, 3600.0
USUAL = ("物流很快", "客服态度好", "价格有点贵", "质量不错", "包装完好", "屏幕清晰")


def entry(offset: int, at: float, rng: random.Random, text: str = "", **changes: Any) -> list[Any]:
    text = text or f"{rng.choice(USUAL)}，{rng.choice(USUAL)}"
    scored = {
        "text": text,
        "occurred_at": int(at * 1000),
        "received_at": int(at * 1000),
        "customer_id": f"c{rng.randrange(5000)}",
        "lang": "zh",
        "channel": rng.choice(("app", "review")),
        "rating": 0.5,
        "product": "p",
        "region": None,
        "cluster_id": fingerprint(text).words,
        "cluster_size": 1,
        "scores": {"polarity": rng.gauss(0.2, 0.2), "churn": 0.1, "topics": ["quality"]},
        "models": {"churn": 1},
    }
    return observation({**scored, **changes}, offset)


def stream(n: int, turned: int, **changes: Any) -> list[list[Any]]:
    rng = random.Random(7)
    return [entry(i, 60.0 * i, rng, **(changes if i >= turned else {})) for i in range(n)]


def feed(observer: Observer, entries: list[list[Any]], size: int = 50, first: int = 0) -> list[Finding]:
    found: list[Finding] = []
    for number, start in enumerate(range(0, len(entries), size)):
        if number >= first:
            value = {"from": [0], "seen": entries[start : start + size]}
            found += observer.step(value, number, 0.0)
    return found


def test_a_channel_that_breaks_is_told_with_what_since_and_how_large() -> None:
    found = feed(Observer(BurstDetector(warm_up=1e9)), stream(8000, 4000, rating=None, lang="en"))
    told = {f.subject: f for f in found}
    assert {"inputs/missing", "inputs/language:en", "inputs/language:zh"} <= set(told)
    english = told["inputs/language:en"]
    assert english.kind == "drift" and 0.9 < english.magnitude <= 1.0
    assert abs(english.since - 4000 * 60.0) < 600 * 60.0
    assert "nothing changed by itself" in english.done


def test_usual_traffic_raises_nothing() -> None:
    assert feed(Observer(), stream(20_000, 20_000)) == []


def test_a_burst_is_found_and_described() -> None:
    rng = random.Random(7)
    entries = [entry(i, 60.0 * i, rng) for i in range(6000)]
    onset = 6000 * 60.0
    entries += [
        entry(6000 + i, onset + 30.0 * i, rng, text="杯盖裂开了" if i % 3 == 0 else "") for i in range(240)
    ]
    found = [f for f in feed(Observer(), entries) if f.kind == "burst"]
    assert found and found[0].burst is not None
    assert any("杯盖" in phrase or "裂开" in phrase for phrase in found[0].burst.phrases)
    assert 0 <= found[0].burst.at - onset <= 3600.0


def test_a_clock_a_day_ahead_keeps_no_others_from_being_counted() -> None:
    rng, noon = random.Random(7), 12 * HOUR
    ahead = entry(0, noon, rng, occurred_at=int((noon + 23 * HOUR) * 1000))
    observer = Observer(BurstDetector(bits=10))
    feed(observer, [ahead, *(entry(n, noon + 60.0 * n, rng) for n in range(1, 11))])
    counts = observer.bursts.state()["counts"]
    assert isinstance(counts, dict) and counts["slot_total"].sum() == 11


def test_killed_and_restored_it_ends_bit_identical() -> None:
    entries = stream(3000, 1500, lang="en")
    never, trainer = Observer(BurstDetector(bits=10)), Observer(BurstDetector(bits=10))
    feed(never, entries)
    feed(trainer, entries[:1700])
    held = decode(encode(Snapshot("inputs", 1, trainer.offset, 0.0, "c", trainer.state())))
    feed(trainer, entries[:2200], first=34)  # lost with the process
    again = Observer(BurstDetector(bits=10))
    again.restore(held.state, held.offset, held.version)
    feed(again, entries)
    ends = [encode(Snapshot("inputs", 1, o.offset, 0.0, "c", o.state())) for o in (never, again)]
    assert ends[0] == ends[1]


def test_a_restarted_scorers_repeats_count_once() -> None:
    entries = stream(100, 100)
    observer = Observer(BurstDetector(bits=10))
    observer.step({"from": [0], "seen": entries[:60]}, 0, 0.0)
    observer.step({"from": [0], "seen": entries[40:]}, 1, 0.0)
    once = Observer(BurstDetector(bits=10))
    once.step({"from": [0], "seen": entries}, 1, 0.0)
    assert observer.state()["sums"] == once.state()["sums"]


def test_a_long_slice_is_thinned_evenly() -> None:
    entries = stream(2000, 2000)
    kept = thinned(entries)
    assert len(kept) == MOST and {b[0] - a[0] for a, b in zip(kept, kept[1:], strict=False)} == {2000 // MOST}


def test_the_first_learned_version_is_no_drift() -> None:
    observer = Observer()
    untrained = stream(3000, 0, scores={"polarity": 0.2, "churn": 0.25, "topics": []}, models={"churn": 0})
    learned = [[offset + 3000, *rest] for offset, *rest in stream(3000, 0)]
    assert feed(observer, untrained) + feed(observer, learned) == []


def surge(size: int = 48, partitions: int = 8) -> list[dict[str, Any]]:
    """Voices of one issue over partitions and channels, as the scorers write them, among other feedback."""
    rng, values = random.Random(3), list[dict[str, Any]]()
    for n in range(size):
        place = n % partitions
        text = f"充电器冒烟了，太危险了，快点处理{'！' * (n % 3)}"
        angry = {"polarity": -0.8, "churn": 0.1, "topics": ["safety"]}
        voice = entry(2 * n, 60.0 * n, rng, text, channel=("app", "web", "social")[n % 3],
                      cluster_size=n // partitions + 1, scores=angry)  # fmt: skip
        values.append({"from": [place], "seen": [voice, entry(2 * n + 1, 60.0 * n, rng)]})
    return values


def test_an_issue_over_all_partitions_is_counted_in_one_place() -> None:
    observer = Observer()
    told = [f.fact for n, v in enumerate(surge()) for f in observer.step(v, n, 5.0) if f.fact]
    facts = [fact for fact in told if fact["kind"] == "safety"]
    assert len({fact["customer_id"] for fact in facts}) == 1
    assert len({fact["id"] for fact in facts}) == len(facts)
    assert 40 <= facts[-1]["voices"] <= 48 and facts[-1]["channels"] == 3
    assert [fact["voices"] for fact in facts] == sorted(fact["voices"] for fact in facts)
    assert facts[-1]["kind"] == "safety" and facts[-1]["polarity"] < -0.5
    for fact in facts:
        CustomerFact.model_validate(fact | {"origin": ["models.examples", 5, 0]})


def test_what_people_always_say_is_no_burst() -> None:
    observer, found = Observer(), list[Finding]()
    for n, value in enumerate(surge(400, 4)):
        for voice in value["seen"]:
            voice[1] = int(n * 3 * HOUR * 1000)
        found += observer.step(value, n, 5.0)
    assert max(f.fact["voices"] for f in found if f.fact) <= 12, "eight voices a day, every day"


def test_a_wave_that_comes_back_is_told_again() -> None:
    observer, facts = Observer(), []
    for n, value in enumerate(surge(80)):
        wave = 5 * DAY if n >= 40 else 0.0
        for voice in value["seen"]:
            voice[1] = int((60.0 * n + wave) * 1000)
        facts += [f.fact for f in observer.step(value, n, 5.0) if f.fact]
    late = [fact for fact in facts if fact["occurred_at"] > 4 * DAY * 1000]
    assert late and len({fact["id"] for fact in facts}) == len(facts)
    assert 30 <= late[-1]["voices"] <= 40


def test_a_killed_observer_tells_the_same_of_an_issue() -> None:
    values, observer = surge(), Observer()
    first = [f.fact for n, v in enumerate(values) for f in observer.step(v, n, 5.0) if f.fact]
    half, again = Observer(), Observer()
    for n in range(20):
        half.step(values[n], n, 5.0)
    taken = decode(encode(Snapshot("inputs", 1, half.offset, 0.0, "c", half.state())))
    again.restore(taken.state, taken.offset, taken.version)
    after = [f.fact for n, v in enumerate(values) for f in again.step(v, n, 5.0) if f.fact]
    assert after and after == first[-len(after) :]


def test_one_alert_a_day_for_an_issue_of_thirty_voices_in_eight_partitions() -> None:
    observer, decided = Observer(), []
    engine = Engine(shipped_catalog(None), Limits.model_validate({"global_holdout": 0}))
    states: dict[str, CustomerState] = {}
    partition = PartitionState(0, 1)
    for n, value in enumerate(surge(30)):
        for finding in observer.step(value, n, 60.0 * n):
            if finding.fact is not None:
                decided += engine.process(finding.fact, states, partition, 0)
    arms = [(one.decision["rule_id"], one.decision["arm"]) for one in decided]
    assert arms.count(("cross_channel_burst", "acted")) == 1
    assert not engine.failures


def test_of_a_backlog_the_first_text_of_every_cluster_is_heard() -> None:
    rng, texts = random.Random(5), [f"w{n} x{n} y{n} z{n} 坏了" for n in range(400)]
    entries = [entry(n, 60.0 * n, rng, text) for n, text in enumerate(texts)]
    entries[7][13] = 2
    observer = Observer()
    value = {"from": [0], **observed(entries)}
    assert len(value["seen"]) <= MOST and len(value["seen"]) + len(value["rest"]) == 399
    observer.step(value, 0, 0.0)
    observer.step(value, 1, 0.0)
    again = {
        "from": [1],
        "seen": [entry(n, 60.0 * n, rng, "再说一遍：" + text) for n, text in enumerate(texts)],
    }
    observer.step(again, 2, 0.0)
    told = {alias.issue_id for alias in observer.aliases()}
    assert len(told) == 399 and len(observed(entries[:MOST])) == 1


def test_of_two_thousand_long_texts_nobody_said_before_brokers_take_the_records_and_all_are_heard() -> None:
    rng, mark = random.Random(5), fingerprint("x").minima
    texts = ["".join(chr(rng.randrange(0x4E00, 0x9FA5)) for _ in range(160)) for _ in range(2000)]
    entries = [entry(n, 60.0 * n, rng, text) for n, text in enumerate(texts)]
    for long in entries[::2]:
        long[15] = b2a_base64(rng.randbytes(mark.nbytes), newline=False).decode()
    values = list(records_of(entries))
    assert max(len(dumps(value)) for value in values) < 700_000, "uncompressed; a broker takes a megabyte"
    assert sum(len(value["seen"]) for value in values) <= MOST
    heard = [one[0] for value in values for part in ("seen", "rest") for one in value.get(part, ())]
    assert sorted(heard) == list(range(2000))


def test_a_long_text_is_compared_whole() -> None:
    head = " ".join(f"w{n}" for n in range(60))
    assert len(head) > TEXT
    one, two, three = (head + tail for tail in (" a b c", " a b d", " ".join(f" v{n}" for n in range(400))))
    observer = Observer()
    for number, text in enumerate((one, two, three)):
        words = fingerprint(text)
        held = dict(
            text=text, occurred_at=0, received_at=0, customer_id="c", lang="en", channel="app",
            rating=None, product=None, region=None, cluster_id=words.words, cluster_size=1,
            models={"churn": 1}, scores={"polarity": 0.0, "churn": 0.1, "topics": []},
        )  # fmt: skip
        observer.step({"from": [number], "seen": [observation(held, 0, words)]}, number, 0.0)
    first, second = fingerprint(one).words, fingerprint(two).words
    assert {(a.cluster_id, a.issue_id) for a in observer.aliases()} == {(first, first), (second, first)}
