
-- What became of each file that an operator delivered. Ids that are derived under a key, and the
-- numbers of the metropolis's own subscriptions: no personal data.
create table if not exists arrivals (
    id uuid primary key,
    number bigint generated always as identity,
    operator text not null,
    delivery uuid not null,
    size_bytes bigint not null,
    at timestamptz not null,
    again integer not null default 0,
    state text not null,
    reason text,
    flow text,
    subscription text,
    made text,
    sequence integer,
    part integer,
    parts integer
);
create index if not exists arrivals_at on arrivals (at);
