-- What films in the making look like: one small picture a task, replaced about once a second and gone with the task's
-- end. Unlogged: nothing is lost if the database forgets them, and they cost no write-ahead log.

CREATE UNLOGGED TABLE previews (
    task_id text COLLATE "C" PRIMARY KEY REFERENCES tasks ON DELETE CASCADE,
    attempt integer NOT NULL,
    number  integer NOT NULL,
    jpeg    bytea NOT NULL
);
ALTER TABLE previews ALTER COLUMN jpeg SET STORAGE EXTERNAL;

CREATE FUNCTION drop_preview() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM previews WHERE task_id = NEW.id;
    RETURN NULL;
END $$;
CREATE TRIGGER task_ended AFTER UPDATE OF ended_at ON tasks
    FOR EACH ROW WHEN (OLD.ended_at IS NULL AND NEW.ended_at IS NOT NULL)
    EXECUTE FUNCTION drop_preview();
