-- Films ordered from upstreams: written before the call, completed right after (domain/purchase.py).

CREATE TABLE purchases (
    task_id        text COLLATE "C" NOT NULL,
    number         integer NOT NULL CHECK (number >= 1),
    upstream       text NOT NULL,
    state          text NOT NULL DEFAULT 'intended' CHECK (state IN
                   ('intended', 'bought', 'delivered', 'failed', 'wasted', 'refused', 'cancelled', 'uncertain')),
    attempt        integer NOT NULL,
    cost_micro_usd bigint NOT NULL CHECK (cost_micro_usd >= 0),
    upstream_id    text,
    intended_at    timestamptz NOT NULL DEFAULT clock_timestamp(),
    bought_at      timestamptz,
    ended_at       timestamptz,
    detail         text,
    PRIMARY KEY (task_id, number),
    CONSTRAINT what_was_bought_has_an_id CHECK (state NOT IN ('bought', 'delivered') OR upstream_id IS NOT NULL),
    CONSTRAINT an_ended_purchase_has_an_end CHECK ((state IN ('intended', 'bought')) = (ended_at IS NULL))
);
CREATE INDEX purchases_under_way ON purchases (upstream) WHERE ended_at IS NULL;
CREATE INDEX purchases_of_an_upstream ON purchases (upstream, intended_at);

ALTER TABLE tasks ADD COLUMN engine_reason text;
