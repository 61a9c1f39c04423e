"""Topics: the list, the editor with its dry run, and the trail of changes."""

from collections.abc import Iterator
from typing import Annotated, Final

import msgspec
from fastapi import APIRouter, Depends, Query
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import Response

from marsad.errors import ConfigError, TopicFileError
from marsad.query.ast import MatchAll
from marsad.records import Article
from marsad.taxonomy import Topic
from marsad_app.topic_files import TopicFiles, fingerprint
from marsad_app.topic_trial import Trial, tried
from marsad_app.web.explaining import explain
from marsad_app.web.services import Services
from marsad_app.web.shell import Web, field, see
from marsad_app.web.texts import Texts

__all__ = ["router"]

_TRIED: Final = 500
"""Articles of a dry run on the page: a second of work."""
_AT_ONCE: Final = 100
_EXAMPLES: Final = 20
_CHANGES: Final = 50
_TEMPLATE: Final = """id = "{id}"
names = {{ ar = "", en = "", fr = "" }}
definition = ""
threshold = 6.0

[[term]]
weight = 3.0
any = [""]

[[positive]]
title = ""

[[negative]]
title = ""
"""


class _Draft(msgspec.Struct, frozen=True, kw_only=True):
    """A topic's file as it is typed into the form."""

    id: str
    content: str
    seen: str
    own: bool
    shipped: bool
    by: str = ""
    note: str = ""


class _Editor:
    """Shows the form, tries what it holds, and saves it."""

    def __init__(self, web: Web) -> None:
        self._web = web
        self._services = web.services
        self.files = TopicFiles(web.services.settings.process.topics_dir, web.services.clock)

    def draft(self, topic_id: str, *, new: bool = False) -> _Draft:
        files = self.files
        current = files.current(topic_id)
        if not current and not new:
            self._web.missing("topics.gone")
        return _Draft(
            id=topic_id,
            content=current or _TEMPLATE.format(id=topic_id),
            seen=fingerprint(current),
            own=bool(files.own(topic_id)),
            shipped=bool(files.shipped(topic_id)),
        )

    def show(self, request: Request, draft: _Draft, problem: str = "", trial: Trial | None = None) -> Response:
        return self._web.pages.respond(
            request,
            "topic.html",
            status=400 if problem else 200,
            draft=draft,
            problem=problem,
            trial=trial,
            writable=self.files.writable,
            changes=self.files.changes(draft.id)[:_CHANGES],
        )

    def take(self, request: Request, topic_id: str, sent: FormData) -> Response:
        """Do what the button says."""
        action = field(sent, "action")
        known = self.draft(topic_id, new=True)
        draft = msgspec.structs.replace(
            known,
            content="" if action == "restore" else field(sent, "content").replace("\r\n", "\n") + "\n",
            seen=field(sent, "seen"),
            by=field(sent, "by"),
            note=field(sent, "note"),
        )
        try:
            if action == "try":
                return self.show(request, draft, trial=self._trial(draft))
            self.files.save(topic_id, draft.content, by=draft.by, note=draft.note or action, seen=draft.seen)
        except ConfigError as error:
            return self.show(request, draft, problem=_told(error, topic_id, self._web.pages.texts(request)))
        return see("/topics" if action == "restore" else f"/topics/{topic_id}", "saved")

    def _trial(self, draft: _Draft) -> Trial:
        learned = self._services.settings.process.learned_topics
        topic, taxonomy = self.files.proposed(draft.id, draft.content, learned=learned)
        return tried(topic.id, taxonomy, _newest(self._services), _EXAMPLES)


def _told(error: ConfigError, topic_id: str, texts: Texts) -> str:
    """What is wrong, in the reader's language; with the line, and the file where it is another one of the folder."""
    if not isinstance(error, TopicFileError):
        return explain(str(error), texts.language)[0]
    fault, at, place = error.reason.rpartition(" - at ")
    reason, _ = explain(fault or place, texts.language)
    if at:
        reason = texts("topics.place", reason=reason, place=explain(place, texts.language)[0])
    placed = texts("topics.line", n=error.line, reason=reason) if error.line else reason
    return placed if error.path.stem == topic_id else texts("topics.file", file=error.path.name, reason=placed)


def _newest(services: Services) -> Iterator[Article]:
    for offset in range(0, _TRIED, _AT_ONCE):
        hits = services.search.search(MatchAll(), sort="date", limit=_AT_ONCE, offset=offset).hits
        yield from (hit.article for hit in hits)
        if len(hits) < _AT_ONCE:
            return


def _terms(topic: Topic) -> int:
    return sum(len(term.any) or 1 for term in topic.term) + len(topic.near)


def router(web: Web) -> APIRouter:
    """``/topics``."""
    routes = APIRouter(prefix="/topics", include_in_schema=False)
    editor = _Editor(web)

    @routes.get("")
    def topics(request: Request) -> Response:
        taxonomy = web.services.taxonomy
        return web.pages.respond(
            request,
            "topics.html",
            topics=taxonomy.topics,
            own=taxonomy.own,
            counts={topic.id: _terms(topic) for topic in taxonomy.topics},
            writable=editor.files.writable,
            changes=editor.files.changes()[:_CHANGES],
        )

    @routes.get("/new", dependencies=[Depends(web.writer)])
    def new(
        request: Request, topic_id: Annotated[str, Query(alias="id", pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")]
    ) -> Response:
        return editor.show(request, editor.draft(topic_id, new=True))

    @routes.get("/{topic_id}")
    def edit(request: Request, topic_id: str) -> Response:
        return editor.show(request, editor.draft(topic_id))

    # Plain functions run in a thread of their own, so that a dry run never holds up other requests.
    @routes.post("/{topic_id}")
    def change(request: Request, topic_id: str, sent: Annotated[FormData, Depends(web.posted)]) -> Response:
        return editor.take(request, topic_id, sent)

    @routes.post("/changes/{change_id}/undo")
    def undo(request: Request, change_id: str, sent: Annotated[FormData, Depends(web.posted)]) -> Response:
        editor.files.undo(change_id, by=field(sent, "by"))
        return see("/topics", "undone")

    return routes
