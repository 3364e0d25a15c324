//! One line of the log for every request that was refused: what, who, from where (ASVS 16.2.1, 16.3.2, 16.3.3). The
//! line names the request, as every line does.
//!
//! What comes in floods (rates, overload) is counted by the gateway and not written line by line: the log must not become
//! the next thing to break.

use std::net::IpAddr;

use axum::response::Response;
use contracts::UserId;
use http::Method;
use kernel::{Code, ErrorKind};

/// The code of a problem, kept beside its document.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Refused(pub(crate) &'static Code);

/// What the door knows of a request, left in the answer that refuses it.
#[derive(Clone, Copy, Debug)]
pub struct RefusedCaller {
    /// The template of the path, never the address.
    pub route: &'static str,
    /// Who asked.
    pub user_id: Option<UserId>,
}

/// Writes the line if the answer is a refusal that a person may want to look at later.
///
/// `method` is `None` of what could not be read as a request.
pub(crate) fn log(response: &Response, method: Option<&Method>, address: Option<IpAddr>) {
    let Some(Refused(code)) = response.extensions().get::<Refused>() else { return };
    let caller = response.extensions().get::<RefusedCaller>();
    let user = caller.and_then(|caller| caller.user_id).map(tracing::field::display);
    if !is_of_interest(code.kind, user.is_some()) {
        return;
    }
    tracing::info!(
        error.code = code.code,
        http.request.method = method.map(Method::as_str),
        http.route = caller.map(|caller| caller.route),
        user.id = user,
        client.address = address.map(tracing::field::display),
        "request refused"
    );
}

/// Somebody else's thing is told to be not there: whoever is signed in and asks for many of them is looking for one.
const fn is_of_interest(kind: ErrorKind, is_signed_in: bool) -> bool {
    match kind {
        ErrorKind::Malformed
        | ErrorKind::Invalid
        | ErrorKind::Unauthenticated
        | ErrorKind::Forbidden
        | ErrorKind::TooLarge
        | ErrorKind::HeadTooLarge
        | ErrorKind::UnsupportedMedia => true,
        ErrorKind::NotFound => is_signed_in,
        ErrorKind::Conflict
        | ErrorKind::Stale
        | ErrorKind::PreconditionRequired
        | ErrorKind::MethodNotAllowed
        | ErrorKind::TooMany
        | ErrorKind::Unavailable
        | ErrorKind::Internal => false,
    }
}
