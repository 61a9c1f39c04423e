"""``marsad stories``."""

from typing import Annotated

import typer

from marsad.errors import ConfigError
from marsad.records import Article, Story
from marsad.records.ids import story_root
from marsad_app.cli.export import article_record
from marsad_app.cli.lazy import example
from marsad_app.cli.opening import OpenStore, existing_store, pick
from marsad_app.cli.output import JsonOption, cell, instant, json_line, note, table
from processors.grouping.explain import explain as explanation

__all__ = ["app"]

app = typer.Typer(
    help="Stories: the reports of one event.", epilog=example("marsad stories list --min-size 3"), no_args_is_help=True
)
_RECENT = 2_000
"""Stories among which an id may be shortened."""


@app.command("list", epilog=example("marsad stories list --min-size 3 --limit 50", "marsad stories list --json"))
def list_stories(
    limit: Annotated[int, typer.Option(min=1, max=1_000, help="Stories shown.")] = 20,
    offset: Annotated[int, typer.Option(min=0, help="Stories passed over.")] = 0,
    min_size: Annotated[int, typer.Option(min=1, help="Articles that a story must have.")] = 1,
    *,
    as_json: Annotated[bool, JsonOption] = False,
) -> None:
    """The stories that were extended last."""
    with existing_store() as store:
        stories = store.stories.latest_stories(limit=limit, offset=offset, min_size=min_size)
    if as_json:
        for story in stories:
            json_line(story)
        return
    if not stories:
        note("no stories")
        return
    table(
        ("id", "last report (UTC)", "articles", "outlets", "topics", "headline"),
        (
            (
                _short(story.story_id),
                instant(story.last_seen_at),
                str(story.size),
                str(len(story.outlets)),
                " ".join(story.topics[:3]),
                story.headline,
            )
            for story in stories
        ),
    )


@app.command(epilog=example("marsad stories show 3f9a21c0", "marsad stories show 3f9a21c0 --json"))
def show(
    story_id: Annotated[str, typer.Argument(metavar="ID", help="The story's id, or its first letters.")],
    *,
    as_json: Annotated[bool, JsonOption] = False,
) -> None:
    """One story with its articles, oldest first."""
    with existing_store() as store:
        story = _find(store, story_id)
        articles = store.stories.story_articles(story.merged_into or story.story_id)
    if as_json:
        json_line({"story": story, "articles": [article_record(article) for article in articles]})
        return
    typer.echo(f"{cell(story.headline)}\n{story.size} articles, {story.texts} texts, {len(story.outlets)} outlets")
    if story.merged_into:
        typer.echo(f"merged into {story.merged_into}")
    if story.split_from:
        typer.echo(f"split from {story.split_from}")
    table(
        ("published (UTC)", "outlet", "copy of", "title"),
        (
            (instant(article.published_at), article.outlet, article.duplicate_of[:8], article.title)
            for article in articles
        ),
    )


@app.command(
    epilog=example("marsad stories explain 3f9a21c0… 77d0be12…", "marsad stories explain 3f9a21c0… 77d0be12… --json")
)
def explain(
    one: Annotated[str, typer.Argument(metavar="A", help="An article's id, or the first letters of a story's.")],
    other: Annotated[str, typer.Argument(metavar="B", help="Another one.")],
    *,
    as_json: Annotated[bool, JsonOption] = False,
) -> None:
    """Why two articles are one story, or why not: every sign with what it weighs. A story stands for its first article."""
    with existing_store() as store:
        first, second = sorted((_article(store, wanted) for wanted in (one, other)), key=lambda each: each.published_at)
        stories = _living(store, first), _living(store, second)
        among = [
            article
            for article in store.stories.story_articles(stories[0])
            if article.article_id not in {first.article_id, second.article_id}
        ]
    together, split = stories[0] == stories[1], story_root(stories[0]) == story_root(stories[1])
    found = explanation(first, second, among)
    copied = first.article_id in {second.duplicate_of, first.duplicate_of} or second.article_id == first.duplicate_of
    if as_json:
        pair = {"a": first.article_id, "b": second.article_id, "one_story": together, "split": split and not together}
        json_line({**pair, "copy": copied, "why": found})
        return
    for name, article in (("A", first), ("B", second)):
        typer.echo(f"{name}  {instant(article.published_at)}  {cell(article.outlet)}: {cell(article.title)}")
    relation = (
        "one story" if together else "two stories, split from one that told two events" if split else "two stories"
    )
    typer.echo(relation + (", one text a copy of the other" if copied else ""))
    typer.echo(f"words in both: {' '.join(map(cell, found.words)) or '-'}")
    for name, those in (("countries", found.countries), ("towns", found.places), ("numbers", found.numbers)):
        typer.echo(f"{name} in both: {' '.join(map(cell, those)) or '-'}")
    rows = [("one event", sign, f"{value:+.2f}") for sign, value in found.event_signs.items()]
    rows += [("one event", "together", f"{found.event:+.2f}")]
    rows += [("copy", sign, f"{value:+.2f}") for sign, value in found.copy_signs.items()]
    rows += [("copy", "together", f"{found.copy:+.2f}")] if found.copy_signs else []
    table(("question", "sign", "log odds"), rows)
    note("log odds: 0 is even, +2.2 nine to one; a story is joined by what its members say together")


def _article(store: OpenStore, wanted: str) -> Article:
    """An article by its id, or the first one of a story.

    Raises:
        ConfigError: there is none.
    """
    article = store.search.article(wanted)
    if article is not None:
        return article
    articles = store.stories.story_articles(_find(store, wanted).story_id)
    if not articles:
        raise ConfigError(f"the story {wanted} has no article any more")
    return articles[0]


def _short(story_id: str) -> str:
    root = story_root(story_id)
    return root[:8] + story_id.removeprefix(root)


def _living(store: OpenStore, article: Article) -> str:
    """The story that an article is part of now."""
    story = store.stories.story(article.story_id)
    return (story.merged_into if story is not None else "") or article.story_id


def _find(store: OpenStore, wanted: str) -> Story:
    story = store.stories.story(wanted)
    if story is not None:
        return story
    root = story_root(wanted)
    alike = (
        (story.story_id, story)
        for story in store.stories.latest_stories(limit=_RECENT)
        if bool(story.split_from) == (root != wanted)
    )
    try:
        return pick("story", root, alike)
    except ConfigError as error:
        raise ConfigError(f"{error}; `marsad stories list` shows the latest") from error
