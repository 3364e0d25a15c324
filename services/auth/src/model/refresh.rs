//! Whether a refresh token may be changed for a new one: the rules of a session's life (ASVS V7, decision 27).

use std::time::Duration;

use kernel::Timestamp;

use super::session::{EndReason, Session};

/// How long a session lives: from its last use, and in all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Lifetimes {
    /// Since the last use.
    pub idle: Duration,
    /// Since the password was shown.
    pub absolute: Duration,
}

/// Lifetimes by audience: a lost tablet of a barista opens more than a guest's telephone.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SessionRules {
    /// Of who has no role.
    pub guest: Lifetimes,
    /// Of who has one.
    pub staff: Lifetimes,
}

/// The refresh token that was shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ShownToken {
    /// The family's newest.
    Live,
    /// Changed for another before.
    Spent,
}

/// What becomes of the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// The token is changed for a new one.
    Rotate,
    /// Two know the same token: the whole family dies, since nobody can tell whose it is.
    KillFamily,
    /// The family was dead before, for this very reason.
    DeadByReuse,
    /// The session was ended.
    Ended,
    /// The session was not used for too long, or is too old.
    Expired,
}

/// Decides on a refresh token of a session.
#[must_use]
pub(crate) fn decide(token: ShownToken, session: &Session, lifetimes: Lifetimes, now: Timestamp) -> Verdict {
    match (session.end.map(|end| end.reason), token) {
        (Some(EndReason::TokenReused), _) => Verdict::DeadByReuse,
        (
            Some(
                EndReason::Logout
                | EndReason::SignedInAgain
                | EndReason::EndedByOwner
                | EndReason::EndedByAdmin
                | EndReason::PasswordChanged
                | EndReason::Disabled
                | EndReason::GrantRemoved
                | EndReason::TooMany,
            ),
            _,
        ) => Verdict::Ended,
        (None, ShownToken::Spent) => Verdict::KillFamily,
        (None, ShownToken::Live) if session.is_over(lifetimes, now) => Verdict::Expired,
        (None, ShownToken::Live) => Verdict::Rotate,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use contracts::{SessionId, UserId};
    use kernel::Timestamp;

    use super::{Lifetimes, ShownToken, Verdict, decide};
    use crate::model::session::{End, EndReason, Session};

    const HOUR: Duration = Duration::from_secs(3600);
    const START: Timestamp = Timestamp::from_micros(1_795_255_200_000_000);
    const LIFETIMES: Lifetimes = Lifetimes { idle: HOUR, absolute: Duration::from_secs(10 * 3600) };

    fn session(end: Option<EndReason>) -> Session {
        Session {
            id: SessionId::from_bits(1),
            user_id: UserId::from_bits(2),
            device: String::new(),
            created_at: START,
            refreshed_at: START.plus(4 * HOUR),
            end: end.map(|reason| End { reason, at: START.plus(5 * HOUR) }),
        }
    }

    #[test]
    fn a_session_ends_when_it_is_idle_for_too_long() {
        let live = |now| decide(ShownToken::Live, &session(None), LIFETIMES, now);

        assert_eq!(live(START.plus(4 * HOUR + HOUR / 2)), Verdict::Rotate);
        assert_eq!(live(START.plus(5 * HOUR)), Verdict::Expired);
    }

    #[test]
    fn a_session_ends_at_last_however_much_it_is_used() {
        let used = |hours| Session { refreshed_at: START.plus(hours * HOUR), ..session(None) };
        let just_now = |hours| decide(ShownToken::Live, &used(hours), LIFETIMES, START.plus(hours * HOUR));

        assert_eq!(just_now(9), Verdict::Rotate);
        assert_eq!(just_now(10), Verdict::Expired);
    }

    #[test]
    fn a_spent_token_kills_a_living_family_whatever_its_age() {
        let at = |now| decide(ShownToken::Spent, &session(None), LIFETIMES, now);

        assert_eq!(at(START.plus(4 * HOUR)), Verdict::KillFamily);
        assert_eq!(at(START.plus(100 * HOUR)), Verdict::KillFamily);
    }

    #[test]
    fn no_token_wakes_a_dead_family() {
        for reason in EndReason::ALL {
            for token in [ShownToken::Live, ShownToken::Spent] {
                let verdict = decide(token, &session(Some(*reason)), LIFETIMES, START.plus(4 * HOUR));

                assert!(matches!(verdict, Verdict::Ended | Verdict::DeadByReuse), "{reason:?} {token:?}: {verdict:?}");
            }
        }
    }
}
