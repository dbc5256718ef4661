-- The first tables. {schema} stands for the name of the schema. Whatever compares or sorts names does so by their
-- bytes (COLLATE "C"), whatever the database's own order is.

-- What module files are made of: rows of moderate size, neither compressed (zips are) nor read whole for a part.
CREATE TABLE {schema}.chunks (
    content bigint NOT NULL,
    number integer NOT NULL CHECK (number >= 0),
    bytes bytea NOT NULL CHECK (length(bytes) > 0),
    PRIMARY KEY (content, number)
);
ALTER TABLE {schema}.chunks ALTER COLUMN bytes SET STORAGE EXTERNAL;
CREATE SEQUENCE {schema}.contents;

-- The names, each given once. Every row of a content but its last has `chunk` bytes.
CREATE TABLE {schema}.files (
    name text COLLATE "C" PRIMARY KEY,
    path text COLLATE "C" NOT NULL,
    version text COLLATE "C" NOT NULL,
    kind text COLLATE "C" NOT NULL CHECK (kind IN ('info', 'mod', 'zip')),
    size bigint NOT NULL CHECK (size > 0),
    sha256 bytea NOT NULL CHECK (length(sha256) = 32),
    content bigint NOT NULL UNIQUE,
    chunk integer NOT NULL CHECK (chunk > 0)
);
-- Not unique, though it could be: of two nodes that insert one name at once, ON CONFLICT lets the second one wait at the
-- primary key, but a second unique index would refuse it.
CREATE INDEX files_versions ON {schema}.files (path, version) WHERE kind = 'info';

-- The names taken away from contents that were found damaged; the contents stay.
CREATE TABLE {schema}.damaged (
    content bigint PRIMARY KEY,
    name text COLLATE "C" NOT NULL,
    size bigint NOT NULL,
    sha256 bytea NOT NULL,
    chunk integer NOT NULL,
    found bytea,
    reason text NOT NULL,
    set_aside timestamptz NOT NULL DEFAULT clock_timestamp()
);

-- Versions in the order in which they were first kept. A moment counts microseconds since 1970.
CREATE TABLE {schema}.feed (
    moment bigint PRIMARY KEY,
    path text COLLATE "C" NOT NULL,
    version text COLLATE "C" NOT NULL,
    UNIQUE (path, version)
);

-- The last moment that was given out. Whoever takes one holds this row until it has committed, so that moments become
-- visible in their order.
CREATE TABLE {schema}.clock (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    moment bigint NOT NULL
) WITH (fillfactor = 10);
INSERT INTO {schema}.clock (moment) VALUES (0);

-- Small things that change. A revision is never given out twice, not even to a record that comes back.
CREATE TABLE {schema}.records (
    key text COLLATE "C" PRIMARY KEY,
    bytes bytea NOT NULL,
    revision bigint NOT NULL
);
CREATE SEQUENCE {schema}.revisions;

-- Who fetches what now. The number is the fencing value: whoever takes a lease has a higher one than all before. A row
-- that is there belongs to a holder that lives or has died; who has ended has taken it away.
CREATE TABLE {schema}.leases (
    module text COLLATE "C" PRIMARY KEY,
    holder text COLLATE "C" NOT NULL,
    number bigint NOT NULL,
    beats bigint NOT NULL DEFAULT 0,
    taken_over boolean NOT NULL DEFAULT false,
    expires timestamptz NOT NULL
);
CREATE SEQUENCE {schema}.lease_numbers;

-- No row that belongs to a module file is ever changed or removed, by whomever. One thing is let through: a name
-- whose content was recorded as damaged.
CREATE FUNCTION {schema}.refuse() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RAISE EXCEPTION 'module files are kept for ever: % of % is refused', tg_op, tg_table_name
        USING ERRCODE = 'insufficient_privilege';
END $$;

CREATE FUNCTION {schema}.refuse_unless_damaged() RETURNS trigger LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF EXISTS (SELECT FROM {schema}.damaged d WHERE d.content = old.content) THEN
        RETURN old;
    END IF;
    RAISE EXCEPTION 'module files are kept for ever: % of % is refused', tg_op, tg_table_name
        USING ERRCODE = 'insufficient_privilege';
END $$;

CREATE TRIGGER kept BEFORE UPDATE OR TRUNCATE ON {schema}.files
    FOR EACH STATEMENT EXECUTE FUNCTION {schema}.refuse();
CREATE TRIGGER kept_unless_damaged BEFORE DELETE ON {schema}.files
    FOR EACH ROW EXECUTE FUNCTION {schema}.refuse_unless_damaged();
CREATE TRIGGER kept BEFORE UPDATE OR DELETE OR TRUNCATE ON {schema}.chunks
    FOR EACH STATEMENT EXECUTE FUNCTION {schema}.refuse();
CREATE TRIGGER kept BEFORE UPDATE OR DELETE OR TRUNCATE ON {schema}.damaged
    FOR EACH STATEMENT EXECUTE FUNCTION {schema}.refuse();
CREATE TRIGGER kept BEFORE UPDATE OR DELETE OR TRUNCATE ON {schema}.feed
    FOR EACH STATEMENT EXECUTE FUNCTION {schema}.refuse();

-- Also where triggers are switched off for a session (session_replication_role).
ALTER TABLE {schema}.files ENABLE ALWAYS TRIGGER kept;
ALTER TABLE {schema}.files ENABLE ALWAYS TRIGGER kept_unless_damaged;
ALTER TABLE {schema}.chunks ENABLE ALWAYS TRIGGER kept;
ALTER TABLE {schema}.damaged ENABLE ALWAYS TRIGGER kept;
ALTER TABLE {schema}.feed ENABLE ALWAYS TRIGGER kept;

-- Gives a content its name, as the last step of the transaction that wrote it; false if the name is taken.
CREATE FUNCTION {schema}.keep(
    new_name text, new_path text, new_version text, new_kind text,
    new_size bigint, new_sha256 bytea, new_content bigint, new_chunk integer
) RETURNS boolean LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    written bigint;
    now_given bigint;
BEGIN
    SELECT sum(length(c.bytes)) INTO written FROM {schema}.chunks c WHERE c.content = new_content;
    IF written IS DISTINCT FROM new_size THEN
        RAISE EXCEPTION 'a file of % bytes has % bytes of rows', new_size, written
            USING ERRCODE = 'check_violation';
    END IF;
    INSERT INTO {schema}.files (name, path, version, kind, size, sha256, content, chunk)
        VALUES (new_name, new_path, new_version, new_kind, new_size, new_sha256, new_content, new_chunk)
        ON CONFLICT (name) DO NOTHING;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    -- A version comes once, also when its .info was set aside and is back. Nobody else looks at this version now: the
    -- name above is ours until we commit.
    IF new_kind = 'info'
        AND NOT EXISTS (SELECT FROM {schema}.feed f WHERE f.path = new_path AND f.version = new_version)
    THEN
        UPDATE {schema}.clock SET moment
            = greatest(moment + 1, floor(extract(epoch FROM clock_timestamp()) * 1000000)::bigint)
            RETURNING moment INTO now_given;
        INSERT INTO {schema}.feed (moment, path, version) VALUES (now_given, new_path, new_version);
    END IF;
    RETURN true;
END $$;

-- Takes a name away from a content that was found damaged, if it still has just this content and the rows are those
-- that were read: `sums` are their sha-256s in order, or null where they could not be read to the end, which must be so
-- here too. True if it was done.
CREATE FUNCTION {schema}.set_aside(
    old_name text, old_content bigint, sums bytea[], found_sha256 bytea, because text
) RETURNS boolean LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    kept record;
    wanted bigint;
    now_sums bytea[];
BEGIN
    SELECT f.size, f.chunk INTO kept FROM {schema}.files f
        WHERE f.name = old_name AND f.content = old_content FOR UPDATE;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    wanted := (kept.size + kept.chunk - 1) / kept.chunk;
    BEGIN
        SELECT array_agg(sha256(c.bytes) ORDER BY c.number) INTO now_sums FROM {schema}.chunks c
            WHERE c.content = old_content AND c.number < wanted
            AND length(c.bytes) = least(kept.chunk, kept.size - c.number::bigint * kept.chunk);
    EXCEPTION WHEN data_corrupted OR index_corrupted THEN
        now_sums := NULL;
    END;
    IF cardinality(now_sums) IS DISTINCT FROM wanted THEN
        now_sums := NULL;
    END IF;
    IF now_sums IS DISTINCT FROM sums THEN
        RETURN false;
    END IF;
    INSERT INTO {schema}.damaged (content, name, size, sha256, chunk, found, reason)
        SELECT f.content, f.name, f.size, f.sha256, f.chunk, found_sha256, because
        FROM {schema}.files f WHERE f.name = old_name AND f.content = old_content;
    DELETE FROM {schema}.files f WHERE f.name = old_name AND f.content = old_content;
    RETURN true;
END $$;
REVOKE ALL ON FUNCTION {schema}.set_aside(text, bigint, bytea[], bytea, text) FROM PUBLIC;
