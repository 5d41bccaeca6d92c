-- What outlives the days: names, keys, anchors, people's actions, requests.

CREATE TABLE IF NOT EXISTS meta(key TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS name(
  kind TEXT NOT NULL,              -- endpoint | destination
  id INTEGER NOT NULL,
  name TEXT NOT NULL,
  PRIMARY KEY(kind, id),
  UNIQUE(kind, name)
) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS partition(
  day TEXT PRIMARY KEY,
  wrapped_key BLOB,                -- gone when the day was dropped
  state TEXT NOT NULL,             -- open | closed | dropped | damaged
  previous TEXT,                   -- the day its seal chain hangs on
  link_n INTEGER,                  -- which seal of that day, and its digest
  link BLOB,
  first INTEGER,
  last INTEGER,
  seal_n INTEGER,                  -- the newest seal known to have been written, and its digest
  seal BLOB,
  held TEXT                        -- why it must not be dropped
) WITHOUT ROWID;

-- Counters of the days that were dropped.
CREATE TABLE IF NOT EXISTS past(
  what TEXT NOT NULL, id INTEGER NOT NULL, n INTEGER NOT NULL, PRIMARY KEY(what, id)
) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS control_number(scope TEXT PRIMARY KEY, next INTEGER NOT NULL)
  WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS audit(
  n INTEGER PRIMARY KEY,
  at INTEGER NOT NULL,
  actor TEXT NOT NULL,
  action TEXT NOT NULL,
  subject TEXT NOT NULL,
  detail TEXT NOT NULL,
  previous BLOB NOT NULL,
  digest BLOB NOT NULL
);

CREATE TABLE IF NOT EXISTS request(
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  at INTEGER NOT NULL,
  actor TEXT NOT NULL,
  kind TEXT NOT NULL,
  detail TEXT NOT NULL,
  finished INTEGER,
  result TEXT
);
CREATE INDEX IF NOT EXISTS r_open ON request(id) WHERE finished IS NULL;
