-- How often somebody asked lately, in sixtieths of the window. Two counts with a share of the older one, as they were
-- kept before, gave a key of one request a minute one in two minutes, and let bursts pass when few had asked before.
DROP TABLE turns;
CREATE UNLOGGED TABLE turns (
    subject  text PRIMARY KEY,
    began_at timestamptz NOT NULL,
    taken    integer[]   NOT NULL
) WITH (fillfactor = 50);
COMMENT ON COLUMN turns.began_at IS 'when the newest part began';
COMMENT ON COLUMN turns.taken IS 'turns by part, the newest first: sixty whole ones and the present one';

-- Takes a turn if fewer than `most` were taken in the last `window_s` seconds. Never more pass in any window; a turn is
-- forgotten up to a sixtieth late. `again_s` says after how long a refused turn would be given, `reset_s` when the next
-- of those that count is forgotten.
CREATE OR REPLACE FUNCTION take_turn(who text, most integer, window_s double precision,
                                     OUT is_given boolean, OUT remaining integer, OUT reset_s double precision,
                                     OUT again_s double precision)
LANGUAGE plpgsql AS $$
DECLARE
    parts  constant integer := 61;
    part_s constant double precision := window_s / 60;
    kept   turns;
    passed integer;
    since  double precision;
    counts integer := 0;
    newest integer := 0;
    oldest integer := 1;
BEGIN
    INSERT INTO turns VALUES (who, clock_timestamp(), array_fill(0, ARRAY[parts])) ON CONFLICT DO NOTHING;
    SELECT * INTO STRICT kept FROM turns WHERE subject = who FOR UPDATE;
    since := extract(epoch FROM clock_timestamp() - kept.began_at);
    passed := least(parts, greatest(0, floor(since / part_s)));
    IF passed = parts THEN
        kept.began_at := clock_timestamp(); kept.taken := array_fill(0, ARRAY[parts]); since := 0;
    ELSIF passed > 0 THEN
        kept.began_at := kept.began_at + make_interval(secs => passed * part_s); since := since - passed * part_s;
        kept.taken := array_fill(0, ARRAY[passed]) || kept.taken[1:parts - passed];
    END IF;
    FOR part IN 1..parts LOOP
        counts := counts + kept.taken[part];
        IF counts < most THEN newest := part; END IF;
    END LOOP;
    is_given := counts < most;
    IF is_given THEN
        kept.taken[1] := kept.taken[1] + 1; counts := counts + 1;
    END IF;
    FOR part IN 1..parts LOOP
        IF kept.taken[part] > 0 THEN oldest := part; END IF;
    END LOOP;
    again_s := CASE WHEN is_given THEN 0 ELSE (parts - newest) * part_s - since END;
    reset_s := (parts + 1 - oldest) * part_s - since;
    remaining := greatest(0, most - counts);
    UPDATE turns SET began_at = kept.began_at, taken = kept.taken WHERE subject = who;
END $$;
