//! What holds in a store, as statements that find what breaks it. Each follows row numbers from table to table and sorts
//! nothing, so that it takes time in proportion to what is stored, and memory for nothing but what it finds.

/// A sentence for each row that the statement finds: each `{}` stands for the next column.
pub(super) struct Check {
    pub(super) says: &'static str,
    pub(super) of: &'static str,
}

/// Whether a delivery has not ended: what is staged for a run that has ended is work as well.
macro_rules! open_delivery {
    () => {
        "(d.state = 1 OR d.state = 8 AND EXISTS (SELECT 1 FROM fanouts f WHERE f.run = d.run AND f.ended = 1))"
    };
}

/// How many of the runs and deliveries of the event `e` there are of a kind.
macro_rules! of_event {
    ($runs:expr, $deliveries:expr) => {
        concat!(
            "((SELECT count(*) FROM runs r WHERE r.seq >= e.first_run AND r.seq < e.first_run + e.run_count AND ",
            $runs,
            ") + (SELECT count(*) FROM runs r INDEXED BY runs_again WHERE r.event = e.seq AND r.again = 1 AND ",
            $runs,
            ") + (SELECT count(*) FROM runs r CROSS JOIN deliveries d
                    ON d.seq BETWEEN r.first_delivery AND r.last_delivery
                  WHERE r.seq >= e.first_run AND r.seq < e.first_run + e.run_count AND ",
            $deliveries,
            ") + (SELECT count(*) FROM runs r INDEXED BY runs_again CROSS JOIN deliveries d
                    ON d.seq BETWEEN r.first_delivery AND r.last_delivery
                  WHERE r.event = e.seq AND r.again = 1 AND ",
            $deliveries,
            "))"
        )
    };
}

/// How many of the run `r` and its deliveries are of a kind.
macro_rules! of_run {
    ($run:expr, $delivery:expr) => {
        concat!(
            "((",
            $run,
            ") + (SELECT count(*) FROM deliveries d
               WHERE d.seq BETWEEN r.first_delivery AND r.last_delivery AND ",
            $delivery,
            "))"
        )
    };
}

/// What has to be found nowhere.
pub(super) const CHECKS: &[Check] = &[
    Check {
        says: "event {}: there is no state {}",
        of: "SELECT id, state FROM events WHERE state NOT IN (0, 1, 2)",
    },
    Check {
        says: "event {}: its state is {}, and {} of its runs and deliveries have not ended",
        of: "SELECT id, state, open FROM events WHERE (state = 0) <> (open > 0) OR open < 0",
    },
    Check {
        says: "event {}: it says that {} of its runs and deliveries have not ended, and {} have not",
        of: concat!(
            "SELECT id, open, found FROM (SELECT e.id, e.open, ",
            of_event!("r.state IN (0, 1)", open_delivery!()),
            " AS found FROM events e) WHERE open <> found"
        ),
    },
    Check {
        says: "event {}: it says that {} of its runs and deliveries are dead letters, and {} are",
        of: concat!(
            "SELECT id, dead, found FROM (SELECT e.id, e.dead, ",
            of_event!("r.state = 5", "d.state = 5"),
            " AS found FROM events e) WHERE dead <> found"
        ),
    },
    Check {
        says: "event {}: it should have {} runs from {} on, and has {}",
        of: "SELECT id, run_count, first_run, found FROM (SELECT e.id, e.run_count, e.first_run,
               (SELECT count(*) FROM runs r WHERE r.seq >= e.first_run AND r.seq < e.first_run + e.run_count
                AND r.event = e.seq AND r.again = 0) AS found FROM events e) WHERE run_count <> found",
    },
    Check {
        says: "event {}: it is pending, and has ended at {}",
        of: "SELECT id, ended_at FROM events WHERE state = 0 AND ended_at IS NOT NULL",
    },
    Check {
        says: "event {}: it has ended, and there is no time",
        of: "SELECT id FROM events WHERE state <> 0 AND ended_at IS NULL",
    },
    Check {
        says: "event {}: its state is {}, and the reason why no route took it is {}",
        of: "SELECT id, state, unrouted FROM events WHERE (state = 2) <> (unrouted IS NOT NULL)",
    },
    Check {
        says: "event {}: it is pending, and its content is gone",
        of: "SELECT e.id FROM events e WHERE e.state = 0
               AND NOT EXISTS (SELECT 1 FROM payloads p WHERE p.event = e.seq)",
    },
    Check {
        says: "event {}: its content is gone, and it says that {} bytes of it are kept",
        of: "SELECT e.id, e.size FROM events e WHERE e.size <> 0
               AND NOT EXISTS (SELECT 1 FROM payloads p WHERE p.event = e.seq)",
    },
    Check {
        says: "event {}: it says that its body has {} bytes of {}, and it has {}",
        of: "SELECT e.id, e.body_size, e.size, length(p.body) FROM payloads p CROSS JOIN events e ON e.seq = p.event
             WHERE e.body_size <> length(p.body)
               OR e.size < length(p.body) + octet_length(p.path) + octet_length(p.query)",
    },
    Check {
        says: "event {}: its source is name {}, which is missing",
        of: "SELECT e.id, e.source FROM events e WHERE e.source NOT IN (SELECT number FROM names)",
    },
    Check {
        says: "event {}: its key has {} bytes, and its time is over at {}",
        of: "SELECT id, coalesce(length(dedupe), 0), until FROM events
             WHERE coalesce(length(dedupe), 0) <> iif(until IS NULL, 0, 16)",
    },
    Check {
        says: "event {}: its key should be in the table, as all up to row {}",
        of: "SELECT e.id, keys_up_to FROM ledger CROSS JOIN events e ON e.seq <= keys_up_to
             WHERE e.until > latest
               AND NOT EXISTS (SELECT 1 FROM dedupe d WHERE d.key = e.dedupe AND d.until >= e.until)",
    },
    Check {
        says: "the key of event {}: the event has another one, or another time",
        of: "SELECT e.id FROM dedupe d CROSS JOIN events e INDEXED BY events_id ON e.id = d.event
             WHERE e.dedupe IS NOT d.key OR e.until IS NOT d.until",
    },
    Check {
        says: "run {}: there is no state {}",
        of: "SELECT id, state FROM runs WHERE state NOT IN (0, 1, 3, 4, 5, 6, 7)",
    },
    Check {
        says: "run {}: its event, in row {}, is missing",
        of: "SELECT r.id, r.event FROM runs r WHERE NOT EXISTS (SELECT 1 FROM events e WHERE e.seq = r.event)",
    },
    Check {
        says: "run {}: it is not among the runs of its event {}",
        of: "SELECT r.id, e.id FROM runs r CROSS JOIN events e ON e.seq = r.event
             WHERE (r.again = 0) <> (r.seq >= e.first_run AND r.seq < e.first_run + e.run_count)",
    },
    Check {
        says: "run {}: its state is {}, and it ended at {}",
        of: "SELECT id, state, ended_at FROM runs WHERE (state IN (0, 1)) <> (ended_at IS NULL)",
    },
    Check {
        says: "run {}: its route is name {}, which is missing",
        of: "SELECT r.id, r.route FROM runs r WHERE r.route NOT IN (SELECT number FROM names)",
    },
    Check {
        says: "run {}: its deliveries should be {} to {}, and {} of them are there",
        of: "SELECT id, first_delivery, last_delivery, found FROM (SELECT r.id, r.first_delivery, r.last_delivery,
               (SELECT count(*) FROM deliveries d WHERE d.seq BETWEEN r.first_delivery AND r.last_delivery
                AND d.run = r.seq AND d.event = r.event AND d.route = r.route) AS found FROM runs r)
             WHERE coalesce(last_delivery - first_delivery + 1, 0) <> found
               OR (first_delivery IS NULL) <> (last_delivery IS NULL)",
    },
    Check {
        says: "delivery {}: there is no state {}",
        of: "SELECT id, state FROM deliveries WHERE state NOT IN (1, 3, 5, 6, 8)",
    },
    Check {
        says: "delivery {}: it is not among the deliveries of its run, in row {}",
        of: "SELECT d.id, d.run FROM deliveries d WHERE d.state <> 8
               AND NOT EXISTS (SELECT 1 FROM runs r WHERE r.seq = d.run
                               AND d.seq BETWEEN r.first_delivery AND r.last_delivery)",
    },
    Check {
        says: "delivery {}: it is staged, and nothing will make it due",
        of: "SELECT d.id FROM deliveries d WHERE d.state = 8
               AND NOT EXISTS (SELECT 1 FROM fanouts f WHERE f.run = d.run
                               AND d.seq <= f.last AND (f.ended = 0 OR d.seq >= f.next))",
    },
    Check {
        says: "delivery {}: its state is {}, and it ended at {}",
        of: "SELECT id, state, ended_at FROM deliveries WHERE (state IN (1, 8)) <> (ended_at IS NULL)",
    },
    Check {
        says: "delivery {}: it is pending, and its message, in row {}, is gone",
        of: "SELECT d.id, d.message FROM deliveries d WHERE d.message IS NOT NULL AND d.state IN (1, 8)
               AND NOT EXISTS (SELECT 1 FROM messages m WHERE m.seq = d.message)",
    },
    Check {
        says: "delivery {}: its destination is name {}, which is missing",
        of: "SELECT d.id, d.destination FROM deliveries d WHERE d.destination NOT IN (SELECT number FROM names)",
    },
    Check {
        says: "payload {}: its event is missing",
        of: "SELECT p.event FROM payloads p WHERE NOT EXISTS (SELECT 1 FROM events e WHERE e.seq = p.event)",
    },
    Check {
        says: "{} attempts of {} {}: it is missing",
        of: "SELECT count(*), CASE work % 2 WHEN 0 THEN 'run' ELSE 'delivery' END, work / 2 FROM attempts
             WHERE NOT EXISTS (SELECT 1 FROM runs WHERE work % 2 = 0 AND seq = work / 2)
               AND NOT EXISTS (SELECT 1 FROM deliveries WHERE work % 2 = 1 AND seq = work / 2)
             GROUP BY work",
    },
    Check {
        says: "the fan-out from {} to {}: its run, in row {}, is missing, or does not fit",
        of: "SELECT f.next, f.last, f.run FROM fanouts f
             WHERE f.next > f.last OR NOT EXISTS (SELECT 1 FROM runs r WHERE r.seq = f.run
               AND (r.state IN (0, 1)) = (f.ended = 0) AND (f.ended = 0 OR r.last_delivery = f.last))",
    },
    Check {
        says: "the place in a lane of the run in row {}: the run is missing, or was not given one",
        of: "SELECT l.run FROM lanes l
             WHERE NOT EXISTS (SELECT 1 FROM runs r WHERE r.seq = l.run AND r.ordered = 1)",
    },
    Check {
        says: "run {}: its place in a lane says that {} of it and its deliveries have not ended, and {} have not",
        of: concat!(
            "SELECT id, open, found FROM (SELECT r.id, l.open, ",
            of_run!("r.state IN (0, 1)", open_delivery!()),
            " AS found FROM lanes l CROSS JOIN runs r ON r.seq = l.run) WHERE open <> found"
        ),
    },
    Check {
        says: "run {}: its place in a lane says that {} of it and its deliveries are dead letters, and {} are",
        of: concat!(
            "SELECT id, dead, found FROM (SELECT r.id, l.dead, ",
            of_run!("r.state = 5", "d.state = 5"),
            " AS found FROM lanes l CROSS JOIN runs r ON r.seq = l.run) WHERE dead <> found"
        ),
    },
    Check {
        says: "run {}: the next in its lane waits for it, and nothing of it is left to wait for",
        of: "SELECT r.id FROM lanes l CROSS JOIN runs r ON r.seq = l.run
             WHERE l.open = 0 AND (l.waits = 0 OR l.dead = 0)",
    },
    Check {
        says: "run {}: it goes although another comes before it in its lane",
        of: "SELECT r.id FROM lanes l CROSS JOIN runs r ON r.seq = l.run WHERE r.state <> 0
               AND EXISTS (SELECT 1 FROM lanes b WHERE b.lane = l.lane AND b.run < l.run)",
    },
    Check {
        says: "run {}: it is held although none comes before it in its lane",
        of: "SELECT r.id FROM lanes l CROSS JOIN runs r ON r.seq = l.run WHERE r.state = 0
               AND NOT EXISTS (SELECT 1 FROM lanes b WHERE b.lane = l.lane AND b.run < l.run)",
    },
    Check {
        says: "run {}: it is held, and has no place in a lane",
        of: "SELECT r.id FROM runs r WHERE r.state = 0 AND NOT EXISTS (SELECT 1 FROM lanes l WHERE l.run = r.seq)",
    },
    Check {
        says: "name {} is missing",
        of: "SELECT n.number - 1 FROM names n
             WHERE n.number > 1 AND NOT EXISTS (SELECT 1 FROM names b WHERE b.number = n.number - 1)
             UNION ALL SELECT min(number) FROM names HAVING min(number) <> 1",
    },
    Check {
        says: "the value {} of a plugin: its namespace is name {}, which is missing",
        of: "SELECT key, namespace FROM kv WHERE namespace NOT IN (SELECT number FROM names)",
    },
    Check {
        says: "the value {} of a plugin: it has no version",
        of: "SELECT key FROM kv WHERE version = 0",
    },
    Check {
        says: "the value {} of a plugin: nothing is counted in its namespace, name {}",
        of: "SELECT key, namespace FROM kv WHERE namespace NOT IN (SELECT namespace FROM kv_usage)",
    },
    Check {
        says: "the values in the namespace name {}: it says that there are {} of {} bytes, and there are {} of {}",
        of: "SELECT namespace, keys, bytes, found, size FROM (SELECT u.namespace, u.keys, u.bytes,
               (SELECT count(*) FROM kv v WHERE v.namespace = u.namespace) AS found,
               (SELECT coalesce(sum(octet_length(v.key) + length(v.value)), 0) FROM kv v
                WHERE v.namespace = u.namespace) AS size FROM kv_usage u)
             WHERE keys <> found OR bytes <> size",
    },
];

/// What is counted in the tables for each counter that stands for what is there.
pub(super) const COUNTED: &str = concat!(
    "SELECT
       (SELECT count(*) FROM runs WHERE state IN (0, 1)),
       (SELECT count(*) FROM deliveries d WHERE ",
    open_delivery!(),
    "),
       (SELECT count(*) FROM runs WHERE state = 5) + (SELECT count(*) FROM deliveries WHERE state = 5),
       pending, unrouted, pending_bytes, settled_bytes, dead_bytes, unrouted_bytes, settled
     FROM (SELECT
       count(*) FILTER (WHERE state = 0) AS pending,
       count(*) FILTER (WHERE state = 2) AS unrouted,
       coalesce(sum(size) FILTER (WHERE state = 0), 0) AS pending_bytes,
       coalesce(sum(size) FILTER (WHERE state = 1 AND dead = 0), 0) AS settled_bytes,
       coalesce(sum(size) FILTER (WHERE state = 1 AND dead > 0), 0) AS dead_bytes,
       coalesce(sum(size) FILTER (WHERE state = 2), 0) AS unrouted_bytes,
       count(*) FILTER (WHERE state = 1) AS settled
       FROM events)"
);
