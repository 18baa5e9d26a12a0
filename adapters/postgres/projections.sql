-- A generation of the projections, in a schema of its own ("{schema}"): dropped and built
-- again from the log at any time. Nothing of a person is in clear: ids are random, the rest
-- is sealed under keys that an erasure destroys.

create schema "{schema}";

create table "{schema}".cursors (
    part text primary key,
    next bigint not null,
    received_at timestamptz
);
insert into "{schema}".cursors values ('standing', 1, null), ('readings', 1, null);

create table "{schema}".standing (
    account uuid primary key,
    key uuid not null,
    consents uuid[] not null,
    covers bytea not null,
    sealed bytea not null
);
alter table "{schema}".standing alter column covers set storage external,
    alter column sealed set storage external;

-- Consents that have not ended, and their last day: both are public, in the grants' leaves.
create table "{schema}".lasting (
    consent uuid primary key,
    last_day date not null
);
create index on "{schema}".lasting (last_day);

-- Each account's last erasure request: dates of public and private zones, and no more.
create table "{schema}".requests (
    account uuid primary key,
    requested_at timestamptz not null,
    identified_at timestamptz,
    held_at timestamptz,
    validated_at timestamptz,
    ordered_at timestamptz,
    closed_at timestamptz,
    outcome text
);
create index on "{schema}".requests (requested_at) where closed_at is null;
create index on "{schema}".requests (closed_at);

-- Readings as they lie in the log, found by their consent. They stay here for a month at
-- most: then they are filed into pages.
create table "{schema}".slips (
    consent uuid not null,
    leaf bigint not null,
    place integer not null,
    received_at timestamptz not null,
    key uuid not null,
    reading_leaf bytea not null,
    sealed bytea not null,
    primary key (consent, leaf, place)
);

create table "{schema}".pages (
    consent uuid not null,
    month date not null,
    key uuid not null,
    sealed bytea not null,
    figures bytea not null,
    primary key (consent, month)
);
alter table "{schema}".pages alter column sealed set storage external,
    alter column figures set storage external;

-- Accepted events that could not be shown, for whoever looks after the ledger.
create table "{schema}".unread (
    position bigint primary key,
    reason text not null
);
