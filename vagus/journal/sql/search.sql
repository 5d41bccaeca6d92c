-- What the console and the command line read of one day; {…} is filled in by the query builder.

-- messages --
SELECT m.id, m.endpoint, m.type, m.control, m.state, m.fanout, m.stage, m.reason, m.where_,
       m.cause, m.replayed, m.override,
       (SELECT count(*) FILTER (WHERE state < 2) FROM delivery WHERE message = m.id),
       (SELECT count(*) FILTER (WHERE state = 3) FROM delivery WHERE message = m.id),
       (SELECT count(*) FILTER (WHERE state = 2) FROM delivery WHERE message = m.id)
FROM {source}
WHERE {conditions}
ORDER BY m.id DESC LIMIT ?

-- dead_letters --
SELECT m.id, m.endpoint, m.type, m.control, NULL, NULL, m.stage, m.reason, m.where_, NULL,
       (SELECT at FROM seal WHERE n = m.settled)
FROM message AS m INDEXED BY m_dead
WHERE m.state = 3 AND m.replayed IS NULL AND {died} AND {conditions}
UNION ALL
SELECT m.id, m.endpoint, m.type, m.control, d.part, d.destination, 'deliver', d.reason, NULL,
       d.attempts, d.done
FROM delivery AS d INDEXED BY d_dead CROSS JOIN message AS m ON m.id = d.message
WHERE d.state = 3 AND m.replayed IS NULL AND {undelivered} AND {conditions}
ORDER BY 1 DESC, 5 DESC, 6 DESC LIMIT ?

-- deliveries --
SELECT part, destination, state, attempts, due, done, reason FROM delivery
WHERE message = ? ORDER BY part, destination

-- outcome --
SELECT (SELECT at FROM seal WHERE n = m.settled), m.mapping FROM message AS m WHERE id = ?

-- events --
SELECT at, kind, actor, detail, part, destination, attempts, due FROM event
WHERE message = ? ORDER BY n

-- reply --
SELECT endpoint, reply FROM message WHERE id = ?

-- effects --
SELECT id, endpoint FROM message INDEXED BY m_cause WHERE cause = ? ORDER BY id
