-- The longer statements of accounts' balances, the ledger and assets, by name.

-- One statement, so that it sees one moment.
-- name: audit
SELECT accounts.*, summed.* FROM accounts LEFT JOIN LATERAL (
    SELECT coalesce(sum(amount) FILTER (WHERE movement = 'grant'), 0)::bigint AS all_granted,
           coalesce(sum(amount) FILTER (WHERE movement = 'hold'), 0)::bigint AS all_held,
           coalesce(sum(amount) FILTER (WHERE movement = 'capture'), 0)::bigint AS all_captured,
           coalesce(sum(amount) FILTER (WHERE movement = 'release'), 0)::bigint AS all_released
      FROM ledger_entries WHERE account_id = accounts.id) summed ON true

-- name: add_asset
INSERT INTO assets (key, kind, account_id, task_id, content_type, size_bytes, filename, created_at, expires_at)
VALUES (%(key)s, %(kind)s, %(account_id)s, %(task_id)s, %(content_type)s, %(size_bytes)s, %(filename)s,
        %(created_at)s, %(expires_at)s)
    ON CONFLICT (key) DO UPDATE SET size_bytes = excluded.size_bytes, content_type = excluded.content_type

-- What an unfinished task names stays, even after its time. An input goes an hour after its task has nothing to show.
-- NOT IN is hashed once; an anti-join compares every pair, which takes minutes with a long queue.
-- name: expired_assets
SELECT * FROM assets
 WHERE (expires_at < %(at)s
        OR (kind = 'input' AND created_at < %(at)s
            AND NOT EXISTS (
                SELECT FROM tasks WHERE tasks.id = assets.task_id
                   AND (ended_at IS NULL OR coalesce(tasks.expires_at, ended_at) >= %(at)s))))
   AND 'asset:' || key NOT IN (
        SELECT named FROM tasks, LATERAL (VALUES (generation->>'image'), (generation->>'audio')) AS given (named)
         WHERE ended_at IS NULL AND named LIKE 'asset:%%')
 ORDER BY expires_at NULLS FIRST LIMIT %(limit)s

-- name: accounts
SELECT accounts.*, (SELECT count(*) FROM api_keys WHERE account_id = accounts.id AND revoked_at IS NULL AND disabled_at IS NULL) AS usable_keys
  FROM accounts
 WHERE %(sought)s::text IS NULL OR %(sought)s IN (id, name)
 ORDER BY name

-- A negative grant takes back, but from an account with a limit no more than is available.
-- name: grant
WITH account AS (
    UPDATE accounts SET granted = granted + %(amount)s, available = available + %(amount)s
     WHERE id = %(id)s AND (%(amount)s > 0 OR NOT is_limited OR available >= -%(amount)s)
    RETURNING *
), entry AS (
    INSERT INTO ledger_entries (account_id, movement, amount, note)
    SELECT id, 'grant', %(amount)s, %(note)s FROM account
)
SELECT * FROM account

-- name: entries
SELECT * FROM ledger_entries
 WHERE account_id = %(account_id)s AND (%(before)s::bigint IS NULL OR id < %(before)s)
 ORDER BY id DESC LIMIT %(limit)s

-- name: captured_by_key
SELECT coalesce(sum(amount), 0)::bigint AS captured
  FROM ledger_entries WHERE api_key_id = %(api_key_id)s AND movement = 'capture'

-- Days are told apart by their midnights, so that their length and time zone are the caller's affair.
-- name: usage
SELECT CASE WHEN %(by_model)s::boolean THEN coalesce(model, 'unknown') END AS model,
       CASE WHEN %(by_day)s::boolean THEN width_bucket(created_at, %(boundaries)s::timestamptz[]) - 1 END AS day_index,
       count(*) AS requests, coalesce(sum(seconds), 0)::bigint AS seconds,
       coalesce(sum(amount), 0)::bigint AS amount_micro_usd
  FROM ledger_entries
 WHERE account_id = %(account_id)s AND movement = 'capture'
   AND (%(api_key_id)s::text IS NULL OR api_key_id = %(api_key_id)s)
   AND created_at >= %(start)s AND created_at < %(end)s
 GROUP BY 1, 2 ORDER BY 2, 1
