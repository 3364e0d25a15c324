-- People, what they may do, and their sessions.

-- email_key is what two spellings of one address have in common.
CREATE TABLE users (
    id TEXT NOT NULL,
    email TEXT NOT NULL,
    email_key TEXT NOT NULL,
    name TEXT,
    language TEXT NOT NULL,
    disabled BIGINT NOT NULL,
    version BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    CONSTRAINT users_pk PRIMARY KEY (id),
    CONSTRAINT users_email_key_unique UNIQUE (email_key),
    CONSTRAINT users_language_known CHECK (language IN ('ru', 'en')),
    CONSTRAINT users_disabled_is_flag CHECK (disabled IN (0, 1)),
    CONSTRAINT users_version_counts CHECK (version >= 1)
);

-- The password as a PHC string of Argon2id: its parameters stand beside the value.
CREATE TABLE credentials (
    user_id TEXT NOT NULL,
    password_hash TEXT NOT NULL,
    changed_at BIGINT NOT NULL,
    CONSTRAINT credentials_pk PRIMARY KEY (user_id),
    CONSTRAINT credentials_user_known FOREIGN KEY (user_id) REFERENCES users (id),
    CONSTRAINT credentials_hash_is_argon2id CHECK (password_hash LIKE '$argon2id$%')
);

-- scope is a shop's id, or * for all shops.
CREATE TABLE grants (
    user_id TEXT NOT NULL,
    role TEXT NOT NULL,
    scope TEXT NOT NULL,
    granted_at BIGINT NOT NULL,
    CONSTRAINT grants_pk PRIMARY KEY (user_id, role, scope),
    CONSTRAINT grants_user_known FOREIGN KEY (user_id) REFERENCES users (id),
    CONSTRAINT grants_role_known CHECK (role IN ('barista', 'courier', 'manager', 'marketer', 'analyst', 'admin')),
    CONSTRAINT grants_admin_is_everywhere CHECK (role <> 'admin' OR scope = '*')
);

CREATE INDEX grants_by_role ON grants (role, user_id);

-- One sign-in on one device: the family of its refresh tokens. created_at is when the password was shown.
CREATE TABLE sessions (
    id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    device TEXT NOT NULL,
    network TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    refreshed_at BIGINT NOT NULL,
    ended_at BIGINT,
    end_reason TEXT,
    CONSTRAINT sessions_pk PRIMARY KEY (id),
    CONSTRAINT sessions_user_known FOREIGN KEY (user_id) REFERENCES users (id),
    CONSTRAINT sessions_end_has_reason CHECK ((ended_at IS NULL) = (end_reason IS NULL)),
    CONSTRAINT sessions_end_reason_known CHECK (
        end_reason IN ('logout', 'signed_in_again', 'ended_by_owner', 'ended_by_admin', 'password_changed', 'disabled', 'grant_removed', 'too_many', 'token_reused')
    )
);

CREATE INDEX sessions_by_user ON sessions (user_id, id);
CREATE INDEX sessions_by_end ON sessions (ended_at);
CREATE INDEX sessions_by_refresh ON sessions (refreshed_at);

-- hash is the SHA-256 of the token, in base64url. AUT-1: a session has at most one that is not spent.
CREATE TABLE refresh_tokens (
    hash TEXT NOT NULL,
    session_id TEXT NOT NULL,
    issued_at BIGINT NOT NULL,
    spent_at BIGINT,
    CONSTRAINT refresh_tokens_pk PRIMARY KEY (hash),
    CONSTRAINT refresh_tokens_session_known FOREIGN KEY (session_id) REFERENCES sessions (id)
);

CREATE UNIQUE INDEX refresh_tokens_one_live ON refresh_tokens (session_id) WHERE spent_at IS NULL;
CREATE INDEX refresh_tokens_by_session ON refresh_tokens (session_id);

-- The keys that access tokens are signed with, the seed in base64url. private_key is sealed when auth.key_secret is set.
CREATE TABLE signing_keys (
    generation BIGINT NOT NULL,
    id TEXT NOT NULL,
    public_key TEXT NOT NULL,
    private_key TEXT NOT NULL,
    sealed BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    signs_from_at BIGINT NOT NULL,
    CONSTRAINT signing_keys_pk PRIMARY KEY (generation),
    CONSTRAINT signing_keys_id_unique UNIQUE (id),
    CONSTRAINT signing_keys_sealed_is_flag CHECK (sealed IN (0, 1))
);
