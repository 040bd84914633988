-- What the store keeps, version 1. An operator may read it with any SQLite tool while the gateway runs; the views at the
-- end are made for that. Times are milliseconds since 1970, durations microseconds.
--
-- Rows are laid out so that a webhook which goes its way without trouble costs few changes of few pages: rows of one
-- event stand together, in the order of storing, so that ranges of row numbers take the place of indexes, and the
-- indexes on work cover only what has not ended or was given up.

-- Names of sources, routes, destinations and plugins, which rows refer to by number.
CREATE TABLE names (
  number INTEGER PRIMARY KEY,
  name   TEXT NOT NULL UNIQUE
) STRICT;

CREATE TABLE events (
  seq         INTEGER PRIMARY KEY,
  id          BLOB NOT NULL,              -- UUIDv7: 16 bytes
  source      INTEGER NOT NULL,           -- names
  kind        TEXT NOT NULL,
  delivery_id TEXT,
  proof       TEXT,
  hops        INTEGER NOT NULL,
  received_at INTEGER NOT NULL,
  dedupe      BLOB,                       -- its key in dedupe
  state       INTEGER NOT NULL,           -- 0 pending, 1 settled, 2 unrouted
  unrouted    TEXT,                       -- why no route took it
  open        INTEGER NOT NULL,           -- runs and deliveries that have not ended
  dead        INTEGER NOT NULL,           -- dead letters that are kept
  body_size   INTEGER NOT NULL,           -- bytes of the body as received
  size        INTEGER NOT NULL,           -- bytes of bodies and headers, as received and as plugins made them, that are kept
  first_run   INTEGER NOT NULL,           -- its runs are first_run .. first_run + run_count - 1, and those in runs_again
  run_count   INTEGER NOT NULL,
  ended_at    INTEGER                     -- when it was settled, or stored as unrouted
) STRICT;
CREATE UNIQUE INDEX events_id ON events (id);
CREATE INDEX events_unrouted ON events (seq) WHERE state = 2;
CREATE INDEX events_dead ON events (seq) WHERE dead > 0;

-- What was received; removed before the rest of the event.
CREATE TABLE payloads (
  event   INTEGER PRIMARY KEY,            -- events.seq
  method  TEXT NOT NULL,
  path    TEXT NOT NULL,
  query   TEXT NOT NULL,
  headers BLOB NOT NULL,                  -- name: value, each line ended by CR LF
  body    BLOB NOT NULL
) STRICT;

-- By what repetitions are recognised.
CREATE TABLE dedupe (
  key   BLOB PRIMARY KEY,                 -- 16 bytes of SHA-256 over the source's name and its key
  event BLOB NOT NULL,                    -- events.id; the event itself may be gone
  until INTEGER NOT NULL,
  reply BLOB                              -- what a plugin answered
) STRICT, WITHOUT ROWID;

-- state of runs and deliveries: 0 held, 1 pending, 3 done, 4 dropped, 5 dead, 6 discarded, 7 replaced. What is leased is
-- pending here: a lease lives in the memory of the one process that has the store open, and ends with it.
CREATE TABLE runs (
  seq            INTEGER PRIMARY KEY,
  id             BLOB NOT NULL,           -- 16 bytes
  event          INTEGER NOT NULL,        -- events.seq
  route          INTEGER NOT NULL,        -- names
  state          INTEGER NOT NULL,
  due            INTEGER NOT NULL,
  attempts       INTEGER NOT NULL,        -- begun, since `since`
  since          INTEGER NOT NULL,
  again          INTEGER NOT NULL,        -- 1 if an operator asked for it: then it is not in its event's range
  lane           BLOB,                    -- 16 bytes of SHA-256 over the route's name and its key: what has the same goes in order
  waits          INTEGER NOT NULL,        -- 1 if the next in the lane waits for dead letters as well
  closed         INTEGER NOT NULL,        -- 1 once the next in the lane may go
  open           INTEGER NOT NULL,        -- deliveries that have not ended
  dead           INTEGER NOT NULL,        -- of itself and its deliveries, dead letters that are kept
  first_delivery INTEGER,                 -- its deliveries are among first_delivery .. last_delivery
  last_delivery  INTEGER,
  started_at     INTEGER,                 -- the attempt that ended it
  took           INTEGER,
  ended_at       INTEGER,
  detail         TEXT                     -- how it ended, or what went wrong last
) STRICT;
CREATE INDEX runs_due ON runs (due) WHERE state = 1;
CREATE INDEX runs_dead ON runs (id) WHERE state = 5;
CREATE INDEX runs_again ON runs (event) WHERE again = 1;
CREATE INDEX runs_lane ON runs (lane, seq) WHERE lane IS NOT NULL AND closed = 0;

-- What plugins made, where it differs from what was received.
CREATE TABLE messages (
  seq     INTEGER PRIMARY KEY,
  headers BLOB,                           -- as in payloads; NULL: as received
  body    BLOB                            -- NULL: as received
) STRICT;

CREATE TABLE deliveries (
  seq         INTEGER PRIMARY KEY,
  id          BLOB NOT NULL,              -- 16 bytes, begins with the time of its run: new ones go to the end of the index
  event       INTEGER NOT NULL,           -- events.seq
  run         INTEGER NOT NULL,           -- runs.seq
  destination INTEGER NOT NULL,           -- names
  message     INTEGER,                    -- messages.seq; NULL: as received
  state       INTEGER NOT NULL,           -- 8: staged, its run has not ended yet
  due         INTEGER NOT NULL,
  attempts    INTEGER NOT NULL,           -- made, since `since`
  since       INTEGER NOT NULL,
  started_at  INTEGER,                    -- the attempt that ended it
  took        INTEGER,
  ended_at    INTEGER,
  detail      TEXT
) STRICT;
CREATE UNIQUE INDEX deliveries_id ON deliveries (id);
CREATE INDEX deliveries_due ON deliveries (destination, due) WHERE state = 1;
CREATE INDEX deliveries_dead ON deliveries (seq) WHERE state = 5;

-- Deliveries of runs that came to many, which are made due step by step.
CREATE TABLE fanouts (
  run  INTEGER PRIMARY KEY,               -- runs.seq
  next INTEGER NOT NULL,                  -- deliveries.seq
  last INTEGER NOT NULL
) STRICT;

-- Attempts that did not end their run or delivery; the one that did stands there.
CREATE TABLE attempts (
  work       INTEGER NOT NULL,            -- runs.seq * 2, or deliveries.seq * 2 + 1
  started_at INTEGER NOT NULL,
  number     INTEGER NOT NULL,
  took       INTEGER NOT NULL,
  succeeded  INTEGER NOT NULL,
  detail     TEXT NOT NULL,
  PRIMARY KEY (work, started_at, number)
) STRICT, WITHOUT ROWID;

-- Values that plugins keep.
CREATE TABLE kv (
  plugin     INTEGER NOT NULL,            -- names
  key        TEXT NOT NULL,
  value      BLOB NOT NULL,
  version    INTEGER NOT NULL,
  expires_at INTEGER,
  PRIMARY KEY (plugin, key)
) STRICT, WITHOUT ROWID;

-- Destinations that get nothing until an operator says so.
CREATE TABLE disabled (
  destination TEXT PRIMARY KEY,
  reason      TEXT NOT NULL,
  since       INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- The ledger and what else is counted, kept with every change because counting rows would take too long.
CREATE TABLE counters (
  name  TEXT PRIMARY KEY,
  value INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
