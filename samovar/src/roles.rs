//! The role table: which services a process consists of. Adding a context is one row.

use service::Mount;

/// Every service, in the order in which they are built.
pub static SERVICES: &[Mount] = &[
    Mount { name: "auth", migrations: auth::MIGRATIONS, settings: auth::SETTINGS, service: auth::service },
    Mount { name: "catalog", migrations: catalog::MIGRATIONS, settings: catalog::SETTINGS, service: catalog::service },
    Mount { name: "orders", migrations: orders::MIGRATIONS, settings: orders::SETTINGS, service: orders::service },
    Mount {
        name: "payments",
        migrations: payments::MIGRATIONS,
        settings: payments::SETTINGS,
        service: payments::service,
    },
];
