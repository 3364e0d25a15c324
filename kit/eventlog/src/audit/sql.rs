//! What the checks ask. Each statement reads both sides of its rule in one snapshot.

use store::statements;

statements! {
    /// Events that were handled although an earlier one of their topic and key is parked. The order of the tables is
    /// the order of the search: from the events that were passed to the parked rows of their keys.
    OVERTAKEN = "
        SELECT p.consumer, e.id, e.key, r.event_id
        FROM event_positions p
        CROSS JOIN events e
        CROSS JOIN event_retries r
        WHERE e.topic = p.topic AND e.seq <= p.position
            AND e.seq > (SELECT MIN(f.seq) FROM event_retries f WHERE f.consumer = p.consumer AND f.topic = p.topic)
            AND r.consumer = p.consumer AND r.event_key = e.key AND r.topic = e.topic AND r.seq < e.seq
            AND NOT EXISTS (SELECT 1 FROM event_retries b WHERE b.consumer = p.consumer AND b.seq = e.seq)
        ORDER BY p.consumer, e.seq, r.seq
        LIMIT $1";

    /// Parked events that are tried although another one of their key is.
    TWO_FIRST = "
        SELECT r.consumer, r.event_id, r.event_key, h.event_id
        FROM event_retries r
        JOIN event_retries h ON h.consumer = r.consumer AND h.event_key = r.event_key AND h.seq < r.seq
        WHERE r.state <> 'behind' AND h.state <> 'behind'
        ORDER BY r.consumer, r.seq
        LIMIT $1";

    /// Both sides of the count: what was published in the window, and what became of it.
    COUNTS = "
        SELECT p.consumer, p.topic, p.handled,
            (SELECT COUNT(*) FROM event_retries r
                WHERE r.consumer = p.consumer AND r.topic = p.topic
                    AND r.seq > p.counted_from AND r.seq <= p.position),
            (SELECT COUNT(*) FROM events e
                WHERE e.topic = p.topic AND e.seq > p.counted_from AND e.seq <= p.position),
            (SELECT COUNT(*) FROM events e
                WHERE e.topic = p.topic AND e.seq > p.position),
            COALESCE((SELECT MIN(e.seq) FROM events e
                WHERE e.topic = p.topic AND e.seq > p.position), 0)
        FROM event_positions p
        ORDER BY p.consumer, p.topic";

    /// Parked rows whose event is gone, or which the position has not passed.
    ORPHANS = "
        SELECT r.consumer, r.event_id, r.event_key, ''
        FROM event_retries r
        WHERE NOT EXISTS (SELECT 1 FROM events e WHERE e.seq = r.seq)
            OR NOT EXISTS (
                SELECT 1 FROM event_positions p
                WHERE p.consumer = r.consumer AND p.topic = r.topic AND p.position >= r.seq)
        ORDER BY r.consumer, r.seq
        LIMIT $1";

    /// Keys of events that are on their way.
    UNDELIVERED_KEYS = "
        SELECT e.key
        FROM event_positions p
        JOIN events e ON e.topic = p.topic AND e.seq > p.position
        UNION
        SELECT r.event_key
        FROM event_retries r
        WHERE r.state = 'waiting'";

    /// Events that wait behind nothing.
    BEHIND_NOTHING = "
        SELECT r.consumer, r.event_id, r.event_key, ''
        FROM event_retries r
        WHERE r.state = 'behind' AND NOT EXISTS (
            SELECT 1 FROM event_retries h
            WHERE h.consumer = r.consumer AND h.event_key = r.event_key AND h.state <> 'behind')
        ORDER BY r.consumer, r.seq
        LIMIT $1";
}
