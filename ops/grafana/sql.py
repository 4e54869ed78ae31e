"""From a documented query with typed parameters to the SQL of a panel."""

from __future__ import annotations

import re

from sinks.clickhouse.queries import load

_PARAMETER = re.compile(r"\{(\w+):[^{}]+\}")

Z = "1.959963984540054"
NOW = "toUnixTimestamp64Milli(now64(3))"
DEFAULTS = {
    "from": "${__from}",
    "to": "${__to}",
    "step": "toUInt32(intDiv(${__interval_ms}, 1000))",
    "now": NOW,
    "z": Z,
    "alpha": "0.05",
    "plan": "5000",
    "rule": "if(${rule:sqlstring} = 'every rule', '', ${rule:sqlstring})",
    "metric": "${metric:sqlstring}",
    "by": "if(${by:sqlstring} = 'whole', '', ${by:sqlstring})",
    "covariate": "'churn'",
}
"""What stands for a parameter unless a panel says otherwise; ${…} is filled in by Grafana."""


def panel_sql(query: str, values: dict[str, str] | None = None) -> str:
    """Return `queries/<query>.sql` with Grafana's variables for its parameters and without comments.

    Parameters
    ----------
    values
        SQL for parameters, on top of `DEFAULTS`.

    Raises
    ------
    KeyError
        When the query has a parameter that nothing stands for, or a value is of no use to it.

    Examples
    --------
    >>> print(panel_sql("dash_rule_changes", {"most": "20"}).splitlines()[-2])
    LIMIT 20
    """
    known = DEFAULTS | (values or {})
    text = load(query)
    if strays := set(values or {}) - set(_PARAMETER.findall(text)):
        raise KeyError(f"{query} has no parameter {', '.join(sorted(strays))}")
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("--")]
    filled = _PARAMETER.sub(lambda found: known[found[1]], "\n".join(lines))
    return f"-- queries/{query}.sql\n{filled.strip()}"
