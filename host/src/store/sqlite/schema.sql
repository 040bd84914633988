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
  dedupe      BLOB,                       -- by what repetitions are recognised: its key, see dedupe
  until       INTEGER,                    -- until when
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

-- By what repetitions are recognised. Those of recent events, after ledger.keys_up_to, stand in the events' rows, and
-- here only if there is a reply or the event is gone.
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
  ordered        INTEGER NOT NULL,        -- 1 if it was given a place in a lane
  state          INTEGER NOT NULL,
  due            INTEGER NOT NULL,
  attempts       INTEGER NOT NULL,        -- begun, since `since`
  since          INTEGER NOT NULL,
  again          INTEGER NOT NULL,        -- 1 if an operator asked for it: then it is not in its event's range
  first_delivery INTEGER,                 -- its deliveries are first_delivery .. last_delivery
  last_delivery  INTEGER,
  started_at     INTEGER,                 -- the attempt that ended it
  took           INTEGER,
  ended_at       INTEGER,
  detail         TEXT                     -- how it ended, or what went wrong last
) STRICT;
CREATE INDEX runs_due ON runs (due) WHERE state = 1;
CREATE INDEX runs_dead ON runs (id) WHERE state = 5;
CREATE INDEX runs_again ON runs (event) WHERE again = 1;

-- Runs that go one after the other: those of one lane in the order of their numbers, and all but the first are held. A
-- run leaves once it is closed: it and its deliveries have ended and, where the next waits for them, none of its dead
-- letters is kept.
CREATE TABLE lanes (
  run   INTEGER PRIMARY KEY,              -- runs.seq
  lane  BLOB NOT NULL,                    -- 16 bytes of SHA-256 over the route's name and the key
  waits INTEGER NOT NULL,                 -- 1 if the next one waits for dead letters as well
  open  INTEGER NOT NULL,                 -- it and its deliveries, as many of them as have not ended
  dead  INTEGER NOT NULL                  -- dead letters of it and its deliveries that are kept
) STRICT;
CREATE UNIQUE INDEX lanes_lane ON lanes (lane, run);

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
  route       INTEGER NOT NULL,           -- names; as its run's, as is the next
  ordered     INTEGER NOT NULL,
  destination INTEGER NOT NULL,           -- names
  message     INTEGER,                    -- messages.seq; NULL: as received
  state       INTEGER NOT NULL,           -- 8: staged, see fanouts
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

-- Runs that came to many deliveries, which are stored and made due step by step so that other work is not held up. What
-- is staged for a run that has not ended is void: it is removed when the store is opened, and the run is run again.
CREATE TABLE fanouts (
  run   INTEGER PRIMARY KEY,              -- runs.seq
  next  INTEGER NOT NULL,                 -- deliveries.seq of the first that is staged
  last  INTEGER NOT NULL,
  ended INTEGER NOT NULL                  -- 1 once the run has ended: then its deliveries are made due
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

-- Values that plugins keep. The value comes last: what stands behind a large one takes long to reach.
CREATE TABLE kv (
  namespace  INTEGER NOT NULL,            -- names: the plugin's, or that of a namespace which several share
  key        TEXT NOT NULL,
  version    INTEGER NOT NULL,
  expires_at INTEGER,
  value      BLOB NOT NULL,
  PRIMARY KEY (namespace, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX kv_ends ON kv (namespace, expires_at) WHERE expires_at IS NOT NULL;

-- What the values of each namespace take, kept with every change.
CREATE TABLE kv_usage (
  namespace INTEGER PRIMARY KEY,          -- names
  keys      INTEGER NOT NULL,
  bytes     INTEGER NOT NULL              -- of keys and values
) STRICT;

-- Destinations that get nothing until an operator says so.
CREATE TABLE disabled (
  destination TEXT PRIMARY KEY,
  reason      TEXT NOT NULL,
  since       INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- The ledger and what else is counted, in one row, kept with every change because counting rows would take too long.
CREATE TABLE ledger (
  accepted               INTEGER NOT NULL DEFAULT 0,
  duplicates             INTEGER NOT NULL DEFAULT 0,
  settled                INTEGER NOT NULL DEFAULT 0,
  unrouted               INTEGER NOT NULL DEFAULT 0,
  pending                INTEGER NOT NULL DEFAULT 0,
  expired                INTEGER NOT NULL DEFAULT 0,
  runs_pending           INTEGER NOT NULL DEFAULT 0,
  runs_dropped           INTEGER NOT NULL DEFAULT 0,
  runs_dead              INTEGER NOT NULL DEFAULT 0,
  deliveries_pending     INTEGER NOT NULL DEFAULT 0,
  delivered              INTEGER NOT NULL DEFAULT 0,
  deliveries_dead        INTEGER NOT NULL DEFAULT 0,
  dead_letters           INTEGER NOT NULL DEFAULT 0,
  dead_letters_expired   INTEGER NOT NULL DEFAULT 0,
  dead_letters_replayed  INTEGER NOT NULL DEFAULT 0,
  dead_letters_discarded INTEGER NOT NULL DEFAULT 0,
  pending_bytes          INTEGER NOT NULL DEFAULT 0, -- bodies and headers of events that have not ended
  settled_bytes          INTEGER NOT NULL DEFAULT 0, -- those that are kept of settled events without dead letters
  dead_bytes             INTEGER NOT NULL DEFAULT 0, -- of settled events with dead letters
  unrouted_bytes         INTEGER NOT NULL DEFAULT 0, -- of unrouted events
  keys_up_to             INTEGER NOT NULL DEFAULT 0, -- keys of events up to this row, unless over, stand in dedupe
  latest                 INTEGER NOT NULL DEFAULT 0  -- the latest time that the store was given
) STRICT;
INSERT INTO ledger DEFAULT VALUES;

-- For people: names instead of numbers, ids as the gateway prints them, times to be read.
CREATE VIEW events_view AS SELECT e.seq,
  substr(lower(hex(e.id)), 1, 8) || '-' || substr(lower(hex(e.id)), 9, 4) || '-' || substr(lower(hex(e.id)), 13, 4) || '-' || substr(lower(hex(e.id)), 17, 4) || '-' || substr(lower(hex(e.id)), 21) AS id,
  s.name AS source, e.kind, e.delivery_id, e.proof, strftime('%Y-%m-%dT%H:%M:%fZ', e.received_at / 1000.0, 'unixepoch') AS received_at,
  CASE e.state WHEN 0 THEN 'pending' WHEN 1 THEN 'settled' WHEN 2 THEN 'unrouted' END AS state,
  e.unrouted, e.open, e.dead, e.body_size, strftime('%Y-%m-%dT%H:%M:%fZ', e.ended_at / 1000.0, 'unixepoch') AS ended_at
FROM events e JOIN names s ON s.number = e.source;

CREATE VIEW runs_view AS SELECT r.seq,
  substr(lower(hex(r.id)), 1, 8) || '-' || substr(lower(hex(r.id)), 9, 4) || '-' || substr(lower(hex(r.id)), 13, 4) || '-' || substr(lower(hex(r.id)), 17, 4) || '-' || substr(lower(hex(r.id)), 21) AS id,
  r.event, n.name AS route,
  CASE r.state WHEN 0 THEN 'held' WHEN 1 THEN 'pending' WHEN 3 THEN 'done' WHEN 4 THEN 'dropped'
    WHEN 5 THEN 'dead' WHEN 6 THEN 'discarded' WHEN 7 THEN 'replaced' WHEN 8 THEN 'staged' END AS state,
  r.attempts, strftime('%Y-%m-%dT%H:%M:%fZ', r.since / 1000.0, 'unixepoch') AS since, strftime('%Y-%m-%dT%H:%M:%fZ', CASE WHEN r.state < 2 THEN r.due END / 1000.0, 'unixepoch') AS due,
  strftime('%Y-%m-%dT%H:%M:%fZ', r.ended_at / 1000.0, 'unixepoch') AS ended_at, r.took / 1000.0 AS took_ms, r.detail
FROM runs r JOIN names n ON n.number = r.route;

CREATE VIEW deliveries_view AS SELECT d.seq,
  substr(lower(hex(d.id)), 1, 8) || '-' || substr(lower(hex(d.id)), 9, 4) || '-' || substr(lower(hex(d.id)), 13, 4) || '-' || substr(lower(hex(d.id)), 17, 4) || '-' || substr(lower(hex(d.id)), 21) AS id,
  d.event, d.run, n.name AS route, t.name AS destination,
  CASE d.state WHEN 0 THEN 'held' WHEN 1 THEN 'pending' WHEN 3 THEN 'done' WHEN 4 THEN 'dropped'
    WHEN 5 THEN 'dead' WHEN 6 THEN 'discarded' WHEN 7 THEN 'replaced' WHEN 8 THEN 'staged' END AS state,
  d.attempts, strftime('%Y-%m-%dT%H:%M:%fZ', d.since / 1000.0, 'unixepoch') AS since, strftime('%Y-%m-%dT%H:%M:%fZ', CASE WHEN d.state < 2 THEN d.due END / 1000.0, 'unixepoch') AS due,
  strftime('%Y-%m-%dT%H:%M:%fZ', d.ended_at / 1000.0, 'unixepoch') AS ended_at, d.took / 1000.0 AS took_ms, d.detail
FROM deliveries d JOIN names n ON n.number = d.route JOIN names t ON t.number = d.destination;

CREATE VIEW attempts_view AS SELECT CASE work % 2 WHEN 0 THEN 'run' ELSE 'delivery' END AS kind, work / 2 AS seq, number,
  strftime('%Y-%m-%dT%H:%M:%fZ', started_at / 1000.0, 'unixepoch') AS started_at, took / 1000.0 AS took_ms, succeeded, detail
FROM attempts;
