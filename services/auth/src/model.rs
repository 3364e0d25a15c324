//! What auth knows about people and their sessions, and the rules that decide: pure.

pub(crate) mod email;
pub(crate) mod grants;
pub(crate) mod keys;
pub(crate) mod password;
pub(crate) mod profile;
pub(crate) mod refresh;
pub(crate) mod session;
pub(crate) mod user;
