//! One function per intention.

pub(crate) mod change_password;
pub(crate) mod create_admin;
pub(crate) mod login;
pub(crate) mod logout;
pub(crate) mod manage_sessions;
pub(crate) mod manage_users;
pub(crate) mod profile;
pub(crate) mod refresh;
pub(crate) mod register;
pub(crate) mod sign_in;
