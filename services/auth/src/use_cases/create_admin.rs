//! The first administrator, made on the command line: there is no account before it, and no password that anybody
//! could know (ASVS 6.3.2).

use contracts::UserId;
use kernel::Language;
use service::{Grant, Role};
use store::Db;

use super::register;
use crate::app::audit;
use crate::error::Error;
use crate::hasher;
use crate::model::email::EmailAddress;
use crate::model::password::{self, PasswordFault};
use crate::model::profile::PersonName;
use crate::secret::Secret;
use crate::store::users::{self, NewUser};

/// Who is to be the administrator.
#[derive(Clone, Debug)]
pub struct NewAdmin {
    /// The address, as typed.
    pub email: String,
    /// The password, as typed.
    pub password: Secret,
    /// The name, if one is given.
    pub name: Option<String>,
}

/// Why there is no new administrator.
#[derive(Debug, thiserror::Error)]
pub enum CreateAdminError {
    /// The address is none.
    #[error("{0:?} is not an e-mail address")]
    Email(String),
    /// The name is none.
    #[error("the name is empty, too long or has more than one line")]
    Name,
    /// The password breaks the rules.
    #[error("the password {}", .0.iter().map(|fault| fault.words().en).collect::<Vec<_>>().join(", and it "))]
    Password(Vec<PasswordFault>),
    /// The address is taken, or the store failed.
    #[error(transparent)]
    Auth(#[from] Error),
}

/// Makes an administrator of all shops. Blocks: hashes on the caller's thread.
///
/// # Errors
///
/// [`CreateAdminError`].
pub fn create_admin(db: &Db, admin: &NewAdmin) -> Result<UserId, CreateAdminError> {
    let email = EmailAddress::parse(&admin.email).map_err(|_| CreateAdminError::Email(admin.email.clone()))?;
    let name = admin.name.as_deref().map(PersonName::parse).transpose().map_err(|_| CreateAdminError::Name)?;
    let personal = [email.local_part(), admin.name.as_deref().unwrap_or_default()];
    let faults = password::faults(&admin.password, &personal);
    if !faults.is_empty() {
        return Err(CreateAdminError::Password(faults));
    }
    let new = NewUser {
        id: UserId::new(db.clock().now(), db.rng().as_ref()),
        email,
        name: name.map(|name| name.as_str().to_owned()),
        language: Language::Ru,
        password_hash: hasher::hash_here(&admin.password, db.rng().as_ref()),
    };
    let id = new.id;
    let entry = audit("system", "auth.admin-created", id);
    db.write_blocking(move |tx| {
        register::insert(tx, &new)?;
        users::replace_grants(tx, id, &[Grant { role: Role::Admin, shop_id: None }])?;
        tx.audit(entry.clone())?;
        Ok::<_, Error>(())
    })?;
    Ok(id)
}
