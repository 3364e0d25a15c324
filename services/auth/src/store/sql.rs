//! The statements.

store::statements! {
    /// A new user.
    INSERT_USER = "INSERT INTO users (id, email, email_key, name, language, disabled, version, created_at)
        VALUES ($1, $2, $3, $4, $5, 0, 1, $6)";

    /// Whose address it is.
    FIND_USER_ID = "SELECT id FROM users WHERE email_key = $1";

    /// A user to look at.
    READ_USER = "SELECT id, email, name, language, disabled, version, created_at FROM users WHERE id = $1";

    /// A user to change, or to change something that hangs on it.
    LOCK_USER = "SELECT id, email, name, language, disabled, version, created_at FROM users WHERE id = $1 FOR UPDATE";

    /// The newest users first, from a place on.
    LIST_USERS = "SELECT id, email, name, language, disabled, version, created_at
        FROM users
        WHERE id < $1
        ORDER BY id DESC
        LIMIT $2";

    /// The user of an address, as a list.
    LIST_USERS_BY_EMAIL = "SELECT id, email, name, language, disabled, version, created_at
        FROM users
        WHERE id < $1
          AND email_key = $3
        ORDER BY id DESC
        LIMIT $2";

    /// A changed profile. The row is locked, so the version is the one that was read.
    UPDATE_USER = "UPDATE users
        SET email = $2, email_key = $3, name = $4, language = $5, disabled = $6, version = version + 1
        WHERE id = $1
          AND version = $7";

    /// What a user may do.
    LIST_GRANTS = "SELECT role, scope FROM grants WHERE user_id = $1 ORDER BY role, scope LIMIT 1000";

    /// One more right.
    INSERT_GRANT = "INSERT INTO grants (user_id, role, scope, granted_at) VALUES ($1, $2, $3, $4)";

    /// All rights of a user.
    DELETE_GRANTS = "DELETE FROM grants WHERE user_id = $1";

    /// The administrators who can sign in, all locked: whoever takes one away waits for whoever takes another.
    LOCK_ADMINS = "SELECT u.id
        FROM grants AS g
        JOIN users AS u ON u.id = g.user_id
        WHERE g.role = 'admin'
          AND u.disabled = 0
        ORDER BY u.id
        LIMIT 1000
        FOR UPDATE";

    /// The hash of a user's password.
    READ_CREDENTIAL = "SELECT password_hash FROM credentials WHERE user_id = $1";

    /// What a sign-in is checked against, and whether this user was signed in from this address lately. A session that
    /// ended because its token was used twice says nothing: one of the two was a thief.
    READ_SIGN_IN = "SELECT u.id, u.disabled, c.password_hash,
            EXISTS (
                SELECT 1
                FROM sessions AS s
                WHERE s.user_id = u.id
                  AND s.network = $2
                  AND (s.ended_at IS NULL OR (s.ended_at >= $3 AND s.end_reason <> 'token_reused'))
            )
        FROM users AS u
        JOIN credentials AS c ON c.user_id = u.id
        WHERE u.email_key = $1";

    /// A first password.
    INSERT_CREDENTIAL = "INSERT INTO credentials (user_id, password_hash, changed_at) VALUES ($1, $2, $3)";

    /// Another password, or the same with stronger parameters; only in place of the one that was checked.
    REPLACE_CREDENTIAL = "UPDATE credentials
        SET password_hash = $2, changed_at = $3
        WHERE user_id = $1
          AND password_hash = $4";

    /// A new session.
    INSERT_SESSION = "INSERT INTO sessions (id, user_id, device, network, created_at, refreshed_at)
        VALUES ($1, $2, $3, $4, $5, $5)";

    /// A session.
    READ_SESSION = "SELECT id, user_id, device, created_at, refreshed_at, ended_at, end_reason
        FROM sessions
        WHERE id = $1";

    /// The living sessions of a user, the newest first.
    LIST_SESSIONS = "SELECT id, user_id, device, created_at, refreshed_at, ended_at, end_reason
        FROM sessions
        WHERE user_id = $1
          AND ended_at IS NULL
        ORDER BY id DESC
        LIMIT 1000";

    /// A session was used. Its owner's row is locked.
    TOUCH_SESSION = "UPDATE sessions SET refreshed_at = $2, network = $3 WHERE id = $1 AND ended_at IS NULL";

    /// The end of a session; never before its last token was issued, so that a list of ends outlives the token.
    END_SESSION = "UPDATE sessions
        SET ended_at = CASE WHEN refreshed_at > $2 THEN refreshed_at ELSE $2 END, end_reason = $3
        WHERE id = $1
          AND ended_at IS NULL
        RETURNING ended_at";

    /// The sessions that ended lately.
    LIST_ENDED_SINCE = "SELECT id, ended_at FROM sessions WHERE ended_at >= $1 ORDER BY ended_at LIMIT 1000000";

    /// Sessions that are over for long, a handful at a time.
    LIST_FORGETTABLE = "SELECT id FROM sessions
        WHERE ended_at < $1
           OR refreshed_at < $2
        ORDER BY id
        LIMIT $3";

    /// A session that nobody asks about any more.
    DELETE_SESSION = "DELETE FROM sessions WHERE id = $1";

    /// A new refresh token.
    INSERT_REFRESH_TOKEN = "INSERT INTO refresh_tokens (hash, session_id, issued_at) VALUES ($1, $2, $3)";

    /// Whose token it is.
    FIND_REFRESH_TOKEN = "SELECT s.id, s.user_id
        FROM refresh_tokens AS t
        JOIN sessions AS s ON s.id = t.session_id
        WHERE t.hash = $1";

    /// Whether a token was used before.
    READ_REFRESH_TOKEN = "SELECT spent_at FROM refresh_tokens WHERE hash = $1";

    /// A token is used.
    SPEND_REFRESH_TOKEN = "UPDATE refresh_tokens SET spent_at = $2 WHERE hash = $1 AND spent_at IS NULL";

    /// No token of the session is good any more.
    SPEND_ALL_REFRESH_TOKENS = "UPDATE refresh_tokens SET spent_at = $2 WHERE session_id = $1 AND spent_at IS NULL";

    /// The tokens of a session that is forgotten.
    DELETE_REFRESH_TOKENS = "DELETE FROM refresh_tokens WHERE session_id = $1";

    /// The signing keys, the newest first.
    LIST_KEYS = "SELECT generation, id, public_key, private_key, sealed, created_at, signs_from_at
        FROM signing_keys
        ORDER BY generation DESC
        LIMIT 100";

    /// Private halves that were stored as they are and do not sign any more.
    FORGET_PLAIN_SEEDS = "UPDATE signing_keys
        SET private_key = ''
        WHERE generation < $1
          AND sealed = 0
          AND private_key <> ''";

    /// A new signing key, unless somebody else made that generation.
    INSERT_KEY = "INSERT INTO signing_keys
            (generation, id, public_key, private_key, sealed, created_at, signs_from_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7)
        ON CONFLICT (generation) DO NOTHING";

    /// Keys whose last token has run out.
    DELETE_KEYS_BEFORE = "DELETE FROM signing_keys WHERE generation < $1";

    /// AUT-1: sessions that have not exactly the refresh token they should: one while they live, none after.
    CHECK_FAMILIES = "SELECT s.id, s.ended_at, COUNT(t.hash)
        FROM sessions AS s
        LEFT JOIN refresh_tokens AS t ON t.session_id = s.id AND t.spent_at IS NULL
        GROUP BY s.id, s.ended_at
        HAVING COUNT(t.hash) <> CASE WHEN s.ended_at IS NULL THEN 1 ELSE 0 END
        ORDER BY s.id
        LIMIT 1000";

    /// AUT-2: sessions that live although their user is disabled.
    CHECK_DISABLED = "SELECT s.id, s.user_id
        FROM sessions AS s
        JOIN users AS u ON u.id = s.user_id
        WHERE u.disabled = 1
          AND s.ended_at IS NULL
        ORDER BY s.id
        LIMIT 1000";

    /// Users who have no password and so can never sign in.
    CHECK_CREDENTIALS = "SELECT u.id
        FROM users AS u
        LEFT JOIN credentials AS c ON c.user_id = u.id
        WHERE c.user_id IS NULL
        ORDER BY u.id
        LIMIT 1000";

    /// The next people who registered since a time, for the audit.
    REGISTERED_SINCE = "SELECT id, version, email, name, language FROM users
        WHERE id > $1 AND created_at >= $2
        ORDER BY id
        LIMIT $3";

    /// How often a person's row has changed, for the audit.
    VERSION_OF_USER = "SELECT version FROM users WHERE id = $1";
}
