-- One file for each UTC day: everything about the messages accepted on that day, for ever.

CREATE TABLE message(
  id INTEGER PRIMARY KEY,
  endpoint INTEGER NOT NULL,
  type TEXT NOT NULL,
  control TEXT NOT NULL,
  subject BLOB,                    -- 12-byte keyed hash of the patient key, never the number itself
  sender INTEGER NOT NULL,
  hash BLOB NOT NULL,              -- SHA-256 of the body
  reply BLOB,                      -- sealed like the body: it may repeat a control id
  cause INTEGER,
  override TEXT,
  seal INTEGER NOT NULL,           -- the batch that accepted it
  state INTEGER NOT NULL,          -- 0 stored 1 routed 2 filtered 3 dead 4 dead and discarded
  fanout INTEGER,
  mapping BLOB,
  stage TEXT,
  reason TEXT,
  where_ TEXT,
  settled INTEGER,                 -- the batch that took it out of stored
  replayed INTEGER                 -- the newest message that replays this one
);
CREATE TABLE body(id INTEGER PRIMARY KEY, sealed BLOB NOT NULL);

-- The start of the hash lets a resend be found among many uses of one control id.
CREATE INDEX m_control ON message(control, substr(hash, 1, 8));
CREATE INDEX m_subject ON message(subject);
CREATE INDEX m_type ON message(type, id);
CREATE INDEX m_open ON message(id) WHERE state = 0;
CREATE INDEX m_dead ON message(id) WHERE state = 3;
CREATE INDEX m_cause ON message(cause) WHERE cause IS NOT NULL;

CREATE TABLE delivery(
  message INTEGER NOT NULL,
  part INTEGER NOT NULL,
  destination INTEGER NOT NULL,
  state INTEGER NOT NULL,          -- 0 waiting 1 parked 2 delivered 3 dead 4 discarded
  lane BLOB NOT NULL,
  attempts INTEGER NOT NULL,
  due INTEGER,
  done INTEGER,
  digest BLOB,
  reason TEXT,
  seal INTEGER,                    -- the batch that recorded it as delivered
  PRIMARY KEY(message, part, destination)
) WITHOUT ROWID;
CREATE INDEX d_open ON delivery(destination, message, part) WHERE state < 2;
CREATE INDEX d_lane ON delivery(destination, lane, message, part) WHERE state < 2;
CREATE INDEX d_dead ON delivery(message, part, destination) WHERE state = 3;

-- Exceptions only: failures, operators, replays. Codes and actors, never values.
CREATE TABLE event(
  message INTEGER NOT NULL,
  n INTEGER NOT NULL,
  at INTEGER NOT NULL,
  kind TEXT NOT NULL,
  actor TEXT NOT NULL,
  detail TEXT NOT NULL,
  part INTEGER,
  destination INTEGER,
  attempts INTEGER,
  due INTEGER,
  seal INTEGER NOT NULL,
  PRIMARY KEY(message, n)
) WITHOUT ROWID;

-- One row for each commit; row 0 links to the day before.
CREATE TABLE seal(
  n INTEGER PRIMARY KEY,
  at INTEGER NOT NULL,
  first INTEGER NOT NULL,
  last INTEGER NOT NULL,
  count INTEGER NOT NULL,
  digest BLOB NOT NULL
);

CREATE TABLE ledger(
  what TEXT NOT NULL,
  id INTEGER NOT NULL,             -- endpoint, or destination when `what` begins with d_
  n INTEGER NOT NULL,
  PRIMARY KEY(what, id)
) WITHOUT ROWID;

PRAGMA user_version = 1;
