"""Indices made anew in the shape that is wanted now, while they are read and written.

An index is copied into a new one whose name holds its shape; what was written meanwhile is copied after it; then, with writes
held back for a moment (the index service waits and tries again), the rest; then readers are led to the new one, and a second later
the old index goes and its name becomes an alias of the new one. Readers see the one or the other, never both and never none. Documents keep their external
versions, so that copying twice changes nothing and a run that was cut off can be repeated.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final, Literal

import msgspec
from elasticsearch import Elasticsearch

from marsad.config import ElasticsearchSettings
from marsad.errors import StoreError
from sinks.index.articles import put_documents
from sinks.index.client import explained
from sinks.index.document import (
    BOARDS,
    board_index,
    document_of,
    index_pattern,
    read_alias,
    story_document_of,
    story_index,
)
from sinks.index.mapping import ensure_templates, shape_of, templates
from sinks.index.reading import Source, article_of, story_of

__all__ = ["IndexState", "Reindexed", "check_indices", "reindex"]

_BATCH: Final = 500
_FEW: Final = 200
_MOST_ROUNDS: Final = 20
# A search that has found out which indices to ask asks them within milliseconds, and fails if one is gone by then.
_GRACE_S: Final = 1.0
_SHAPE_LETTERS: Final = 8

Kind = Literal["articles", "stories", "board"]
Told = Callable[[str, int, int], None]
"""Told which index, how many documents are copied, and how many there are."""


class IndexState(msgspec.Struct, frozen=True, kw_only=True):
    """An index as it is.

    Attributes:
        name: under which it is written.
        index: the index itself; another name once it was made anew.
        kind: what it holds.
        template: the template that it should follow.
        documents: in it.
        bytes: on disk, copies included.
        current: whether it has the shape that its template gives now.
        problem: what else is wrong, in a few words.
    """

    name: str
    index: str
    kind: Kind
    template: str
    documents: int
    bytes: int
    current: bool
    problem: str = ""


class Reindexed(msgspec.Struct, frozen=True):
    """An index that was made anew: its name, the new index, and how many documents it has."""

    name: str
    index: str
    documents: int


def check_indices(client: Elasticsearch, settings: ElasticsearchSettings) -> list[IndexState]:
    """Every index of ours, by name.

    Raises:
        StoreError: the cluster cannot be reached or refuses.
    """
    with explained(settings):
        return sorted(_states(client, settings), key=lambda state: state.name)


def reindex(
    client: Elasticsearch,
    settings: ElasticsearchSettings,
    *,
    every: bool,
    told: Told,
    wait: Callable[[float], object] = time.sleep,
) -> Iterator[Reindexed]:
    """Make the indices anew that are of an older shape.

    Args:
        client: of the cluster.
        settings: names of the indices.
        every: also those that are as they should be.
        told: of the progress.
        wait: rests for so many seconds.

    Yields:
        Each index once it is done.

    Raises:
        StoreError: the cluster cannot be reached or refuses; indices that are done stay done.
    """
    ensure_templates(client, settings)
    for state in check_indices(client, settings):
        if every or not state.current:
            with explained(settings):
                found = _Anew(client, settings, state, told, wait).run()
            yield found


def _states(client: Elasticsearch, settings: ElasticsearchSettings) -> Iterator[IndexState]:
    wanted = {name: shape_of(body) for name, body in templates(settings).items()}
    for name, template, kind in _names(client, settings):
        found = client.indices.get(index=name).body
        if len(found) != 1:
            raise StoreError(f"{name} stands for {len(found)} indices; it must be one")
        index, told = next(iter(found.items()))
        stats = client.indices.stats(index=index, metric=["docs", "store"])["_all"]["total"]
        count = client.count(index=index)["count"]
        shape = (told["mappings"].get("_meta") or {}).get("shape", "")
        missing = kind == "articles" and read_alias(settings.prefix) not in told["aliases"]
        yield IndexState(
            name=name,
            index=index,
            kind=kind,
            template=template,
            documents=int(count),
            bytes=int(stats.get("store", {}).get("size_in_bytes", 0)),
            current=shape == wanted[template],
            problem="not searched: its alias is missing" if missing else _blocked(told),
        )


def _blocked(told: dict[str, Any]) -> str:
    blocks = told["settings"]["index"].get("blocks", {})
    return "writing is blocked" if str(blocks.get("write", "false")) == "true" else ""


def _names(client: Elasticsearch, settings: ElasticsearchSettings) -> Iterator[tuple[str, str, Kind]]:
    """The names under which is written, each with its template and what lies there."""
    prefix = settings.prefix
    months = client.indices.get(index=index_pattern(prefix), ignore_unavailable=True, allow_no_indices=True).body
    names = {index for index in months if index.startswith(f"{read_alias(prefix)}-")}
    names |= {
        alias for told in months.values() for alias in told["aliases"] if alias.startswith(f"{read_alias(prefix)}-")
    }
    yield from ((name, read_alias(prefix), "articles") for name in sorted(names))
    others: list[tuple[str, Kind]] = [(story_index(prefix), "stories")]
    others += [(board_index(board, prefix), "board") for board in BOARDS]
    for name, kind in others:
        if client.indices.exists(index=name):
            yield name, name, kind


class _Anew:
    """One index on its way."""

    def __init__(
        self,
        client: Elasticsearch,
        settings: ElasticsearchSettings,
        state: IndexState,
        told: Told,
        wait: Callable[[float], object],
    ) -> None:
        self._wait = wait
        self._client = client
        self._settings = settings
        self._state = state
        self._told = told
        self._template = templates(settings)[state.template]
        shape = shape_of(self._template)[:_SHAPE_LETTERS]
        # No template matches this name, so that nobody finds it before its time.
        suffix = state.name.removeprefix(f"{settings.prefix}-")
        wanted = f"{settings.prefix}-{shape}-{suffix}"
        self._new = wanted if wanted != state.index else f"{settings.prefix}-{shape}x-{suffix}"
        self._copied = 0

    def run(self) -> Reindexed:
        self._make()
        after = self._copy_all()
        self._settle_writes(after)
        return Reindexed(self._state.name, self._new, int(self._client.count(index=self._new)["count"]))

    def _make(self) -> None:
        if self._client.indices.exists(index=self._new):
            return
        template = self._template["template"]
        self._client.indices.create(index=self._new, settings=template["settings"], mappings=template["mappings"])

    def _copy_all(self) -> int:
        """Copy until little has come since; the number after which that is."""
        reached = -1
        for _ in range(_MOST_ROUNDS):
            last = self._last_number()
            if self._copy(reached) < _FEW:
                return min(reached, last) if reached >= 0 else last
            reached = last
        return reached

    def _settle_writes(self, after: int) -> None:
        """With writes held back: the rest, what was deleted, and the change of names."""
        old = self._state.index
        self._client.indices.put_settings(index=old, settings={"index.blocks.write": True})
        try:
            self._copy(after)
            self._client.indices.refresh(index=self._new)
            self._drop_deleted()
            self._change_names(old)
        except BaseException:
            self._client.options(ignore_status=404).indices.put_settings(
                index=old, settings={"index.blocks.write": None}
            )
            raise

    def _change_names(self, old: str) -> None:
        """Readers first; the old index goes once the searches that had begun in it are done."""
        if self._state.kind == "articles":
            alias = read_alias(self._settings.prefix)
            self._client.indices.update_aliases(
                actions=[
                    {"add": {"index": self._new, "alias": alias}},
                    {"remove": {"index": old, "alias": alias, "must_exist": False}},
                ]
            )
            self._wait(_GRACE_S)
        self._client.indices.update_aliases(
            actions=[
                {"remove_index": {"index": old}},
                {"add": {"index": self._new, "alias": self._state.name}},
            ]
        )

    def _last_number(self) -> int:
        """A sequence number that every shard has passed."""
        shards = self._client.indices.stats(index=self._state.index, level="shards")["indices"][self._state.index]
        return min(int(copy["seq_no"]["max_seq_no"]) for copies in shards["shards"].values() for copy in copies)

    def _copy(self, after: int) -> int:
        """Copy what was written after a sequence number; how much that was."""
        self._client.indices.refresh(index=self._state.index)
        count = 0
        for hits in self._pages(self._state.index, {"range": {"_seq_no": {"gt": after}}}, version=True):
            put_documents(self._client, self._settings, map(self._operation, hits))
            count += len(hits)
            self._copied += len(hits)
            self._told(self._state.name, self._copied, max(self._state.documents, self._copied))
        return count

    def _pages(self, index: str, query: dict[str, Any], **request: Any) -> Iterator[Sequence[dict[str, Any]]]:
        """All matching documents as they are at this moment, some hundred at a time."""
        opened = self._client.open_point_in_time(index=index, keep_alive="5m")["id"]
        try:
            after: list[Any] | None = None
            while True:
                more: dict[str, Any] = {} if after is None else {"search_after": after}
                hits = self._client.search(
                    pit={"id": opened, "keep_alive": "5m"},
                    query=query,
                    sort=["_shard_doc"],
                    size=_BATCH,
                    track_total_hits=False,
                    **more,
                    **request,
                )["hits"]["hits"]
                if hits:
                    yield hits
                if len(hits) < _BATCH:
                    return
                after = hits[-1]["sort"]
        finally:
            self._client.options(ignore_status=404).close_point_in_time(id=opened)

    def _operation(self, hit: dict[str, Any]) -> tuple[dict[str, Any], bytes]:
        target = {
            "_index": self._new, "_id": hit["_id"], "version": hit["_version"], "version_type": "external_gte",
        }  # fmt: skip
        return {"index": target}, _document(self._state.kind, hit["_source"])

    def _drop_deleted(self) -> None:
        """Take away what was deleted after it was copied."""
        there, here = (int(self._client.count(index=index)["count"]) for index in (self._state.index, self._new))
        if there == here:
            return
        for hits in self._pages(self._new, {"match_all": {}}, source=False):
            ids = [hit["_id"] for hit in hits]
            kept = self._client.mget(index=self._state.index, ids=ids, source=False)["docs"]
            for doc in kept:
                if not doc.get("found"):
                    self._client.delete(index=self._new, id=doc["_id"])


def _document(kind: Kind, source: Source) -> bytes:
    """The document as it is made now."""
    if kind == "articles":
        return document_of(article_of(source))
    return story_document_of(story_of(source)) if kind == "stories" else msgspec.json.encode(source)
