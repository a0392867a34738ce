-- Ranks are given by key since 0009: nothing reads the accounts' own any more.
ALTER TABLE accounts DROP COLUMN last_rank;
