"""The gateway's settings: proxies it trusts, tokens it takes, what it says when they do not parse."""

from __future__ import annotations

import orjson
import pytest
import typer
from gateway_house import GOOD, LAB, SHOP, Ask, House
from typer.testing import CliRunner

from ops.commands.gateway import gateway
from ops.failures import UserError
from ops.gateway.proxies import Proxies
from ops.gateway.tokens import Bucket, Tokens


def test_behind_a_proxy() -> None:
    house = House(prefix="/hark")
    said = {"X_Forwarded_Proto": "https", "X_Forwarded_Host": "api.example.com"}

    async def scenario(ask: Ask) -> None:
        assert (await ask(orjson.dumps(GOOD)))[0] == 404
        assert (await ask(orjson.dumps(GOOD), path="/hark/v1/feedback"))[0] == 202
        _, answer, _ = await ask(path="/hark/v1/openapi.json", method="GET", **said)
        assert answer["servers"] == [{"url": "https://api.example.com/hark"}]
        _, answer, _ = await ask(
            path="/hark/v1/openapi.json", method="GET", X_Forwarded_Proto="ftp", X_Forwarded_Prefix="/<b>"
        )
        assert answer["servers"] == [{"url": "/hark"}]

    house.run(scenario)


def test_nobody_is_trusted_by_default() -> None:
    proxies = Proxies("", "")
    assert proxies.public_url("127.0.0.1", {"X-Forwarded-Proto": "https", "X-Forwarded-Host": "evil"}) == ""


@pytest.mark.parametrize(("networks", "prefix"), [("10.0.0.0/99", ""), ("", "hark"), ("", "/a b")])
def test_proxy_settings_that_do_not_parse(networks: str, prefix: str) -> None:
    with pytest.raises(UserError, match="HARK_GATEWAY_"):
        Proxies(networks, prefix)


@pytest.mark.parametrize(
    "text", ["", " , ", "shop", "shop=", "shop=short", f"a b={SHOP}", f"shop={SHOP},shop={LAB}"]
)
def test_token_settings_that_do_not_parse_are_refused_without_quoting(text: str) -> None:
    with pytest.raises(UserError) as problem:
        Tokens.parse(text, lambda: Bucket(1, 1, lambda: 0.0))
    assert SHOP not in str(problem.value)


@pytest.mark.parametrize("tokens", ["", "shop=short"])
def test_without_tokens_the_command_says_so_in_one_sentence(
    tokens: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HARK_GATEWAY_TOKENS", tokens)
    app = typer.Typer()
    app.command()(gateway)
    result = CliRunner().invoke(app, [])
    assert result.exit_code == 1
    assert result.output.startswith("hark: ")
    assert result.output.count("\n") == 1
