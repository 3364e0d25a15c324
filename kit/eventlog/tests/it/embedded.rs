//! The embedded log under the suite, on both databases.

use std::sync::Arc;

use kernel::OsRng;
use store::StoreConfig;
use testkit::{FakeClock, TestDatabase};

use crate::probe::Process;
use crate::suite::LogUnderTest;

pub(crate) struct Embedded<'d> {
    database: &'d TestDatabase,
    clock: FakeClock,
}

impl<'d> Embedded<'d> {
    pub(crate) fn on(database: &'d TestDatabase) -> Self {
        Self { database, clock: FakeClock::default() }
    }
}

impl LogUnderTest for Embedded<'_> {
    fn start(&self) -> Process {
        let mut config = self.database.config();
        if let StoreConfig::Postgres(config) = &mut config {
            config.writers = 8;
        }
        let store = store::Store::open(config, self.clock.shared(), Arc::new(OsRng)).unwrap();
        Process::start(store, self.clock.clone())
    }

    /// A SQLite file has one server, so there the two are two runners of one process.
    fn side_by_side(&self) -> (Process, Process) {
        let first = self.start();
        let second = if self.database.is_postgres() { self.start() } else { first.clone() };
        (first, second)
    }

    fn clock(&self) -> &FakeClock {
        &self.clock
    }
}

macro_rules! embedded {
    ($($module:ident: $($name:ident),+;)+) => {
        mod on_sqlite {
            $(mod $module {$(
                #[test]
                fn $name() {
                    crate::suite::$module::$name(&super::super::Embedded::on(&testkit::TestDatabase::sqlite()));
                }
            )+})+
        }
        mod on_postgres {
            $(mod $module {$(
                #[test]
                fn $name() {
                    crate::suite::$module::$name(&super::super::Embedded::on(&testkit::TestDatabase::postgres()));
                }
            )+})+
        }
    };
}

crate::suite::all!(embedded);
