"""The pass over a text that finds all phrases of an automaton, compiled."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from models.sentiment.compiled import compiled
from models.units import I64, U8

I32 = npt.NDArray[np.int32]

MAX_HITS = 256


@compiled
def scan(data: U8, table: I32, hits: I32) -> int:
    """Write `2 * pattern + negated` of every phrase found to the head of `hits`; returns how many.

    `data` is UTF-16 little endian; `table` is laid out by `automaton._compile`.
    """
    delta, first, outputs, info = table[0], table[1], table[2], table[3]
    negation_1, reach_1, negation_2, reach_2, negation_3, reach_3 = -1, 0, -1, 0, -1, 0
    clause_1, clause_2 = 0, 0
    words = np.uint64(0)
    state = 0
    count = 0
    end = 0
    spaced = False
    length = data.shape[0] >> 1
    for position in range(length):
        entry = table[4 + (np.int64(data[2 * position]) | (np.int64(data[2 * position + 1]) << 8))]
        if entry == -1:
            continue
        symbol = entry & 0xFFFF
        if symbol == 1:
            if spaced:
                continue
            spaced = True
        else:
            spaced = False
        end += 1
        words = (words << np.uint64(1)) | np.uint64(entry >> 16)
        if symbol == 0:
            state = 0
            continue
        state = table[delta + (state << 5) + (symbol >> 5)]
        state = table[delta + (state << 5) + (symbol & 31)]
        low = table[first + state]
        high = table[first + state + 1]
        for index in range(low, high):
            pattern = table[outputs + index]
            row = info + pattern * 4
            size = table[row]
            flags = table[row + 1]
            layer = table[row + 2]
            if flags & 1 and (words >> np.uint64(size)) & np.uint64(1):
                continue
            if flags & 2 and position + 1 < length:
                after = table[
                    4 + (np.int64(data[2 * position + 2]) | (np.int64(data[2 * position + 3]) << 8))
                ]
                if after >> 16 == 1:
                    continue
            if layer == -1:
                negation_3, reach_3 = negation_2, reach_2
                negation_2, reach_2 = negation_1, reach_1
                negation_1, reach_1 = end, table[row + 3]
                continue
            if layer == -2:
                clause_2 = clause_1
                clause_1 = end
                continue
            if count >= 256:
                break
            start = end - size
            negated = 0
            if flags & 4:
                opened = clause_1 if clause_1 <= start else clause_2
                if (
                    (opened < negation_1 <= start and start - negation_1 <= reach_1)
                    or (opened < negation_2 <= start and start - negation_2 <= reach_2)
                    or (opened < negation_3 <= start and start - negation_3 <= reach_3)
                ):
                    negated = 1
            slot = 256 + count * 4
            hits[slot] = pattern * 2 + negated
            hits[slot + 1] = start
            hits[slot + 2] = end
            hits[slot + 3] = layer
            count += 1
    kept = 0
    for i in range(count):
        a = 256 + i * 4
        hidden = False
        # Matches come in order of their end, so only near ones can hold one another.
        for j in range(max(0, i - 24), min(count, i + 24)):
            b = 256 + j * 4
            if (
                hits[b + 3] == hits[a + 3]
                and hits[b + 1] <= hits[a + 1]
                and hits[b + 2] >= hits[a + 2]
                and hits[b + 2] - hits[b + 1] > hits[a + 2] - hits[a + 1]
            ):
                hidden = True
                break
        if not hidden:
            hits[kept] = hits[a]
            kept += 1
    return kept


@compiled
def scan_texts(
    data: U8, ends: I64, first: int, limit: int, table: I32, hits: I32, found: I32, counts: I64
) -> int:
    """Scan texts from number `first` on; returns the number of the first that `found` has no room for."""
    begin = ends[first - 1] if first > 0 else 0
    filled = 0
    for i in range(first, ends.shape[0]):
        if filled + 256 > found.shape[0]:
            return i
        count = scan(data[begin : min(ends[i], begin + limit)], table, hits)
        found[filled : filled + count] = hits[:count]
        filled += count
        counts[i] = count
        begin = ends[i]
    return int(ends.shape[0])
