"""Every setting of Hark: read from `HARK_*` environment variables here and nowhere else.

The reference page `ops/docs/settings.md` is generated from these fields.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """Settings of a worker, the gateway and the command line.

    Raises
    ------
    pydantic.ValidationError
        When a variable does not parse; the command line turns it into one sentence.
    """

    model_config = SettingsConfigDict(env_prefix="HARK_", extra="ignore", frozen=True)

    broker: str = Field("127.0.0.1:9092", description="bootstrap servers, host:port, separated by commas")
    client_id: str = Field("hark", description="prefix of Kafka client ids and consumer groups")
    client_rack: str = Field("", description="rack or zone of this process, for fetching from the nearest")
    security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = Field(
        "PLAINTEXT", description="how to talk to the brokers"
    )
    sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = Field(
        "SCRAM-SHA-512", description="SASL mechanism, used when the protocol is SASL_*"
    )
    sasl_username: str = Field("", description="SASL user")
    sasl_password: SecretStr = Field(SecretStr(""), description="SASL password")
    ssl_ca: Path | None = Field(None, description="file with the CA that signed the brokers' certificates")
    ssl_cert: Path | None = Field(None, description="client certificate file, for mutual TLS")
    ssl_key: Path | None = Field(None, description="client key file, for mutual TLS")

    worker_name: str = Field(
        "", description="stable name of this worker: it gets its partitions back at once after a restart"
    )
    partitions: int = Field(8, ge=1, le=4096, description="partitions of every topic keyed by customer")
    replication: int = Field(1, ge=1, description="replication factor of created topics; 3 in production")
    raw_retention_hours: float = Field(72, gt=0, description="how long feedback.raw keeps personal data")
    session_timeout_s: float = Field(10.0, gt=0, description="seconds after which a silent worker is dropped")
    max_poll_records: int = Field(2000, ge=1, description="most events in one slice of a partition")
    poll_ms: int = Field(
        20,
        ge=0,
        description="shortest time between two polls of an agent; what comes meanwhile goes together",
    )
    fetch_max_wait_ms: int = Field(
        100, ge=1, description="longest a broker holds an empty fetch; 20 for the embedded one, which polls"
    )
    compression: Literal["none", "gzip", "lz4", "zstd"] = Field(
        "zstd", description="codec of produced batches; those of less than 8 kB stay as they are"
    )
    linger_ms: int = Field(0, ge=0, description="how long the producer waits to fill a batch")

    clickhouse_url: str = Field("http://127.0.0.1:8123", description="ClickHouse HTTP address")
    clickhouse_user: str = Field("default", description="ClickHouse user")
    clickhouse_password: SecretStr = Field(SecretStr(""), description="ClickHouse password")
    clickhouse_database: str = Field("hark", description="database of Hark's tables")
    archive_linger_s: float = Field(1.0, ge=0, description="longest wait to fill an insert")
    archive_max_rows: int = Field(50_000, ge=1, description="rows that trigger an insert")

    pii_keys: SecretStr = Field(SecretStr(""), description="key ring as JSON; made by `hark keys new`")
    pii_keys_file: Path | None = Field(None, description="file with the key ring, instead of HARK_PII_KEYS")
    pii_operators: str = Field(
        "",
        description="what replaces findings by type, pseudonyms unless told, e.g. PHONE=mask:4,EMAIL=encrypt",
    )
    pii_names: Literal["fast", "thorough"] = Field("fast", description="how names and addresses are found")
    pii_thorough_channels: str = Field(
        "",
        description="channels whose texts get the thorough setting, separated by commas, e.g. ticket,email",
    )
    pii_audit_share: float = Field(
        0.0, ge=0, le=1, description="share of texts the thorough setting reads again, for the audit metric"
    )
    max_event_bytes: int = Field(262_144, ge=1024, description="largest accepted feedback.raw value")
    future_tolerance_s: float = Field(86_400, ge=0, description="how far ahead an event time may lie")
    max_age_days: float = Field(3650 * 2, gt=0, description="oldest accepted event time")
    dead_letter_limit: float = Field(
        0.5, gt=0, le=1, description="share of the last 5,000 events; past it intake stops and alarms"
    )

    customer_limit: int = Field(
        600,
        ge=0,
        description="feedback and facts of a customer scored in a minute, the rest is a flood; 0: no limit",
    )
    dedup_days: float = Field(7, gt=0, description="how long a feedback id is remembered")
    horizon_days: float = Field(30, gt=0, description="days after which silence decides a churn label")
    learning: bool = Field(True, description="false: score with what there is, learn nothing")
    snapshot_seconds: float = Field(2.0, gt=0, description="shortest time between two snapshots of a model")
    promotion: Literal["automatic", "approval"] = Field(
        "automatic", description="whether a better challenger needs a person's word"
    )

    priority_value: float = Field(
        0.5, ge=0, description="exponent of a customer's lifetime value in priority; 0 leaves it out"
    )
    priority_reach: float = Field(
        0.5, ge=0, description="exponent of an issue's reach in priority; 0 leaves it out"
    )
    priority_reach_full: int = Field(100, gt=1, description="voices at which an issue has full reach")
    priority_normal: float = Field(
        0.5, gt=0, le=1, description="urgency's share in priority at level normal, where urgent is 1"
    )
    priority_low: float = Field(0.2, gt=0, le=1, description="urgency's share in priority at level low")
    priority_floor: float = Field(
        0.1, gt=0, le=1, description="least share of value and reach, so that an unknown customer counts"
    )
    value_improvement: float = Field(
        0.35, ge=0, description="α of the value index: weight of improvement adopted (S)"
    )
    value_reputation: float = Field(
        0.4, ge=0, description="β of the value index: weight of the effect on reputation (T)"
    )
    value_lifetime: float = Field(
        0.2, ge=0, description="γ of the value index: weight of the change of lifetime value (R)"
    )

    rules_dir: Path | None = Field(None, description="catalogue folder used until rules.catalog has one")
    rules_approval: bool = Field(False, description="publishing needs an approver other than the author")
    rules_clock: Literal["received", "occurred"] = Field(
        "received", description="time caps, cooldowns and budgets go by; occurred for replayed history"
    )
    rules_patience_s: float = Field(
        60.0,
        ge=0,
        description="how long an absence waits for records out of order; days where a past is played",
    )
    holdout_salt: SecretStr = Field(SecretStr("hark"), description="salt of the holdout assignment")
    global_holdout: float = Field(0.0, ge=0, lt=1, description="share of customers no rule ever touches")
    business_hours: str = Field("09:00-18:00", description="hours in which SLA clocks run")
    business_zone: str = Field("Asia/Shanghai", description="time zone of the business hours")
    sla_clock: Literal["business", "always"] = Field("business", description="which hours SLA clocks count")
    follow_up_file: Path | None = Field(
        None, description="calendars, routing, ladders and retries, instead of the shipped ones"
    )
    tick_seconds: float = Field(
        1.0, gt=0, description="seconds between two looks at timers and parked actions"
    )

    metrics_port: int = Field(0, ge=0, le=65535, description="Prometheus port of a worker; 0 for none")
    metrics_host: str = Field("127.0.0.1", description="address the metrics port binds to")
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field("INFO", description="log level")
    data_dir: Path = Field(Path(".hark"), description="folder of the embedded broker and store")

    gateway_host: str = Field("127.0.0.1", description="address `hark gateway` binds to")
    gateway_port: int = Field(8089, ge=0, le=65535, description="port of `hark gateway`")
    gateway_prefix: str = Field("", description="path a reverse proxy puts the gateway under, e.g. /hark")
    gateway_tokens: SecretStr = Field(
        SecretStr(""), description="bearer tokens as name=token, separated by commas; 16 characters or more"
    )
    gateway_trusted_proxies: str = Field(
        "", description="networks whose X-Forwarded-* headers are believed, separated by commas; nobody's"
    )
    gateway_max_bytes: int = Field(5_242_880, ge=1024, description="largest request body, decompressed")
    gateway_max_lines: int = Field(5_000, ge=1, description="most events in one request")
    gateway_rate: float = Field(500.0, gt=0, description="events a second each token may send")
    gateway_burst: int = Field(5_000, ge=1, description="events a token may send at once")
    gateway_in_flight: int = Field(64, ge=1, description="requests at work at once; more get 503")
    gateway_confirm_s: float = Field(10.0, gt=0, description="longest wait for the brokers' confirmation")
    gateway_body_s: float = Field(30.0, gt=0, description="longest wait for a request's body")
    gateway_drain_s: float = Field(10.0, ge=0, description="time that requests at work get at shutdown")
    gateway_kept_ids: int = Field(
        1_000_000, ge=1, description="event ids kept in memory for repeated Idempotency-Keys, 24 h at most"
    )

    media_dir: Path | None = Field(
        None, description="folder `hark media` reads attachments from; without it only data: URIs are read"
    )
