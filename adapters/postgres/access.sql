
-- Who is at the door. Random ids, digests, sealed bytes and times: no personal data.
create table if not exists credentials (
    account uuid primary key,
    sealed bytea not null
);

create table if not exists sessions (
    digest bytea primary key,
    account uuid,
    role text,
    began_at timestamptz not null,
    seen_at timestamptz not null,
    check ((account is null) <> (role is null))
);
create index if not exists sessions_account on sessions (account);
create index if not exists sessions_began on sessions (began_at);

create table if not exists used (
    digest bytea primary key,
    until timestamptz not null
);

create table if not exists counters (
    bucket bytea primary key,
    since timestamptz not null,
    count integer not null
);
