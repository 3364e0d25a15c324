//! Argon2id on one thread of its own (decision 29): however many people sign in at once, checkout keeps the other
//! cores, and memory is that of one hash.
//!
//! The queue is bounded: who does not fit is told at once to come back. A hash that nobody waits for any more is
//! not computed.

use std::sync::Arc;
use std::thread;

use argon2::password_hash::phc::PasswordHash;
use argon2::{Algorithm, Argon2, Params, PasswordHasher as _, PasswordVerifier as _, Version};
use crossbeam_channel::{Sender, TrySendError};
use kernel::Rng;
use tokio::sync::oneshot;

use crate::error::Error;
use crate::secret::Secret;

/// Bytes of random salt; what the PHC string format recommends.
const SALT_BYTES: usize = 16;

/// What one password costs whoever stores it or tries it: Argon2id with one lane.
#[derive(Clone, Copy, Debug)]
pub struct PasswordCost {
    memory_kib: u32,
    passes: u32,
    /// A hash of this cost that belongs to nobody: an unknown e-mail costs as much as a known one.
    nobody: &'static str,
}

/// Whether a password is the stored one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Verified {
    /// It is.
    Yes,
    /// It is, and was stored with other parameters than today's: here it is with today's.
    YesAndRehashed(String),
    /// It is not.
    No,
}

/// The door to the thread. Cheap to clone; the thread ends when the last one is dropped.
#[derive(Clone, Debug)]
pub(crate) struct Hasher {
    queue: Sender<Job>,
    cost: PasswordCost,
    rng: Arc<dyn Rng>,
}

/// What the thread does.
enum Job {
    Hash { password: Secret, salt: [u8; SALT_BYTES], reply: oneshot::Sender<String> },
    Verify { password: Secret, stored: String, salt: [u8; SALT_BYTES], reply: oneshot::Sender<Verified> },
}

impl Hasher {
    /// Starts the thread.
    ///
    /// # Panics
    ///
    /// If the operating system gives no thread: the process cannot start.
    #[must_use]
    pub(crate) fn start(queue_max: usize, cost: PasswordCost, rng: Arc<dyn Rng>) -> Self {
        Self::start_with(queue_max, cost, rng, move |job| job.run(cost))
    }

    fn start_with(queue_max: usize, cost: PasswordCost, rng: Arc<dyn Rng>, run: impl Fn(Job) + Send + 'static) -> Self {
        let (queue, jobs) = crossbeam_channel::bounded::<Job>(queue_max);
        let work = move || jobs.iter().for_each(run);
        thread::Builder::new().name("auth-argon2".to_owned()).spawn(work).expect("a process can start a thread");
        Self { queue, cost, rng }
    }

    /// The PHC string of a new password.
    ///
    /// # Errors
    ///
    /// [`Error::Busy`] when the queue is full.
    pub(crate) async fn hash(&self, password: Secret) -> Result<String, Error> {
        let (reply, answer) = oneshot::channel();
        self.submit(Job::Hash { password, salt: self.salt(), reply })?;
        answer.await.map_err(|_| Error::Busy)
    }

    /// Whether the password is the stored one; with `None` it takes as long and says no.
    ///
    /// # Errors
    ///
    /// [`Error::Busy`] when the queue is full.
    pub(crate) async fn verify(&self, password: Secret, stored: Option<String>) -> Result<Verified, Error> {
        let (reply, answer) = oneshot::channel();
        let stored = stored.unwrap_or_else(|| self.cost.nobody.to_owned());
        self.submit(Job::Verify { password, stored, salt: self.salt(), reply })?;
        answer.await.map_err(|_| Error::Busy)
    }

    fn submit(&self, job: Job) -> Result<(), Error> {
        self.queue.try_send(job).map_err(|refused| match refused {
            TrySendError::Full(_) | TrySendError::Disconnected(_) => Error::Busy,
        })
    }

    fn salt(&self) -> [u8; SALT_BYTES] {
        salt(self.rng.as_ref())
    }
}

impl Job {
    /// Does the work unless the one who asked is gone; a reply that nobody takes is not an error either.
    fn run(self, cost: PasswordCost) {
        match self {
            Self::Hash { reply, .. } if reply.is_closed() => {}
            Self::Verify { reply, .. } if reply.is_closed() => {}
            Self::Hash { password, salt, reply } => drop(reply.send(cost.hash(&password, &salt))),
            Self::Verify { password, stored, salt, reply } => {
                drop(reply.send(cost.verify(&password, &stored, &salt)));
            }
        }
    }
}

/// The PHC string of a password, on the caller's thread: for the command line.
#[must_use]
pub(crate) fn hash_here(password: &Secret, rng: &dyn Rng) -> String {
    PasswordCost::OWASP.hash(password, &salt(rng))
}

fn salt(rng: &dyn Rng) -> [u8; SALT_BYTES] {
    let mut salt = [0; SALT_BYTES];
    rng.fill(&mut salt);
    salt
}

impl PasswordCost {
    /// The floor of OWASP, and the crate's default: 19 MiB, two passes (ASVS 11.4.2).
    pub const OWASP: Self = Self {
        memory_kib: 19_456,
        passes: 2,
        nobody: "$argon2id$v=19$m=19456,t=2,p=1$c2Ftb3ZhciBib2lscyBvbg$QK5WeYd3sBcXnLJ1MPO8xKHkq0m0u1fTdP0k8eGmR2A",
    };

    /// The least that the algorithm allows. It protects nobody: for tests, which store no password of anybody's.
    pub const LEAST: Self = Self {
        memory_kib: Params::MIN_M_COST,
        passes: Params::MIN_T_COST,
        nobody: "$argon2id$v=19$m=8,t=1,p=1$c2Ftb3ZhciBib2lscyBvbg$QK5WeYd3sBcXnLJ1MPO8xKHkq0m0u1fTdP0k8eGmR2A",
    };

    fn argon2id(self) -> Argon2<'static> {
        let params = Params::new(self.memory_kib, self.passes, 1, None).expect("both costs are within bounds");
        Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
    }

    fn hash(self, password: &Secret, salt: &[u8; SALT_BYTES]) -> String {
        let hash = self.argon2id().hash_password_with_salt(password.expose().as_bytes(), salt);
        hash.expect("the salt has a good length, and no password that was let in is too long").to_string()
    }

    fn verify(self, password: &Secret, stored: &str, salt: &[u8; SALT_BYTES]) -> Verified {
        let Ok(parsed) = PasswordHash::new(stored) else {
            tracing::error!("a stored password hash cannot be read");
            return Verified::No;
        };
        // Constant time is in the comparison of the outputs.
        if self.argon2id().verify_password(password.expose().as_bytes(), &parsed).is_err() {
            return Verified::No;
        }
        if self.is_that_of(&parsed) { Verified::Yes } else { Verified::YesAndRehashed(self.hash(password, salt)) }
    }

    fn is_that_of(self, parsed: &PasswordHash) -> bool {
        Params::try_from(parsed).is_ok_and(|params| {
            parsed.algorithm == Algorithm::Argon2id.ident()
                && parsed.version == Some(Version::V0x13.into())
                && (params.m_cost(), params.t_cost(), params.p_cost()) == (self.memory_kib, self.passes, 1)
        })
    }
}

/// What was asked of a hasher: the algorithm and its cost, once for each hash.
#[cfg(test)]
#[derive(Debug, Default)]
pub(crate) struct Counted(std::sync::Mutex<Vec<String>>);

#[cfg(test)]
impl Counted {
    /// What was asked since the last time.
    pub(crate) fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

#[cfg(test)]
impl Hasher {
    /// One that counts.
    pub(crate) fn counting(rng: Arc<dyn Rng>) -> (Self, Arc<Counted>) {
        let counted = Arc::new(Counted::default());
        let counting = Arc::clone(&counted);
        let run = move |job: Job| {
            let cost = match &job {
                Job::Hash { .. } => "a new hash".to_owned(),
                Job::Verify { stored, .. } => stored.split('$').take(4).collect::<Vec<_>>().join("$"),
            };
            counting.0.lock().unwrap().push(cost);
            job.run(PasswordCost::OWASP);
        };
        (Self::start_with(16, PasswordCost::OWASP, rng, run), counted)
    }
}

#[cfg(test)]
mod tests {
    use super::{PasswordCost, Verified};
    use crate::secret::Secret;
    use argon2::password_hash::phc::PasswordHash;
    use argon2::{Argon2, Params, PasswordHasher as _};

    const SALT: [u8; 16] = [7; 16];
    const TODAY: PasswordCost = PasswordCost::OWASP;

    fn secret(text: &str) -> Secret {
        Secret::new(text.to_owned())
    }

    #[test]
    fn parameters_are_not_below_the_floor() {
        let params = TODAY.argon2id().params().clone();

        assert!(params.m_cost() >= 19_456 && params.t_cost() >= 2 && params.p_cost() == 1, "{params:?}");
        assert!(TODAY.hash(&secret("correct horse"), &SALT).starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
    }

    #[test]
    fn every_character_of_a_password_counts() {
        let long = "ж".repeat(1023);
        let stored = TODAY.hash(&secret(&format!("{long}a")), &SALT);

        assert_eq!(TODAY.verify(&secret(&format!("{long}a")), &stored, &SALT), Verified::Yes);
        assert_eq!(TODAY.verify(&secret(&format!("{long}b")), &stored, &SALT), Verified::No);
        assert_eq!(TODAY.verify(&secret(&format!("{long}a ")), &stored, &SALT), Verified::No);
    }

    #[test]
    fn a_hash_of_weaker_parameters_is_made_anew() {
        let weak = Argon2::from(Params::new(8 * 1024, 1, 1, None).unwrap());
        let stored = weak.hash_password_with_salt(b"correct horse", &SALT).unwrap().to_string();

        let Verified::YesAndRehashed(new) = TODAY.verify(&secret("correct horse"), &stored, &SALT) else {
            panic!("the old parameters were kept");
        };

        assert_eq!(TODAY.verify(&secret("correct horse"), &new, &SALT), Verified::Yes);
        assert_eq!(TODAY.verify(&secret("wrong horse"), &stored, &SALT), Verified::No);
    }

    #[test]
    fn nobodys_hash_costs_as_much_as_anybodys_and_fits_no_password() {
        for cost in [TODAY, PasswordCost::LEAST] {
            assert!(cost.is_that_of(&PasswordHash::new(cost.nobody).unwrap()), "{cost:?}");
            assert_eq!(cost.verify(&secret(""), cost.nobody, &SALT), Verified::No);
        }
    }
}
