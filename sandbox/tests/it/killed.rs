//! `kill -9` of the bank's own process.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use crate::shop::{SECRET, Shop, fault, get, open, pay, payment};

struct Process {
    child: Child,
    url: String,
}

impl Process {
    fn start(folder: &Path) -> Self {
        let secret = folder.join("secret");
        std::fs::write(&secret, SECRET).unwrap();
        let mut child = Command::new(env!("CARGO_BIN_EXE_sandbox-bank"))
            .args(["--listen", "127.0.0.1:0", "--data-file"])
            .arg(folder.join("bank.db"))
            .arg("--secret-file")
            .arg(secret)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut url = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut url).unwrap();
        Self { child, url: url.trim().to_owned() }
    }

    fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

#[test]
fn what_was_paid_stays_paid_and_is_told_after_kill_9() {
    let folder = tempfile::tempdir().unwrap();
    let shop = Shop::open();
    let bank = Process::start(folder.path());
    fault(&bank.url, &serde_json::json!({"kind": "late", "probability": 1.0, "seed": 1, "delay_ms": 1_000}));
    let opened = open(&bank.url, "ord_1", &shop.url);
    pay(&opened, "4242424242424242");
    bank.kill();
    assert!(shop.when(|_| true).is_empty());

    let bank = Process::start(folder.path());

    shop.event("payment.captured");
    assert_eq!(payment(&bank.url, &opened)["state"], "captured");
    assert_eq!(get(&format!("{}/v1/faults", bank.url)).body["items"][0]["kind"], "late");
    bank.kill();
}
