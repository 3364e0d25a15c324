//! The committed documents are what the program says of itself. `WRITE_DOCS=1` (`cargo xtask docs`) rewrites them.

use std::path::Path;
use std::process::Command;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

fn check(path: &str, now: &str) {
    let file = root().join(path);
    if std::env::var_os("WRITE_DOCS").is_some() {
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(&file, now).unwrap();
        return;
    }
    let committed = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(committed == now, "{path} is not what the program says; run `cargo xtask docs` and look at the difference");
}

fn program(words: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_samovar")).args(words).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn committed_documents_openapi() {
    check("contracts/schemas/openapi.json", &program(&["openapi"]));
}

#[test]
fn committed_documents_configuration() {
    let table = service::settings_table(&samovar::settings::tables());
    check("docs/configuration.md", &format!("# Configuration\n\n{table}"));
}

#[test]
fn committed_documents_routes() {
    check("docs/routes.md", &gateway::policy::routes_table());
}
