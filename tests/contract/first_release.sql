-- What the first release wrote, in its columns and its JSON: never to be mended after a later one.

INSERT INTO accounts (id, name, created_at, granted, available, held, captured, unfinished, last_rank)
VALUES ('acct_old', 'old', now(), 10000000, 10000000 - 4 * 332000, 3 * 332000, 332000, 3, 5);
INSERT INTO api_keys (id, account_id, name, token_hash, prefix, created_at)
VALUES ('key_old', 'acct_old', 'old', 'hash', 'fg_12345', now());
INSERT INTO tasks (id, account_id, api_key_id, model, generation, price_micro_usd, created_at, rank)
SELECT format('task_01K00000000000000000000%s', to_char(number, 'FM000')), 'acct_old', 'key_old', 'wan2.5-preview',
       jsonb_build_object('model', 'wan2.5-preview', 'prompt', 'a road', 'negative_prompt', '',
                          'resolution', '720p', 'size', '16:9', 'duration_s', 5, 'seed', 7,
                          'may_rewrite_prompt', true, 'has_watermark', false, 'image', NULL,
                          'audio', NULL, 'language', 'en'),
       332000, now() - interval '1 minute', number + 1
  FROM generate_series(0, 4) AS number;
UPDATE queue_state SET last_started_rank = 5;
UPDATE tasks SET status = 'processing', attempt = 1, stage = 'make', progress = 40, worker = 'w1',
                 started_at = now(), lease_until = now() + interval '1 hour', actual_prompt = 'a long road'
 WHERE rank = 2;
UPDATE tasks SET status = 'processing', attempt = 2, stage = 'make', progress = 80, worker = 'w2',
                 started_at = now(), lease_until = now() - interval '1 second'
 WHERE rank = 3;
UPDATE tasks SET status = 'completed', attempt = 1, stage = 'done', progress = 100, started_at = now(),
                 ended_at = now(), width_px = 1280, height_px = 720, engine = 'draft',
                 result_key = 'results/old/film.mp4', result_bytes = 9, expires_at = now() + interval '1 day'
 WHERE rank = 4;
UPDATE tasks SET status = 'failed', attempt = 3, stage = 'done', progress = 100, started_at = now(), ended_at = now(),
                 failure = '{"code": "engine_failed", "message": "it broke", "param": null}'
 WHERE rank = 5;
INSERT INTO ledger_entries (account_id, movement, amount) VALUES ('acct_old', 'grant', 10000000);
INSERT INTO ledger_entries (account_id, task_id, movement, amount)
SELECT 'acct_old', id, 'hold', 332000 FROM tasks ORDER BY rank;
INSERT INTO ledger_entries (account_id, task_id, movement, amount)
SELECT 'acct_old', id, CASE rank WHEN 4 THEN 'capture' ELSE 'release' END, 332000 FROM tasks WHERE rank >= 4;
INSERT INTO assets (key, kind, account_id, task_id, content_type, size_bytes, filename, created_at, expires_at)
SELECT result_key, 'result', 'acct_old', id, 'video/mp4', 9, 'film.mp4', now(), expires_at FROM tasks WHERE rank = 4;
SELECT procrastinate_defer_jobs_v1(ARRAY[ROW('films', 'produce_video', (-rank)::integer, NULL, id,
           jsonb_build_object('task_id', id), NULL)::procrastinate_job_to_defer_v1])
  FROM tasks WHERE ended_at IS NULL ORDER BY rank;
