"""``marsad stories``."""

from typing import Annotated

import typer

from marsad.errors import ConfigError
from marsad.records import Story
from marsad_app.cli.export import article_record
from marsad_app.cli.lazy import example
from marsad_app.cli.opening import OpenStore, existing_store, pick
from marsad_app.cli.output import JsonOption, cell, instant, json_line, note, table

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
                story.story_id[:8],
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
        articles = store.stories.story_articles(story.story_id)
    if as_json:
        json_line({"story": story, "articles": [article_record(article) for article in articles]})
        return
    typer.echo(f"{cell(story.headline)}\n{story.size} articles, {story.texts} texts, {len(story.outlets)} outlets")
    if story.merged_into:
        typer.echo(f"merged into {story.merged_into}")
    table(
        ("published (UTC)", "outlet", "copy of", "title"),
        (
            (instant(article.published_at), article.outlet, article.duplicate_of[:8], article.title)
            for article in articles
        ),
    )


def _find(store: OpenStore, wanted: str) -> Story:
    story = store.stories.story(wanted)
    if story is not None:
        return story
    try:
        return pick("story", wanted, ((story.story_id, story) for story in store.stories.latest_stories(limit=_RECENT)))
    except ConfigError as error:
        raise ConfigError(f"{error}; `marsad stories list` shows the latest") from error
