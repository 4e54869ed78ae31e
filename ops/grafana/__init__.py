"""Grafana dashboards as code: `python -m ops.grafana.build` writes the JSON that Grafana provisions."""
