-- The longer statements of accounts, keys, the ledger and assets, by name.

-- name: ensure_account
INSERT INTO accounts (id, name, created_at) VALUES (%(id)s, %(name)s, %(at)s)
    ON CONFLICT (name) DO UPDATE SET name = excluded.name
RETURNING id

-- name: add_key
INSERT INTO api_keys (id, account_id, name, token_hash, prefix, created_at)
VALUES (%(id)s, %(account_id)s, %(name)s, %(token_hash)s, %(prefix)s, %(created_at)s)

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
-- name: expired_assets
SELECT * FROM assets
 WHERE (expires_at < %(at)s
        OR (kind = 'input' AND created_at < %(at)s
            AND NOT EXISTS (
                SELECT FROM tasks WHERE tasks.id = assets.task_id
                   AND (ended_at IS NULL OR coalesce(tasks.expires_at, ended_at) >= %(at)s))))
   AND NOT EXISTS (
        SELECT FROM tasks WHERE ended_at IS NULL
           AND 'asset:' || assets.key IN (generation->>'image', generation->>'audio'))
 ORDER BY expires_at NULLS FIRST LIMIT %(limit)s
