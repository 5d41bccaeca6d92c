-- The writer's statements for many rows at once, and what only several engines need.

-- insert_message --
INSERT INTO message(id, endpoint, type, control, subject, sender, hash, reply, cause, override,
                    seal, state)
SELECT *, 0 FROM unnest(%s::bigint[], %s::bigint[], %s::text[], %s::text[], %s::bytea[], %s::bigint[],
                        %s::bytea[], %s::bytea[], %s::bigint[], %s::text[], %s::bigint[])

-- insert_body --
INSERT INTO body(id, sealed) SELECT * FROM unnest(%s::bigint[], %s::bytea[])

-- insert_delivery --
INSERT INTO delivery(message, part, destination, state, lane, attempts)
SELECT m, p, d, 0, lane, 0
FROM unnest(%s::bigint[], %s::bigint[], %s::bigint[], %s::bytea[]) AS v(m, p, d, lane)

-- settle_message --
UPDATE message SET state = v.state, fanout = v.fanout, mapping = v.mapping, stage = v.stage,
                   reason = v.reason, where_ = v.where_, settled = v.settled
FROM unnest(%s::bigint[], %s::bigint[], %s::bytea[], %s::text[], %s::text[], %s::text[], %s::bigint[],
            %s::bigint[])
     WITH ORDINALITY AS v(state, fanout, mapping, stage, reason, where_, settled, id, i)
WHERE message.id = v.id AND message.state = 0 RETURNING v.i

-- delivered --
UPDATE delivery SET state = 2, attempts = v.attempts, due = NULL, done = v.done,
                    digest = v.digest, reason = NULL, seal = v.seal
FROM unnest(%s::bigint[], %s::bigint[], %s::bytea[], %s::bigint[], %s::bigint[], %s::bigint[],
            %s::bigint[])
     WITH ORDINALITY AS v(attempts, done, digest, seal, message, part, destination, i)
WHERE delivery.message = v.message AND delivery.part = v.part
  AND delivery.destination = v.destination AND delivery.state < 2 RETURNING v.i

-- bump --
INSERT INTO ledger(what, id, n) SELECT * FROM unnest(%s::text[], %s::bigint[], %s::bigint[])
ON CONFLICT(what, id) DO UPDATE SET n = ledger.n + excluded.n

-- seen --
SELECT q.i, same.id, same.reply
FROM unnest(%s::bigint[], %s::bigint[], %s::text[], %s::bytea[])
     WITH ORDINALITY AS q(endpoint, sender, control, hash, i)
LEFT JOIN LATERAL (
  SELECT m.id, m.reply FROM message AS m
  WHERE m.control = q.control AND substr(m.hash, 1, 8) = substr(q.hash, 1, 8)
    AND m.hash = q.hash AND m.endpoint = q.endpoint AND m.sender = q.sender
  ORDER BY m.id + 0 LIMIT 1
) AS same ON TRUE
WHERE same.id IS NOT NULL OR EXISTS(
  SELECT 1 FROM (
    SELECT m.endpoint, m.sender FROM message AS m WHERE m.control = q.control LIMIT 64
  ) AS used WHERE used.endpoint = q.endpoint AND used.sender = q.sender
)

-- make_site --
CREATE TABLE IF NOT EXISTS site(
  one integer PRIMARY KEY CHECK (one = 1),
  project text NOT NULL,
  mark bytea NOT NULL              -- by which the keys are known again
);
CREATE TABLE IF NOT EXISTS lease(
  node integer PRIMARY KEY,
  holder text NOT NULL,            -- one run of one engine
  runs_on integer NOT NULL,        -- the node of that engine: another one after a takeover
  host text NOT NULL,
  pid bigint NOT NULL,
  plan text NOT NULL,              -- which node runs which channels, as the holder has it
  epoch bigint NOT NULL,           -- goes up with each change of hands
  since timestamptz NOT NULL,
  expires timestamptz NOT NULL,
  wanted boolean NOT NULL          -- by its own engine, from whoever took it over
);
CREATE TABLE IF NOT EXISTS name(
  kind text NOT NULL,
  id bigint NOT NULL,
  name text NOT NULL,
  PRIMARY KEY(kind, id),
  UNIQUE(kind, name)
);
CREATE TABLE IF NOT EXISTS control_number(scope text PRIMARY KEY, next bigint NOT NULL)

-- begin_site --
INSERT INTO site(one, project, mark) VALUES(1, %s, %s) ON CONFLICT DO NOTHING

-- site --
SELECT project, mark FROM site

-- take_lease --
INSERT INTO lease(node, holder, runs_on, host, pid, plan, epoch, since, expires, wanted)
VALUES(%s, %s, %s, %s, %s, %s, 1, clock_timestamp(),
       clock_timestamp() + make_interval(secs => %s::double precision), FALSE)
ON CONFLICT(node) DO UPDATE SET
  holder = excluded.holder, runs_on = excluded.runs_on, host = excluded.host, pid = excluded.pid,
  plan = excluded.plan, epoch = lease.epoch + 1, since = excluded.since,
  expires = excluded.expires, wanted = FALSE
WHERE lease.expires < clock_timestamp()
RETURNING epoch

-- renew_lease --
UPDATE lease SET expires = clock_timestamp() + make_interval(secs => %s::double precision)
WHERE node = %s AND holder = %s AND epoch = %s RETURNING wanted

-- end_lease --
UPDATE lease SET expires = clock_timestamp() - interval '1 second', holder = ''
WHERE node = %s AND holder = %s AND epoch = %s

-- want_lease --
UPDATE lease SET wanted = TRUE WHERE node = %s

-- leases --
SELECT node, holder, runs_on, host, pid, plan, epoch,
       extract(epoch FROM since)::double precision,
       extract(epoch FROM expires - clock_timestamp())::double precision, wanted
FROM lease ORDER BY node

-- hold_lease --
SELECT pg_current_xact_id()::text, holder, epoch, expires > clock_timestamp() FROM lease
WHERE node = {node} FOR SHARE
