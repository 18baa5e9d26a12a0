-- The ledger's database: the log (when PostgreSQL is the log) and what the fold wrote.
-- Nothing of a person is in clear here: ids are random, payloads are sealed.

create table if not exists log (
    "offset" bigint primary key,
    record bytea not null
);
alter table log alter column record set storage external;

-- One call appends a batch. The lock is held until the commit, so offsets have no
-- gap and become visible in order; each statement below sees what committed before it.
create or replace function log_append(batch bytea[]) returns bigint
language plpgsql volatile as $$
declare
    first bigint;
begin
    perform pg_advisory_xact_lock(7236103274);
    select coalesce(max("offset") + 1, 0) into first from log;
    insert into log select first + place - 1, record
        from unnest(batch) with ordinality as rows(record, place);
    return first;
end $$;

create table if not exists log_identity (
    single boolean primary key default true check (single),
    identity uuid not null default gen_random_uuid()
);
insert into log_identity default values on conflict do nothing;

create table if not exists cursor (
    single boolean primary key default true check (single),
    "offset" bigint not null,
    offset_last bigint not null,
    last bytea not null,
    genesis bytea not null,
    identity text not null,
    rule integer not null,
    position bigint not null,
    accepted bytea not null,
    frontier bytea not null
);

create table if not exists heads (
    stream uuid primary key,
    version bigint not null,
    ended boolean not null
) with (fillfactor = 50);

create table if not exists fates (
    command uuid primary key,
    accepted boolean not null
);

create table if not exists commits (
    "offset" bigint primary key,
    command uuid not null unique,
    position bigint not null unique,
    events bigint not null,
    leaf bigint not null,
    leaves bigint not null
);
create index if not exists commits_leaf on commits (leaf);

create table if not exists segments (
    stream uuid not null,
    first bigint not null,
    events bigint not null,
    "offset" bigint not null,
    primary key (stream, first)
);

create table if not exists leaves (
    leaf bigint primary key,
    entry bytea not null
);

-- Whether a leaf is of the public register: agreements, published texts, orders of
-- destruction, runs of retention, notices. The marks are those of ledger/store.py, in hexadecimal; a test compares.
create or replace function in_register(entry bytea) returns boolean
language sql immutable parallel safe as $$
    select position('\x2274797065223a2241677265656d656e74'::bytea in entry) > 0
        or position('\x2274797065223a225465726d735075626c6973686564'::bytea in entry) > 0
        or position('\x2274797065223a224465737472756374696f6e4f726465726564'::bytea in entry) > 0
        or position('\x2274797065223a225061737445726173757265526571756573746564'::bytea in entry) > 0
        or position('\x2274797065223a224b65797344657374726f796564'::bytea in entry) > 0
        or position('\x2274797065223a22526574656e74696f6e'::bytea in entry) > 0
        or position('\x2274797065223a224e6f74696365'::bytea in entry) > 0
$$;
create index if not exists leaves_register on leaves (leaf) where in_register(entry);

create table if not exists readings (
    consent uuid not null,
    "offset" bigint not null,
    frame integer not null,
    place integer not null,
    primary key (consent, "offset", frame, place)
);

-- Append only, also against an owner's mistake: nothing of the log or of what was
-- accepted is ever updated or deleted.
create or replace function refuse_change() returns trigger
language plpgsql as $$
begin
    raise exception '% is append only', tg_table_name;
end $$;

do $$
declare
    name text;
begin
    foreach name in array array['log', 'commits', 'segments', 'leaves', 'readings', 'fates'] loop
        execute format('create or replace trigger append_only before update or delete on %I'
                       ' for each statement execute function refuse_change()', name);
        execute format('create or replace trigger append_only_whole before truncate on %I'
                       ' for each statement execute function refuse_change()', name);
    end loop;
end $$;

-- Which generation of the projections is read. Its tables are in the schema
-- projection_N, made by adapters/postgres/projections.sql.
create table if not exists projection (
    single boolean primary key default true check (single),
    generation integer not null
);

-- How far each reaction has come: the next position of the ledger that it looks at.
create table if not exists reactions (
    name text primary key,
    next bigint not null
);

-- What was asked of the API under an idempotency key: ids, a keyed digest, and an answer
-- that holds ids and words of ours. Kept for days; the ledger itself knows commands for ever.
create table if not exists asked (
    command uuid primary key,
    owner uuid not null,
    kind text not null,
    digest bytea not null check (octet_length(digest) = 16),
    about uuid,
    status smallint,
    body bytea,
    at timestamptz not null,
    check ((status is null) = (body is null))
);
create index if not exists asked_by_age on asked (at);

-- Copies of the public register's frames as the log has them, by leaf: agreements, texts, and
-- ids of keys ordered destroyed. They may be dropped: whoever reads the log makes them again.
create table if not exists registered (
    leaf bigint primary key,
    header bytea not null,
    frame bytea not null
);

-- Acts of people that wait for the log, in the order they came, and for days what became of
-- them: random ids, times and sealed bytes. An act that waits ends what is shown at once.
create table if not exists inbox (
    place bigint generated always as identity primary key,
    command uuid not null unique,
    about uuid not null,
    at timestamptz not null,
    key uuid not null,
    sealed bytea not null,
    fortune text not null default 'waiting' check (fortune in ('waiting', 'done', 'refused'))
);
create index if not exists inbox_waiting on inbox (about) where fortune = 'waiting';
