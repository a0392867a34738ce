-- Keys: what each may do, how much, how often, until when and from where; what it holds and has spent; rate limits.

ALTER TABLE accounts ADD COLUMN is_admin boolean NOT NULL DEFAULT false;
UPDATE accounts SET is_admin = true WHERE id = (SELECT id FROM accounts ORDER BY created_at, id LIMIT 1);

-- Null stands for no limit, or for the server's own where it has one.
ALTER TABLE api_keys
    ADD COLUMN scopes                 text[] NOT NULL DEFAULT '{generate,read}'
               CHECK (scopes <@ '{generate,read,manage}' AND scopes <> '{}'),
    ADD COLUMN models                 text[],
    ADD COLUMN networks               text[],
    ADD COLUMN requests_per_minute    integer CHECK (requests_per_minute > 0),
    ADD COLUMN concurrent_tasks_max   integer CHECK (concurrent_tasks_max > 0),
    ADD COLUMN queue_length_max       integer CHECK (queue_length_max > 0),
    ADD COLUMN priority               smallint NOT NULL DEFAULT 0 CHECK (priority BETWEEN -1 AND 1),
    ADD COLUMN budget_micro_usd_day   bigint CHECK (budget_micro_usd_day >= 0),
    ADD COLUMN budget_micro_usd_month bigint CHECK (budget_micro_usd_month >= 0),
    ADD COLUMN budget_micro_usd_total bigint CHECK (budget_micro_usd_total >= 0),
    ADD COLUMN expires_at             timestamptz,
    ADD COLUMN disabled_at            timestamptz,
    ADD COLUMN last_used_address      text,
    ADD COLUMN previous_token_hash    bytea UNIQUE,
    ADD COLUMN previous_until         timestamptz;

-- Up to now every key that could be used on the server's own machine could manage it by command.
UPDATE api_keys SET scopes = '{generate,read,manage}'
 WHERE name IN ('this machine''s commands', 'first') AND account_id IN (SELECT id FROM accounts WHERE is_admin);

-- Holds count as spent until they are released. `day` and `month` are those, in UTC, that the sums are of.
CREATE TABLE key_spending (
    api_key_id      text PRIMARY KEY REFERENCES api_keys ON DELETE CASCADE,
    day             date NOT NULL DEFAULT '1970-01-01',
    day_micro_usd   bigint NOT NULL DEFAULT 0,
    month           date NOT NULL DEFAULT '1970-01-01',
    month_micro_usd bigint NOT NULL DEFAULT 0,
    total_micro_usd bigint NOT NULL DEFAULT 0
) WITH (fillfactor = 50);

INSERT INTO key_spending
SELECT api_keys.id, utc.today, coalesce(sum(price) FILTER (WHERE held_at >= utc.today), 0),
       utc.month, coalesce(sum(price) FILTER (WHERE held_at >= utc.month), 0), coalesce(sum(price), 0)
  FROM api_keys
 CROSS JOIN (SELECT (now() AT TIME ZONE 'UTC')::date AS today, date_trunc('month', now() AT TIME ZONE 'UTC')::date AS month) utc
  LEFT JOIN (SELECT hold.api_key_id, hold.amount AS price, hold.created_at AT TIME ZONE 'UTC' AS held_at
               FROM ledger_entries hold
              WHERE hold.movement = 'hold' AND NOT EXISTS (
                        SELECT FROM ledger_entries released
                         WHERE released.task_id = hold.task_id AND released.movement = 'release')) spent
    ON spent.api_key_id = api_keys.id
 GROUP BY api_keys.id, utc.today, utc.month;

-- A release says whether its task failed or was cancelled: it outlives the task, and usage counts failures.
UPDATE ledger_entries entry SET note = tasks.status
  FROM tasks WHERE tasks.id = entry.task_id AND entry.movement = 'release';
CREATE INDEX ledger_by_time ON ledger_entries USING brin (created_at);

-- How often somebody asked lately: a sliding window of two counts. Lost with a crash, which forgives everybody.
CREATE UNLOGGED TABLE turns (
    subject  text PRIMARY KEY,
    began_at timestamptz NOT NULL,
    taken    integer NOT NULL,
    before   integer NOT NULL
) WITH (fillfactor = 50);

-- Takes a turn if fewer than `most` were taken in the last `window_s` seconds, those of the window before counted by
-- the share of it that is not over yet. `again_s` says after how long a refused turn would be given.
CREATE FUNCTION take_turn(who text, most integer, window_s double precision,
                          OUT is_given boolean, OUT remaining integer, OUT reset_s double precision,
                          OUT again_s double precision)
LANGUAGE plpgsql AS $$
DECLARE
    kept   turns;
    passed double precision;
BEGIN
    INSERT INTO turns VALUES (who, clock_timestamp(), 0, 0) ON CONFLICT DO NOTHING;
    SELECT * INTO STRICT kept FROM turns WHERE subject = who FOR UPDATE;
    passed := extract(epoch FROM clock_timestamp() - kept.began_at);
    IF passed >= 2 * window_s THEN
        kept.began_at := clock_timestamp(); kept.before := 0; kept.taken := 0; passed := 0;
    ELSIF passed >= window_s THEN
        kept.began_at := kept.began_at + make_interval(secs => window_s);
        kept.before := kept.taken; kept.taken := 0; passed := passed - window_s;
    END IF;
    is_given := kept.taken + 1 + kept.before * (1 - passed / window_s) <= most;
    IF is_given THEN
        kept.taken := kept.taken + 1;
        again_s := 0;
    ELSIF kept.taken < most THEN
        again_s := window_s * (1 - (most - 1 - kept.taken)::double precision / kept.before) - passed;
    ELSE
        again_s := window_s - passed + window_s * greatest(0, 1 - (most - 1)::double precision / kept.taken);
    END IF;
    reset_s := window_s - passed;
    remaining := greatest(0, floor(most - kept.taken - kept.before * (1 - passed / window_s)));
    UPDATE turns SET began_at = kept.began_at, taken = kept.taken, before = kept.before WHERE subject = who;
END $$;
