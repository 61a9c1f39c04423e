"""The article page: the text with its evidence."""

from typing import Final

import msgspec
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from marsad.records import Article, Evidence, TextField, TopicTag
from marsad.records.urls import is_web_url
from marsad_app.web.marks import Mark, Piece, cut, paragraphs
from marsad_app.web.shell import Web

__all__ = ["Reading", "read", "router"]

_COLOURS: Final = 6
"""Colours of the style sheet: ``c0`` to ``c5``."""
_RELATED: Final = 8
_MOST_TEXT: Final = 200_000
"""Code points of text that a page shows."""


class Found(msgspec.Struct, frozen=True):
    """Evidence with the words as they stand in the article."""

    evidence: Evidence
    words: str


class Proof(msgspec.Struct, frozen=True):
    """A topic with its colour and evidence, heaviest first."""

    topic: TopicTag
    colour: str
    found: tuple[Found, ...]


class Reading(msgspec.Struct, frozen=True):
    """An article ready to be shown."""

    title: tuple[Piece, ...]
    lead: tuple[Piece, ...]
    paragraphs: tuple[tuple[Piece, ...], ...]
    proofs: tuple[Proof, ...]
    chosen: str


def _field(article: Article, name: TextField) -> str:
    return {"title": article.title, "lead": article.lead, "text": article.text}[name]


def _found(article: Article, evidence: Evidence) -> Found:
    return Found(evidence, _field(article, evidence.field)[evidence.start : evidence.end])


def _proof(article: Article, topic: TopicTag, number: int) -> Proof:
    found = sorted((_found(article, each) for each in topic.evidence), key=lambda each: -each.evidence.weight)
    return Proof(topic, f"c{number % _COLOURS}", tuple(found))


def read(article: Article, show: str = "all") -> Reading:
    """Mark the evidence in an article.

    Args:
        article: the article.
        show: ``all`` topics, ``none``, or the id of one; ``country:`` or ``entity:`` with an id for those.
    """
    ranked = sorted(article.topics, key=lambda topic: -topic.score)
    proofs = tuple(_proof(article, topic, number) for number, topic in enumerate(ranked))
    spoken = [
        (each.evidence, proof.colour) for proof in proofs if show in {"all", proof.topic.id} for each in proof.found
    ]
    kind, _, wanted = show.partition(":")
    if kind == "country":
        spoken += [(each, "c0") for country in article.countries if country.code == wanted for each in country.evidence]
    if kind == "entity":
        spoken += [(each, "c0") for entity in article.entities if entity.id == wanted for each in entity.evidence]
    marks: dict[TextField, list[Mark]] = {"title": [], "lead": [], "text": []}
    for evidence, colour in spoken:
        marks[evidence.field].append(Mark(evidence.start, evidence.end, colour))
    text = article.text[:_MOST_TEXT]
    beside = article.lead.strip() and not text.lstrip().startswith(article.lead.strip())
    return Reading(
        title=cut(article.title, marks["title"]),
        lead=cut(article.lead, marks["lead"]) if beside else (),
        paragraphs=paragraphs(text, marks["text"] if beside else [*marks["text"], *_moved(article, marks["lead"])]),
        proofs=proofs,
        chosen=show,
    )


def _moved(article: Article, marks: list[Mark]) -> list[Mark]:
    """Marks of a lead that the text begins with, at their places in the text."""
    offset = len(article.text) - len(article.text.lstrip()) - (len(article.lead) - len(article.lead.lstrip()))
    return [Mark(mark.start + offset, mark.end + offset, mark.kind) for mark in marks if mark.start + offset >= 0]


def router(web: Web) -> APIRouter:
    """``/articles/{id}``."""
    routes = APIRouter(include_in_schema=False)
    services = web.services

    @routes.get("/articles/{article_id}")
    def article(request: Request, article_id: str, show: str = "all") -> Response:
        found = services.search.article(article_id) or web.missing("article.gone")
        siblings = services.stories.story_articles(found.story_id) if found.story_id else ()
        others = [each for each in siblings if each.article_id != article_id]
        own_copies = [each for each in others if each.duplicate_of == article_id]
        return web.pages.respond(
            request,
            "article.html",
            article=found,
            reading=read(found, show),
            original=found.url if is_web_url(found.url) else "",
            image=found.image if services.settings.web.images and is_web_url(found.image) else "",
            copies=own_copies,
            others=[each for each in others if each not in own_copies][-_RELATED:],
            copied=services.search.article(found.duplicate_of) if found.duplicate_of else None,
        )

    return routes
