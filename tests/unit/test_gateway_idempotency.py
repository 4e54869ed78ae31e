"""A request that is sent again: one effect, the same answer and the same ids."""

from __future__ import annotations

import asyncio

import orjson
from gateway_house import GOOD, LAB, WITHOUT_ID, Ask, House

from ops.gateway.idempotency import KEEP_SECONDS


def test_a_repeated_key_gives_the_same_answer_and_publishes_once() -> None:
    house = House()
    body = orjson.dumps(WITHOUT_ID)

    async def scenario(ask: Ask) -> None:
        first, second = [await ask(body, Idempotency_Key="order-1") for _ in range(2)]
        assert first[:2] == second[:2]
        assert second[2].headers["Idempotency-Replayed"] == "true"
        assert len(house.values) == 1
        assert house.values[0]["id"] == first[1]["ids"][0]
        other_key = await ask(body, Idempotency_Key="order-2")
        other_sender = await ask(body, Idempotency_Key="order-1", token=LAB)
        assert len({str(answer["ids"]) for _, answer, _ in (first, other_key, other_sender)}) == 3
        status, _, _ = await ask(orjson.dumps({**WITHOUT_ID, "text": "别的"}), Idempotency_Key="order-1")
        assert status == 422

    house.run(scenario)


def test_ids_are_the_same_in_another_process_and_a_day_later() -> None:
    houses, ids = [House(), House()], []

    async def scenario(ask: Ask) -> None:
        for body in (WITHOUT_ID, {**WITHOUT_ID, "id": None}):
            _, answer, _ = await ask(orjson.dumps(body), Idempotency_Key="order-1")
            ids.append(answer["ids"])
            houses[0].clock.advance(KEEP_SECONDS + 1)
            houses[1].clock.advance(KEEP_SECONDS + 1)

    for house in houses:
        house.run(scenario)
        assert [value["id"] for value in house.values] == [ids[0][0]] * 2
    assert ids == [ids[0]] * 4


def test_two_at_once_with_one_key_are_one() -> None:
    house = House()

    async def scenario(ask: Ask) -> None:
        house.memory.gate.clear()
        pair = [asyncio.create_task(ask(orjson.dumps(WITHOUT_ID), Idempotency_Key="k")) for _ in range(2)]
        while house.memory.calls < 1 or house.gateway._at_work < 2:
            await asyncio.sleep(0)
        house.memory.gate.set()
        first, second = await asyncio.gather(*pair)
        assert first[:2] == second[:2]
        assert house.memory.calls == 1

    house.run(scenario)


def test_kept_answers_are_bounded_by_their_ids() -> None:
    house = House()

    async def scenario(ask: Ask) -> None:
        for number in range(12):
            body = b"\n".join(orjson.dumps({**GOOD, "id": f"{number}-{n}"}) for n in range(10))
            house.clock.advance(60)
            assert (await ask(body, kind="application/x-ndjson", Idempotency_Key=f"k{number}"))[0] == 202
        assert len(house.answers) == 5

    house.run(scenario)
