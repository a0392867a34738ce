-- The longer statements of accounts, API keys and rates, by name.

-- name: ensure_account
INSERT INTO accounts (id, name, created_at, is_admin)
VALUES (%(id)s, %(name)s, %(at)s, NOT EXISTS (SELECT FROM accounts WHERE is_admin))
    ON CONFLICT (name) DO UPDATE SET name = excluded.name
RETURNING id

-- name: add_account
INSERT INTO accounts (id, name, created_at, is_limited, is_admin)
VALUES (%(id)s, %(name)s, %(at)s, %(is_limited)s, %(is_admin)s)
    ON CONFLICT (name) DO NOTHING
RETURNING id

-- name: edit_account
UPDATE accounts SET name = %(name)s, is_limited = %(is_limited)s, is_admin = %(is_admin)s
 WHERE id = %(id)s AND NOT EXISTS (SELECT FROM accounts WHERE name = %(name)s AND id <> %(id)s)
RETURNING id

-- name: add_key
WITH key AS (
    INSERT INTO api_keys (id, account_id, name, token_hash, prefix, created_at, scopes, models, networks,
                          requests_per_minute, concurrent_tasks_max, queue_length_max, priority, budget_micro_usd_day,
                          budget_micro_usd_month, budget_micro_usd_total, expires_at)
    VALUES (%(id)s, %(account_id)s, %(name)s, %(token_hash)s, %(prefix)s, %(created_at)s, %(scopes)s, %(models)s,
            %(networks)s, %(requests_per_minute)s, %(concurrent_tasks_max)s, %(queue_length_max)s, %(priority)s,
            %(budget_micro_usd_day)s, %(budget_micro_usd_month)s, %(budget_micro_usd_total)s, %(expires_at)s)
    RETURNING id
)
INSERT INTO key_spending (api_key_id) SELECT id FROM key

-- name: edit_key
UPDATE api_keys
   SET name = %(name)s, scopes = %(scopes)s, models = %(models)s, networks = %(networks)s,
       requests_per_minute = %(requests_per_minute)s, concurrent_tasks_max = %(concurrent_tasks_max)s,
       queue_length_max = %(queue_length_max)s, priority = %(priority)s,
       budget_micro_usd_day = %(budget_micro_usd_day)s, budget_micro_usd_month = %(budget_micro_usd_month)s,
       budget_micro_usd_total = %(budget_micro_usd_total)s, expires_at = %(expires_at)s
 WHERE id = %(id)s

-- name: rotate_key
UPDATE api_keys
   SET previous_token_hash = token_hash, previous_until = %(previous_until)s,
       token_hash = %(token_hash)s, prefix = %(prefix)s
 WHERE id = %(id)s

-- name: spending
SELECT api_key_id AS id, total_micro_usd AS total,
       CASE WHEN day < (now() AT TIME ZONE 'UTC')::date THEN 0 ELSE day_micro_usd END AS day,
       CASE WHEN month < date_trunc('month', now() AT TIME ZONE 'UTC') THEN 0 ELSE month_micro_usd END AS month
  FROM key_spending JOIN api_keys ON api_keys.id = api_key_id
 WHERE (%(account_id)s::text IS NULL OR account_id = %(account_id)s)
   AND (%(key_id)s::text IS NULL OR api_key_id = %(key_id)s)
