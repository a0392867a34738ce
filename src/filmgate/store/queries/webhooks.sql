-- The statements of webhook deliveries and their secrets, by name. The settle statement of tasks.sql makes deliveries.

-- Receivers with due deliveries are found by skipping along the index, so that a receiver with a long backlog costs
-- the others nothing; of each, as many are taken as it has places free.
-- name: claim
WITH RECURSIVE receivers AS (
    (SELECT receiver FROM webhook_deliveries WHERE state = 'pending' ORDER BY receiver LIMIT 1)
    UNION ALL
    SELECT (SELECT further.receiver FROM webhook_deliveries further
             WHERE further.state = 'pending' AND further.receiver > receivers.receiver
             ORDER BY further.receiver LIMIT 1)
      FROM receivers WHERE receivers.receiver IS NOT NULL
), due AS (
    SELECT waiting.id
      FROM receivers
     CROSS JOIN LATERAL (
        SELECT count(*) AS running FROM webhook_deliveries leased
         WHERE leased.receiver = receivers.receiver AND leased.state = 'pending'
           AND leased.lease_until IS NOT NULL AND leased.lease_until > clock_timestamp()) busy
     CROSS JOIN LATERAL (
        SELECT id, next_at FROM webhook_deliveries
         WHERE receiver = receivers.receiver AND state = 'pending' AND next_at <= clock_timestamp()
         ORDER BY next_at LIMIT greatest(0, %(receiver_max)s - busy.running)) waiting
     WHERE receivers.receiver IS NOT NULL
     ORDER BY waiting.next_at LIMIT %(limit)s
), locked AS (
    SELECT id FROM webhook_deliveries WHERE id IN (SELECT id FROM due) AND state = 'pending'
       FOR UPDATE SKIP LOCKED
)
UPDATE webhook_deliveries
   SET attempts = attempts + 1, round_attempts = round_attempts + 1,
       round_since = CASE WHEN round_attempts = 0 THEN clock_timestamp() ELSE round_since END,
       next_at = clock_timestamp() + make_interval(secs => %(lease_s)s),
       lease_until = clock_timestamp() + make_interval(secs => %(lease_s)s)
  FROM locked WHERE webhook_deliveries.id = locked.id
RETURNING webhook_deliveries.*

-- name: seconds_to_next
SELECT extract(epoch FROM min(next_at) - clock_timestamp())::float8 AS seconds
  FROM webhook_deliveries WHERE state = 'pending'

-- name: freeze_body
UPDATE webhook_deliveries SET body = coalesce(body, %(body)s) WHERE id = %(id)s RETURNING body

-- The log of one delivery is bounded; an attempt that is no longer the current one writes nothing.
-- name: record
WITH judged AS (
    UPDATE webhook_deliveries
       SET state = %(state)s, lease_until = NULL, last_status = %(status)s, last_error = %(error)s,
           next_at = clock_timestamp() + make_interval(secs => %(retry_in_s)s),
           delivered_at = CASE WHEN %(state)s = 'delivered' THEN clock_timestamp() ELSE delivered_at END
     WHERE id = %(id)s AND attempts = %(number)s AND state = 'pending'
    RETURNING id
), forgotten AS (
    DELETE FROM webhook_attempts USING judged
     WHERE delivery_id = judged.id AND number <= %(number)s - %(log_length)s
), logged AS (
    INSERT INTO webhook_attempts (delivery_id, number, at, status, error, took_ms)
    SELECT id, %(number)s, %(at)s, %(status)s, %(error)s, %(took_ms)s FROM judged
)
SELECT id FROM judged

-- An attempt that runs at this moment is left to end: its place in `attempts` is taken by the next claim.
-- name: redeliver
UPDATE webhook_deliveries
   SET state = 'pending', round_attempts = 0, next_at = clock_timestamp(), lease_until = NULL
 WHERE id = %(id)s AND (%(account_id)s::text IS NULL OR account_id = %(account_id)s)
RETURNING *, pg_notify('filmgate_webhook', '') IS NULL AS told

-- name: list
SELECT id, task_id, account_id, api_key_id, base_url, state, attempts, round_attempts, round_since, next_at,
       last_status, last_error, created_at, delivered_at,
       (SELECT jsonb_agg(jsonb_build_object('number', number, 'at', at, 'status', status, 'error', error,
                                            'took_ms', took_ms) ORDER BY number DESC)
          FROM webhook_attempts WHERE delivery_id = webhook_deliveries.id) AS log
  FROM webhook_deliveries
 WHERE (%(account_id)s::text IS NULL OR account_id = %(account_id)s)
   AND (%(task_id)s::text IS NULL OR task_id = %(task_id)s)
   AND (%(state)s::text IS NULL OR state = %(state)s)
   AND (%(before)s::text IS NULL OR id < %(before)s)
 ORDER BY id DESC LIMIT %(limit)s

-- name: secret
SELECT sealed, created_at, previous_sealed, previous_until FROM webhook_secrets WHERE api_key_id = %(key_id)s

-- name: keep_secret
INSERT INTO webhook_secrets (api_key_id, sealed, created_at) VALUES (%(key_id)s, %(sealed)s, %(created_at)s)
    ON CONFLICT (api_key_id) DO UPDATE SET api_key_id = excluded.api_key_id
RETURNING sealed, created_at, previous_sealed, previous_until

-- name: rotate_secret
INSERT INTO webhook_secrets AS kept (api_key_id, sealed, created_at) VALUES (%(key_id)s, %(sealed)s, %(created_at)s)
    ON CONFLICT (api_key_id) DO UPDATE
       SET previous_sealed = kept.sealed, previous_until = %(previous_until)s,
           sealed = excluded.sealed, created_at = excluded.created_at
RETURNING sealed, created_at, previous_sealed, previous_until
