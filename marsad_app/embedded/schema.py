"""The tables of the embedded store, as numbered steps. A step that was released is never edited: the next one mends it.

Records lie in ``data`` in their wire form, deflated; the other columns are what queries need. Instants are Unix seconds, UTC.
"""

__all__ = ["MIGRATIONS", "VERSION"]

_V1 = """
CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;

CREATE TABLE feeds (feed_id TEXT PRIMARY KEY, data BLOB NOT NULL) WITHOUT ROWID;

CREATE TABLE feed_states (feed_id TEXT PRIMARY KEY, next_poll_at REAL, data BLOB NOT NULL) WITHOUT ROWID;

-- seq orders the work; stage is page (its article page is still to be read), ready, or done with an outcome.
CREATE TABLE entries (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    entry_id TEXT NOT NULL,
    revision INTEGER NOT NULL,
    feed_id TEXT NOT NULL,
    stage TEXT NOT NULL CHECK (stage IN ('page', 'ready', 'done')),
    due REAL NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0,
    outcome TEXT NOT NULL DEFAULT '',
    reason TEXT NOT NULL DEFAULT '',
    first_seen INTEGER NOT NULL,
    data BLOB NOT NULL,
    UNIQUE (entry_id, revision)
);
CREATE INDEX entries_work ON entries (stage, due, seq) WHERE stage <> 'done';
CREATE INDEX entries_age ON entries (first_seen) WHERE stage = 'done';

-- added counts up as articles come in and stays with an article through its revisions.
-- docid is (published << 20) + 20 bits of the article id, so that full-text rows come out in order of time.
-- Records lie apart in bodies: counting facets then reads 30 rows of a page instead of one.
CREATE TABLE articles (
    docid INTEGER PRIMARY KEY,
    article_id TEXT NOT NULL UNIQUE,
    published INTEGER NOT NULL,
    added INTEGER NOT NULL,
    first_seen INTEGER NOT NULL,
    best_score REAL NOT NULL,
    outlet TEXT NOT NULL,
    topics TEXT NOT NULL,
    countries TEXT NOT NULL,
    story_id TEXT NOT NULL,
    duplicate_of TEXT NOT NULL,
    revision INTEGER NOT NULL
);
CREATE TABLE bodies (docid INTEGER PRIMARY KEY, data BLOB NOT NULL);
CREATE INDEX articles_story ON articles (story_id);
CREATE UNIQUE INDEX articles_added ON articles (added);

CREATE TABLE stories (story_id TEXT PRIMARY KEY, last_seen INTEGER NOT NULL, size INTEGER NOT NULL, data BLOB NOT NULL) WITHOUT ROWID;
CREATE INDEX stories_latest ON stories (last_seen DESC, story_id);

CREATE TABLE subscriptions (subscription_id TEXT PRIMARY KEY, created REAL NOT NULL, data BLOB NOT NULL) WITHOUT ROWID;

CREATE TABLE alerts (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    alert_id TEXT NOT NULL UNIQUE,
    subscription_id TEXT NOT NULL,
    at REAL NOT NULL,
    data BLOB NOT NULL
);
CREATE INDEX alerts_subscription ON alerts (subscription_id, seq);

CREATE TABLE deliveries (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    delivery_id TEXT NOT NULL UNIQUE,
    alert_id TEXT NOT NULL,
    subscription_id TEXT NOT NULL,
    state TEXT NOT NULL,
    next_try REAL NOT NULL,
    data BLOB NOT NULL
);
CREATE INDEX deliveries_due ON deliveries (next_try, seq) WHERE state IN ('pending', 'sending');
CREATE INDEX deliveries_subscription ON deliveries (subscription_id, seq);

CREATE TABLE quarantine (seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, stage TEXT NOT NULL, data BLOB NOT NULL);
CREATE INDEX quarantine_stage ON quarantine (stage, seq);
"""

# What a feed held changes with one poll in twenty and is four fifths of its state: it lies apart, and is written when it changes.
# A state of the first version has it inside until then.
_V2 = """
CREATE TABLE feed_memories (feed_id TEXT PRIMARY KEY, data BLOB NOT NULL) WITHOUT ROWID;
CREATE TRIGGER feed_forgotten AFTER DELETE ON feed_states BEGIN DELETE FROM feed_memories WHERE feed_id = old.feed_id; END;
"""

# A story may have ended in another one; lists leave it out, and the other one has its articles.
_V3 = """
ALTER TABLE stories ADD COLUMN merged_into TEXT NOT NULL DEFAULT '';
CREATE INDEX stories_merged ON stories (merged_into) WHERE merged_into <> '';
"""

# What subscriptions with the trigger spike are hit by, in the order in which it came.
_V4 = """
CREATE TABLE hits (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    subscription_id TEXT NOT NULL,
    article_id TEXT NOT NULL,
    published REAL NOT NULL,
    data BLOB NOT NULL,
    UNIQUE (subscription_id, article_id)
);
CREATE INDEX hits_age ON hits (published);
"""

_V5 = "CREATE TABLE owners (name TEXT PRIMARY KEY, data BLOB NOT NULL) WITHOUT ROWID;"

# A page by story size asks for the sizes of thousands; of most articles the story is theirs alone.
_V6 = "CREATE INDEX stories_size ON stories (story_id, size) WHERE size > 1;"

MIGRATIONS: tuple[str, ...] = (_V1, _V2, _V3, _V4, _V5, _V6)
VERSION = len(MIGRATIONS)
