-- Usage: an entry knows its model, key and length by itself, because it outlives its task. A grant may say why.

ALTER TABLE ledger_entries
    ADD COLUMN model      text,
    ADD COLUMN api_key_id text,
    ADD COLUMN seconds    integer,
    ADD COLUMN note       text;

UPDATE ledger_entries entry
   SET model = tasks.model, api_key_id = tasks.api_key_id, seconds = (tasks.generation->>'duration_s')::integer
  FROM tasks WHERE tasks.id = entry.task_id;

CREATE INDEX usage_of_an_account ON ledger_entries (account_id, created_at)
    INCLUDE (amount, model, seconds) WHERE movement = 'capture';
CREATE INDEX usage_of_a_key ON ledger_entries (api_key_id, created_at)
    INCLUDE (amount, model, seconds) WHERE movement = 'capture';
