-- The statements of previews, by name.

-- Only an attempt that holds its lease shows anything; numbers go on rising over attempts.
-- name: record
WITH written AS (
    INSERT INTO previews AS shown (task_id, attempt, number, jpeg)
    SELECT id, attempt, 1, %(jpeg)s FROM tasks
     WHERE id = %(id)s AND attempt = %(attempt)s AND ended_at IS NULL AND lease_until > clock_timestamp()
        ON CONFLICT (task_id) DO UPDATE
           SET attempt = excluded.attempt, number = shown.number + 1, jpeg = excluded.jpeg
         WHERE shown.attempt <= excluded.attempt
    RETURNING task_id, number
)
SELECT number, pg_notify('filmgate_preview', task_id || ' ' || number) FROM written

-- name: latest
SELECT number, jpeg FROM previews WHERE task_id = %(id)s

-- name: number
SELECT number FROM previews WHERE task_id = %(id)s

-- A picture written at the very moment of its task's end may outlive it.
-- name: forget
DELETE FROM previews USING tasks WHERE tasks.id = task_id AND ended_at IS NOT NULL
