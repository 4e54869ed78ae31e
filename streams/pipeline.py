"""The pipeline, agent by agent. Read this first.

    feedback.raw, customers.events, outcomes, labels
    actions.status
        ──intake──▶ feedback.masked     each customer's own log, no personal data from here on
        ──score───▶ feedback.scored     duplicates dropped; sentiment, topics, urgency, propensities
        ──decide──▶ decisions, actions.<kind>, holdouts
    models.examples ──learn──▶ models.snapshots, topics.tags, feedback.issues ──▶ every scorer
    actions.*, actions.status, feedback.scored
        ──follow_up──▶ work.orders, actions.escalation, actions.notify, retries, alerts
    everything but raw ──archive──▶ ClickHouse

Each agent is one Faust app with its own consumer group; `build` makes the chosen ones for a
worker process. What an agent does with a slice lives in `streams.agents`, what that means in
`models` and `rules`.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from functools import partial

from models.churn.delayed import DelayedLabels
from models.follow_up import CalendarError, Desk, Follower, Policy, PolicyError, load_policy
from models.identity import Links
from models.intake import Admission, FactAdmission, Limits, LinkAdmission, StatusAdmission
from models.near_duplicate import ClusterIndex
from models.scoring.model_set import ModelSet
from models.scoring.scorer import Scorer
from models.scoring.targets import targets
from models.topics.analyser import Analyser
from rules.engine import Engine
from rules.limits import load_limits
from sinks.base import Rejected
from sinks.clickhouse.sink import ClickHouseSink
from streams import metrics
from streams.agents import archive, decide, follow_up, intake, learn, score
from streams.app import Handler
from streams.broadcast import Handler as RecordHandler
from streams.catalog import LIMITS, LiveCatalog, shipped_catalog
from streams.dead_letters import FloodGuard
from streams.history import fetch
from streams.issues import LiveIssues
from streams.masking import field_mask
from streams.readiness import NotReady
from streams.runner import SliceRunner
from streams.runtime import Runtime
from streams.settings import Settings
from streams.step import Ahead, Step
from streams.ticks import TimedRunner
from streams.topics import (
    ACTION_STATUS,
    CUSTOMER_EVENTS,
    CUSTOMER_LINKS,
    ISSUES,
    LABELS,
    OUTCOMES,
    RULES_CATALOG,
    SNAPSHOTS,
    TOPIC_TAGS,
)
from streams.weights import priority_weights

log = logging.getLogger(__name__)

DAY_MS = 86_400_000
CLUSTERS = 4096
"""Clusters of near-identical texts a partition remembers; 700 bytes each."""

Built = tuple[Sequence[str], Handler]


def build_intake(run: Runtime) -> Built:
    """From what producers send to masked records of customers' logs and dead letters."""
    settings, mask, links = run.settings, field_mask(run.settings), Links()
    limits = Limits(
        settings.max_event_bytes, int(settings.future_tolerance_s * 1000), int(settings.max_age_days * DAY_MS)
    )
    joined = LinkAdmission(mask, links, limits)
    facts = {
        CUSTOMER_EVENTS: FactAdmission("customer", mask, limits).step,
        OUTCOMES: FactAdmission("outcome", mask, limits).step,
        LABELS: FactAdmission("label", mask, limits).step,
        CUSTOMER_LINKS: joined.step,
        ACTION_STATUS: StatusAdmission(mask, limits).step,
    }
    run.follow(CUSTOMER_LINKS, link_handler(joined))
    guard = FloodGuard(settings.dead_letter_limit)
    step = intake.IntakeStep(Admission(mask, links, limits), facts, guard, run.clock, joined.forgotten)
    return intake.TOPICS, stateless(run, "intake", step)


def link_handler(links: LinkAdmission) -> RecordHandler:
    """Return what applies records of `customers.links`; malformed ones are passed over here.

    Every worker follows the links; the one that owns the topic also makes them facts and dead letters.
    """

    def apply(key: bytes | None, value: bytes | None) -> None:
        if refused := links.apply(key, value):
            log.error("a record of %s is refused: %s", CUSTOMER_LINKS, refused.reason)

    return apply


def build_score(run: Runtime) -> Built:
    """From customers' logs to scored logs and training examples."""
    settings, models = run.settings, ModelSet()
    models.warm()
    run.shelf.sets.append(models)
    run.follow(SNAPSHOTS, run.shelf.apply)
    analyser = Analyser()
    run.tags.installers.append(analyser.apply_tags)
    run.follow(TOPIC_TAGS, run.tags.apply)
    issues = LiveIssues()
    run.follow(ISSUES, issues.apply)
    declared = targets(settings.horizon_days)
    policy = follow_up_policy(settings)
    scorer = Scorer(
        models,
        analyser,
        priority_weights(settings),
        learning=settings.learning,
        response_ms=policy.response.of,
    )
    step = score.ScoreStep(
        scorer,
        run.clock,
        settings.dedup_days * 86_400.0,
        lambda entries: DelayedLabels(declared, entries, limit=2, spacing=7 * 86_400.0),
        lambda: ClusterIndex(CLUSTERS),
        observing=settings.learning,
        limit=settings.customer_limit,
        issue_of=issues.issue_of,
    )
    return score.TOPICS, stateful(run, "score", step, step.ahead)


def build_decide(run: Runtime) -> Built:
    """From scored logs to decisions, actions and assignments."""
    settings = run.settings
    changes = {
        "clock": settings.rules_clock,
        "patience": int(settings.rules_patience_s * 1000),
        "global_holdout": settings.global_holdout,
        "salt": settings.holdout_salt.get_secret_value(),
    }
    limits = load_limits(LIMITS).model_copy(update=changes)
    engine = Engine(shipped_catalog(settings.rules_dir), limits)
    run.follow(RULES_CATALOG, LiveCatalog(engine).apply)
    step = decide.DecideStep(engine, settings.partitions, run.clock)
    state, every = run.changelog("decide"), settings.tick_seconds
    runner = TimedRunner("decide", step, run.batches, run.layout, run.clock, state, every, patience_ms=0)
    return decide.TOPICS, runner


def build_follow_up(run: Runtime) -> Built:
    """From actions and what services answer to work orders, escalations and notices."""
    settings = run.settings
    policy = follow_up_policy(settings)
    try:
        always = settings.sla_clock == "always"
        desk = Desk(policy, settings.business_hours, settings.business_zone, always=always)
    except CalendarError as error:
        raise NotReady(f"work orders cannot be followed up: {error}") from error
    step = follow_up.FollowUpStep(Follower(desk), run.clock, policy.most_orders)
    changes, every = run.changelog("follow_up"), settings.tick_seconds
    runner = TimedRunner("follow_up", step, run.batches, run.layout, run.clock, changes, every)
    return follow_up.TOPICS, runner


def follow_up_policy(settings: Settings) -> Policy:
    """Return response targets, calendars, routing and ladders; raises NotReady when the file is wrong."""
    try:
        return load_policy(settings.follow_up_file)
    except PolicyError as error:
        raise NotReady(f"work orders cannot be followed up: {error}") from error


def build_learn(run: Runtime) -> Built:
    """From training examples to snapshots, figures, alerts and suggested tags."""
    run.follow(SNAPSHOTS, run.shelf.apply)
    run.follow(TOPIC_TAGS, run.tags.apply)
    handler = learn.Learn(
        run.shelf,
        run.batches,
        run.layout,
        run.clock,
        run.settings.snapshot_seconds,
        automatic=run.settings.promotion == "automatic",
        tags=run.tags,
        earlier=partial(fetch, run.open_reader),
    )
    return learn.TOPICS, handler


def build_archive(run: Runtime) -> Built:
    """Everything but raw goes to ClickHouse."""
    settings = run.settings
    rejected: list[Rejected] = []
    sink = ClickHouseSink(
        settings.clickhouse_url,
        settings.clickhouse_user,
        settings.clickhouse_password.get_secret_value(),
        settings.clickhouse_database,
        on_rejected=rejected.append,
        on_retry=metrics.SINK_ERRORS.inc,
    )
    linger, most = settings.archive_linger_s, settings.archive_max_rows
    handler = archive.Archive(
        sink, rejected, run.batches, run.layout, run.clock, run.cluster_id, linger, most
    )
    return archive.TOPICS, handler


AGENTS: dict[str, Callable[[Runtime], Built]] = {
    "intake": build_intake,
    "score": build_score,
    "decide": build_decide,
    "follow_up": build_follow_up,
    "learn": build_learn,
    "archive": build_archive,
}
"""Every agent by name, in the order events meet them."""


def stateless(run: Runtime, agent: str, step: Step) -> SliceRunner:
    """Return a runner without partition state."""
    return SliceRunner(agent, step, run.batches, run.layout, run.clock)


def stateful(run: Runtime, agent: str, step: Step, ahead: Ahead | None = None) -> SliceRunner:
    """Return a runner whose partition state lives on `state.<agent>`."""
    log = run.changelog(agent)
    return SliceRunner(agent, step, run.batches, run.layout, run.clock, log, ahead=ahead)
