use kernel::{OsRng, Rng as _};
use service::Mount;
use store::Migration;

use super::server::Server;
use super::template;

/// A migration that no other run of this test has, at the same time on the same server.
fn migration(sql: &str) -> &'static [Migration] {
    let postgres = format!("{sql} -- {:x}", OsRng.next_u64()).leak();
    vec![Migration { name: "0001_first", sqlite: "", postgres }].leak()
}

fn mount(migrations: &'static [Migration]) -> Mount {
    Mount { name: "probe", migrations, settings: &[], service: |_| unreachable!("only its tables are made") }
}

/// Names of databases like this.
fn databases(server: &Server, like: &str) -> Vec<String> {
    server.run(&format!("SELECT datname FROM pg_database WHERE datname LIKE '{like}'")).unwrap()
}

/// Whether a table of the probe is in a database.
fn has_table(name: &str, table: &str) -> bool {
    let url = Server::here().url_of(name);
    let sql = format!("SELECT to_regclass('probe.{table}') IS NOT NULL");
    super::with_client(&url, async |client| client.query_one(&sql, &[]).await.unwrap().get(0))
}

#[test]
fn what_a_killed_process_left_behind_is_dropped_by_the_next() {
    let (living, killed) = (Server::connect(), Server::connect());
    let (used, left) = (living.make_empty(), killed.make_empty());

    let gone = format!("SELECT pg_advisory_lock({0}), pg_advisory_unlock({0})", killed.lock());
    drop(killed);
    // Waits until the server has seen that the connection is gone.
    living.run(&gone).unwrap();
    let next = Server::connect();

    assert_eq!(databases(&next, &left), [""; 0]);
    assert_eq!(databases(&next, &used).len(), 1);
    living.forget(&used);
}

#[test]
fn tables_are_made_once_and_copied() {
    let server = Server::here();
    let mounts = [mount(migration("CREATE TABLE first (id BIGINT);"))];
    let changed_mounts = [mount(migration("CREATE TABLE other (id BIGINT);"))];
    let (first, second) = (template::copy(server, &mounts), template::copy(server, &mounts));
    let changed = template::copy(server, &changed_mounts);

    assert_ne!(first, second);
    assert!(has_table(&first, "first") && has_table(&second, "first"));
    assert!(has_table(&changed, "other") && !has_table(&changed, "first"));
    for name in [first, second, changed, template::name_of(&mounts), template::name_of(&changed_mounts)] {
        assert_eq!(databases(server, &name).len(), 1, "{name}");
        server.forget(&name);
    }
}

#[test]
fn tables_that_cannot_be_made_leave_no_template() {
    let server = Server::here();
    let mounts = [mount(migration("CREATE TABLE"))];
    let name = template::copy(server, &mounts);

    assert!(!has_table(&name, "first"));
    assert_eq!(databases(server, &template::name_of(&mounts)), [""; 0]);
    server.forget(&name);
}

#[test]
fn who_panics_while_making_a_template_keeps_no_other_process_waiting() {
    let (here, other) = (Server::connect(), Server::connect());
    let lock = OsRng.next_u64().cast_signed();
    let free = format!("SELECT pg_try_advisory_lock({lock}), pg_advisory_unlock({lock})");

    let made = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        let _alone = template::OneProcess::alone(&here, lock);
        assert_eq!(other.run(&free).unwrap(), ["f"]);
        panic!("the disk is full");
    }));

    assert_eq!(made.unwrap_err().downcast_ref(), Some(&"the disk is full"));
    // Behind the statement that nobody waits for.
    here.run("SELECT 1").unwrap();
    assert_eq!(other.run(&free).unwrap(), ["t"]);
}
