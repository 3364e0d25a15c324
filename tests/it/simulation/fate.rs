//! When the process dies: at a write that never begins. Everything that it wrote before stands, nothing after.
//!
//! The hook is a plain function and each simulation runs on a thread of its own, so the fate is the thread's.

use std::cell::Cell;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Lives,
    DiesAfter(u32),
    Dead,
}

thread_local! {
    static FATE: Cell<Fate> = const { Cell::new(Fate::Lives) };
}

/// The process will see the begin of so many more writes.
pub(super) fn dies_after(writes: u32) {
    FATE.set(Fate::DiesAfter(writes));
}

/// The process dies now: nothing that it still does reaches the disk or the bank.
pub(super) fn dies_now() {
    FATE.set(Fate::Dead);
}

pub(super) fn is_dead() -> bool {
    FATE.get() == Fate::Dead
}

/// Another process, with its life before it.
pub(super) fn lives() {
    FATE.set(Fate::Lives);
}

/// Asked by the store at the begin of each write.
pub(super) fn at_a_write() -> Option<String> {
    match FATE.get() {
        Fate::Lives => {}
        Fate::DiesAfter(writes) if writes > 0 => FATE.set(Fate::DiesAfter(writes - 1)),
        Fate::DiesAfter(_) | Fate::Dead => {
            FATE.set(Fate::Dead);
            // Not `panic!`: nothing is wrong, and nothing has to be printed.
            std::panic::resume_unwind(Box::new("the process was killed"));
        }
    }
    None
}
