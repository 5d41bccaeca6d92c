-- Statements of the writer, on one day's file.

-- insert_message --
INSERT INTO message(id, endpoint, type, control, subject, sender, hash, reply, cause, override,
                    seal, state)
VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0)

-- insert_body --
INSERT INTO body(id, sealed) VALUES(?, ?)

-- settle_message --
UPDATE message SET state = ?, fanout = ?, mapping = ?, stage = ?, reason = ?, where_ = ?,
                   settled = ?
WHERE id = ? AND state = 0

-- set_reply --
UPDATE message SET reply = ? WHERE id = ?

-- discard_message --
UPDATE message SET state = 4 WHERE id = ? AND state = 3

-- mark_replayed --
UPDATE message SET replayed = ? WHERE id = ? AND endpoint = ?

-- insert_delivery --
INSERT INTO delivery(message, part, destination, state, lane, attempts) VALUES(?, ?, ?, 0, ?, 0)

-- delivered --
UPDATE delivery SET state = 2, attempts = ?, due = NULL, done = ?, digest = ?, reason = NULL,
                    seal = ?
WHERE message = ? AND part = ? AND destination = ? AND state < 2

-- move_delivery --
UPDATE delivery SET state = ?, attempts = ?, due = ?, done = ?, reason = ?
WHERE message = ? AND part = ? AND destination = ?

-- delivery_state --
SELECT state, attempts FROM delivery WHERE message = ? AND part = ? AND destination = ?

-- dead_parts --
SELECT part, destination FROM delivery WHERE message = ? AND state = 3

-- message_state --
SELECT endpoint, state FROM message WHERE id = ?

-- delivery_states --
SELECT state, count(*) FROM delivery WHERE message = ? GROUP BY state

-- insert_event --
INSERT INTO event(message, n, at, kind, actor, detail, part, destination, attempts, due, seal)
VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)

-- last_event --
SELECT coalesce(max(n), 0) FROM event WHERE message = ?

-- insert_seal --
INSERT INTO seal(n, at, first, last, count, digest) VALUES(?, ?, ?, ?, ?, ?)

-- span --
SELECT (SELECT min(id) FROM message), (SELECT max(id) FROM message)

-- newest --
SELECT coalesce(max(id), 0) FROM message

-- unresolved --
SELECT EXISTS(SELECT 1 FROM message INDEXED BY m_dead WHERE state = 3 AND replayed IS NULL)
    OR EXISTS(SELECT 1 FROM delivery AS d INDEXED BY d_dead
              JOIN message AS m ON m.id = d.message
              WHERE d.state = 3 AND m.replayed IS NULL)

-- replays --
SELECT cause, endpoint, max(id) FROM message INDEXED BY m_cause
WHERE cause IS NOT NULL GROUP BY cause, endpoint

-- unmarked --
SELECT 1 FROM message WHERE id = ? AND endpoint = ? AND coalesce(replayed, 0) < ?

-- last_seal --
SELECT n, digest FROM seal ORDER BY n DESC LIMIT 1

-- bump --
INSERT INTO ledger(what, id, n) VALUES(?, ?, ?)
ON CONFLICT(what, id) DO UPDATE SET n = ledger.n + excluded.n

-- Look-ups of deduplication: is the control id known, is it this very message, was it reused.

-- control_known --
SELECT 1 FROM message INDEXED BY m_control WHERE control = ? LIMIT 1

-- same_message --
SELECT id, reply FROM message INDEXED BY m_control
WHERE control = ? AND substr(hash, 1, 8) = ? AND hash = ? AND endpoint = ? AND sender = ?
ORDER BY id LIMIT 1

-- control_used --
SELECT 1 FROM (
  SELECT endpoint, sender FROM message INDEXED BY m_control WHERE control = ? LIMIT 64
) AS used WHERE endpoint = ? AND sender = ? LIMIT 1

-- Cold queues, read by the feed and by dispatch.

-- stored --
SELECT m.id, m.endpoint, m.type, m.control, m.cause, m.override, m.hash, b.sealed
FROM message AS m INDEXED BY m_open LEFT JOIN body AS b ON b.id = m.id
WHERE m.state = 0 AND m.id > ? ORDER BY m.id LIMIT ?

-- waiting --
SELECT message, part, destination, lane, state, attempts, due FROM delivery INDEXED BY d_open
WHERE state < 2 AND destination = ? AND (message, part) > (?, ?)
ORDER BY message, part LIMIT ?

-- lane_waiting --
SELECT message, part, destination, lane, state, attempts, due FROM delivery INDEXED BY d_lane
WHERE state < 2 AND destination = ? AND lane = ? AND (message, part) > (?, ?)
ORDER BY message, part LIMIT ?

-- dead --
SELECT message, part, destination, lane, state, attempts, due FROM delivery INDEXED BY d_dead
WHERE state = 3 AND destination = ? AND (message, part) > (?, ?)
ORDER BY message, part LIMIT ?

-- fate --
SELECT m.state, m.override,
       (SELECT count(*) FROM delivery AS d WHERE d.message = m.id AND d.state < 2),
       (SELECT count(*) FROM delivery AS d WHERE d.message = m.id AND d.state = 3)
FROM message AS m WHERE m.id = ?

-- body --
SELECT m.endpoint, m.hash, b.sealed FROM message AS m LEFT JOIN body AS b ON b.id = m.id
WHERE m.id = ?
