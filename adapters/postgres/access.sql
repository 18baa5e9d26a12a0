
-- Who is at the door. Random ids, digests, roles, sealed bytes and times: no personal data.

-- Before staff had accounts, a session of theirs was a role, and links were noted here. Sessions are
-- no more than sign-ins: whoever had one signs in again.
drop table if exists used;
do $$ begin
    if exists (select from information_schema.columns
               where table_schema = current_schema and table_name = 'sessions'
                 and column_name = 'role') then
        drop table sessions;
    end if;
    if exists (select from information_schema.columns
               where table_schema = current_schema and table_name = 'credentials'
                 and column_name = 'account') then
        alter table credentials rename column account to owner;
    end if;
end $$;

create table if not exists credentials (
    owner uuid primary key,
    sealed bytea not null
);

create table if not exists sessions (
    digest bytea primary key,
    account uuid,
    member uuid,
    began_at timestamptz not null,
    seen_at timestamptz not null,
    check ((account is null) <> (member is null))
);
create index if not exists sessions_account on sessions (account);
create index if not exists sessions_member on sessions (member);
create index if not exists sessions_began on sessions (began_at);

create table if not exists staff (
    number bigint generated always as identity,
    id uuid primary key,
    role text not null,
    profile bytea not null,
    since timestamptz not null,
    invitation bytea,
    factor bytea,
    step bigint not null default 0,
    revoked_at timestamptz
);

create table if not exists recovery_codes (
    member uuid not null,
    digest bytea not null,
    primary key (member, digest)
);

create table if not exists counters (
    bucket bytea primary key,
    since timestamptz not null,
    count integer not null
);
