-- What `vagus ledger --verify` reads of one day.

-- counters --
SELECT what, id, n FROM ledger WHERE n <> 0

-- recount_messages --
SELECT endpoint, word, count(*) FROM (
  SELECT m.endpoint AS endpoint,
    CASE
      WHEN m.state = 0 THEN 'pending'
      WHEN m.state = 3 THEN 'dead'
      WHEN m.state IN (2, 4) THEN 'filtered'
      WHEN d.open > 0 THEN 'pending'
      WHEN d.dead > 0 THEN 'dead'
      WHEN d.delivered > 0 THEN 'delivered'
      ELSE 'filtered'
    END AS word
  FROM message AS m LEFT JOIN (
    SELECT message, count(*) FILTER (WHERE state < 2) AS open, count(*) FILTER (WHERE state = 3) AS dead,
      count(*) FILTER (WHERE state = 2) AS delivered
    FROM delivery GROUP BY message
  ) AS d ON d.message = m.id
) AS counted GROUP BY endpoint, word

-- recount_deliveries --
SELECT destination, CASE state WHEN 2 THEN 'd_delivered' WHEN 3 THEN 'd_dead'
                               WHEN 4 THEN 'd_discarded' ELSE 'd_open' END AS word, count(*)
FROM delivery GROUP BY destination, word

-- strays --
SELECT 'delivery of no routed message', count(*) FROM delivery AS d
  WHERE NOT EXISTS(SELECT 1 FROM message WHERE id = d.message AND state = 1)
UNION ALL SELECT 'message without its body', count(*) FROM message AS m
  WHERE NOT EXISTS(SELECT 1 FROM body WHERE id = m.id)
UNION ALL SELECT 'body of no message', count(*) FROM body AS b
  WHERE NOT EXISTS(SELECT 1 FROM message WHERE id = b.id)
UNION ALL SELECT 'event of no message', count(*) FROM event AS e
  WHERE NOT EXISTS(SELECT 1 FROM message WHERE id = e.message)
UNION ALL SELECT 'routed message with other deliveries than it owes', count(*) FROM message AS m
  WHERE state = 1 AND coalesce(fanout, -1) <> (SELECT count(*) FROM delivery WHERE message = m.id)
UNION ALL SELECT 'message whose state and outcome disagree', count(*) FROM message
  WHERE (state = 0) <> (settled IS NULL) OR state NOT IN (0, 1, 2, 3, 4)
     OR (state = 0 AND (fanout IS NOT NULL OR mapping IS NOT NULL OR stage IS NOT NULL
                         OR reason IS NOT NULL OR where_ IS NOT NULL))
UNION ALL SELECT 'discarded message and its event disagree', count(*) FROM message AS m
  WHERE (state = 4) <> EXISTS(SELECT 1 FROM event WHERE message = m.id AND kind = 'discarded'
                              AND destination IS NULL AND m.state <> 1)
UNION ALL SELECT 'delivery whose state and seal disagree', count(*) FROM delivery
  WHERE (state = 2) <> (seal IS NOT NULL) OR state NOT IN (0, 1, 2, 3, 4)
     OR (state = 2 AND (due IS NOT NULL OR reason IS NOT NULL OR done IS NULL OR digest IS NULL))
     OR (state <> 2 AND digest IS NOT NULL)

-- replays --
SELECT m.id, m.replayed, (SELECT detail FROM event WHERE message = m.id AND kind = 'replayed'
                          ORDER BY n DESC LIMIT 1)
FROM message AS m WHERE replayed IS NOT NULL
  OR id IN (SELECT message FROM event WHERE kind = 'replayed')

-- unfinished --
SELECT d.message, d.state, d.attempts, d.due, d.done, d.reason,
       e.kind, e.attempts, e.due, e.at, e.detail
FROM delivery AS d LEFT JOIN event AS e ON e.message = d.message AND e.n = (
  SELECT max(n) FROM event WHERE message = d.message AND part = d.part
                             AND destination = d.destination)
WHERE d.state <> 2

-- seals --
SELECT n, at, first, last, count, digest FROM seal ORDER BY n

-- sealed_accepts --
SELECT seal, id, endpoint, type, control, subject, sender, hash, cause, override
FROM message ORDER BY seal, id

-- sealed_outcomes --
SELECT settled, id, state, fanout, mapping, stage, reason, where_
FROM message WHERE state <> 0 OR settled IS NOT NULL ORDER BY settled, id

-- targets --
SELECT part, destination, lane FROM delivery WHERE message = ? ORDER BY part, destination

-- sealed_deliveries --
SELECT seal, message, part, destination, attempts, done, digest
FROM delivery WHERE seal IS NOT NULL ORDER BY seal, message, part, destination

-- sealed_events --
SELECT seal, message, n, at, kind, actor, detail, part, destination, attempts, due
FROM event ORDER BY seal, message, n

-- seal_at --
SELECT digest FROM seal WHERE n = ?

-- bodies --
SELECT m.id, m.endpoint, m.hash, m.reply, b.sealed
FROM message AS m JOIN body AS b ON b.id = m.id
