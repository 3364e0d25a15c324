//! A business that was started without a bank, as a process.

use std::io::{BufRead as _, BufReader};
use std::process::Stdio;

use testkit::TestDatabase;

use crate::pickup::basket;
use crate::stage::Stage;

testkit::both_databases!(without_a_bank_orders_are_paid_at_the_counter_and_the_audit_stays_clean);

fn without_a_bank_orders_are_paid_at_the_counter_and_the_audit_stays_clean(database: &TestDatabase) {
    let mut stage = Stage::new(database, &["payments.bank_url="]);
    let shop = stage.open_shop(2);
    let guest = stage.guest("anna");

    let refused = guest.post_with_key("/orders", "story-no-bank-0001", &basket(&shop, &shop.cake, "online", 20_000));
    let placed = guest.post_with_key("/orders", "story-no-bank-0001", &basket(&shop, &shop.cake, "counter", 20_000));

    assert_eq!((refused.status, refused.code()), (409, "orders.online-unavailable"), "{}", refused.text);
    let orders = guest.get("/orders").expect(200);
    assert_eq!(orders["items"].as_array().unwrap().len(), 1);
    assert_eq!(orders["items"][0]["id"], placed.expect(201)["id"]);
    // Over the running business: what waited for a bank would be named.
    let audit = stage.command(&["audit"]).output().unwrap();
    let report = String::from_utf8_lossy(&audit.stdout);
    assert!(audit.status.success(), "{report}");
    assert!(report.contains("not made: no bank is configured (payments.bank_url)"), "{report}");
    stage.come_to_rest();
}

#[test]
fn who_serves_without_a_bank_is_told_what_is_offered() {
    for (url, tells) in [("", true), ("http://127.0.0.1:1", false)] {
        let folder = tempfile::tempdir().unwrap();
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_samovar"));
        command.args(["serve", "--json", "--listen=127.0.0.1:0", "--private-listen=127.0.0.1:0", "--data"]);
        command.arg(folder.path()).args(["--set", &format!("payments.bank_url={url}")]);
        let mut serving = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut ready = String::new();
        BufReader::new(serving.stdout.take().unwrap()).read_line(&mut ready).unwrap();
        serving.kill().unwrap();

        let said = String::from_utf8(serving.wait_with_output().unwrap().stderr).unwrap();

        assert!(ready.contains("public"), "{said}");
        assert_eq!(said.matches("at the counter only").count(), usize::from(tells), "{url:?}: {said}");
    }
}
