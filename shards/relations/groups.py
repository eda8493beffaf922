"""Groups of related samples over all shards: the same as `find_duplicates` and `group_related` give in memory.

Equal texts meet by their digests, near ones in bands of their MinHash signatures, quotations by their rare shingles,
people by the hashes of names and identifiers; union-find merges all edges. Memory is a few arrays of one number a
sample, and what one band needs; signatures and shingles stay in the files.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from goldspan.annotation.corpus.containment import pair_contained
from goldspan.annotation.corpus.dedupe import Content, Deduplication, Reason, decide_duplicates, limit_holders, unite
from goldspan.annotation.corpus.minhash import THRESHOLD, connect, find_pairs
from goldspan.annotation.corpus.outline import Outline
from goldspan.annotation.corpus.splits import DEFAULT_RATIOS, Split, assign_groups
from goldspan.shards.relations.outlines import FAMILY, IDENTIFIER, LAYERS, LINK, Layer
from goldspan.shards.relations.table import Numbers, OutlineTable, StoredShingles, StoredSignatures

LAYER_OF: dict[Reason, Layer] = {
    Reason.SAME_TEXT: "text",
    Reason.NEAR_TEXT: "text",
    Reason.SAME_SKELETON: "skeleton",
    Reason.NEAR_SKELETON: "skeleton",
}


def find_stored_duplicates(
    table: OutlineTable, reasons: Sequence[Reason], threshold: float = THRESHOLD
) -> Deduplication:
    """`find_duplicates` over shards."""
    fields = (table.read_field(name).tolist() for name in ("text", "skeleton", "reviewed"))
    contents = [Content(*values) for values in zip(*fields, strict=True)]
    groupings = {reason: _group(table, reason, threshold) for reason in reasons}
    return decide_duplicates(contents, groupings)


def split_stored(
    table: OutlineTable, ratios: Mapping[str, float] = DEFAULT_RATIOS, *, seed: int = 0, threshold: float = THRESHOLD
) -> Split:
    """`split_samples` over shards, without a ledger: splits and groups of the samples in the table's order."""
    ordered = table.sort_by_id()
    groups = group_stored(ordered, threshold)
    outlines = [Outline(name, "", "") for name in ordered.list_ids()]
    made = assign_groups(outlines, groups, ratios, seed=seed)
    back = np.argsort(ordered.order)
    assignment = np.array(made.assignment, dtype=object)[back].tolist()
    return Split(made.names, tuple(assignment), tuple(np.array(made.groups)[back].tolist()))


def group_stored(table: OutlineTable, threshold: float = THRESHOLD) -> Numbers:
    """`group_related` over shards."""
    groupings = [_group(table, reason, threshold) for reason in (Reason.NEAR_TEXT, Reason.NEAR_SKELETON)]
    pairs = [_pair_sharing(table, LINK, len(table))]
    if threshold < 1:
        families = _read_families(table)
        for layer, grouping in zip(LAYERS, groupings, strict=True):
            contained = _pair_contained(table, layer, grouping)
            one, other = families[contained].T
            pairs.append(contained[(one == other) | (one == 0) | (other == 0)])
        pairs.append(_pair_sharing(table, IDENTIFIER, limit_holders(len(table))))
    return unite(len(table), groupings, np.concatenate(pairs))


def _group(table: OutlineTable, reason: Reason, threshold: float) -> Numbers:
    layer = LAYER_OF[reason]
    digests = table.read_field(layer)
    _, first, inverse = np.unique(digests, return_index=True, return_inverse=True)
    equal: Numbers = first[inverse].astype(np.int64)
    if reason in (Reason.SAME_TEXT, Reason.SAME_SKELETON) or len(table) < 2:
        return equal
    near = connect(len(table), find_pairs(StoredSignatures(table, layer), threshold))
    return unite(len(table), [equal, near])


def _read_families(table: OutlineTable) -> NDArray[np.uint64]:
    """The hash of each sample's phrase family, 0 without one."""
    families = np.zeros(len(table), dtype=np.uint64)
    numbers, hashes = table.list_keys(FAMILY)
    families[numbers] = hashes
    return families


def _pair_contained(table: OutlineTable, layer: str, groups: Numbers) -> Numbers:
    leaders = np.unique(groups)
    if len(leaders) < 2:
        return np.empty((0, 2), dtype=np.int64)
    return np.asarray(leaders[pair_contained(StoredShingles(table, layer, leaders))])


def _pair_sharing(table: OutlineTable, kind: int, limit: int) -> Numbers:
    """Each sample with the first one that has the same key, for keys of at most `limit` samples."""
    numbers, hashes = table.list_keys(kind)
    order = np.lexsort((numbers, hashes))
    numbers, hashes = numbers[order], hashes[order]
    _, starts, counts = np.unique(hashes, return_index=True, return_counts=True)
    firsts, holders = np.repeat(numbers[starts], counts), np.repeat(counts, counts)
    kept = holders <= limit
    return np.stack((firsts[kept], numbers[kept]), axis=1).astype(np.int64)
