//! What the demo says at its end: where it is open and who can sign in, or, when it leaves, where everything was put.

use std::path::Path;

use serde::Serialize;

use super::folder::{Folder, Mark};
use super::summary::Summary;
use super::wishes::FOLDER;
use super::{Open, base_url};
use crate::cli::DemoArgs;
use crate::terminal::{say, say_json};

/// Says where things are, for somebody who stays or for somebody who leaves.
pub(super) fn say_where(args: &DemoArgs, open: &Open, mark: &Mark, folder: &Folder) {
    let file = folder.path().join("demo.json");
    if args.exit {
        say(&format!("The data is in {}, the logins are in {}.", folder.path().display(), file.display()));
        return;
    }
    let base = base_url(open.serving.public);
    say(&format!("Samovar is open on {base}   (API documentation {base}/swagger-ui/)"));
    say(&format!("metrics and health on http://{}, the sandbox bank on {}", open.serving.private, open.bank_url));
    say(&format!("\n  {:<10} {:<28} {:<24} where", "role", "e-mail", "password"));
    for login in &mark.logins {
        let shop = login.shop.as_deref().unwrap_or("everywhere");
        say(&format!("  {:<10} {:<28} {:<24} {shop}", login.role, login.email, login.password));
    }
    say(&format!("\nThe logins are kept in {}.", file.display()));
    if let Some(guest) = mark.logins.iter().find(|login| login.role == "guest") {
        let body = serde_json::json!({"email": guest.email, "password": guest.password});
        say("Three lines to try:\n");
        say(&format!("  curl -s '{base}/api/v1/shops' | python3 -m json.tool"));
        say(&format!(
            "  curl -s -H 'Accept-Language: ru' \"{base}/api/v1/menu?q=раф&shop_id=$(curl -s {base}/api/v1/shops | python3 -c 'import json,sys; print(json.load(sys.stdin)[\"items\"][0][\"id\"])')\""
        ));
        say(&format!("  curl -s {base}/api/v1/auth/login -H 'Content-Type: application/json' -d '{body}'"));
    }
    say("\nCtrl-C stops it; the data stays.");
}

/// The same for programs: the summary, if a day was played, and where things are.
pub(super) fn say_where_json(args: &DemoArgs, open: &Open, folder: &Folder, summary: Option<&Summary>) {
    let stays = !args.exit;
    say_json(&Answer {
        summary,
        data: folder.path(),
        logins: &folder.path().join("demo.json"),
        public: stays.then(|| base_url(open.serving.public)),
        private: stays.then(|| format!("http://{}", open.serving.private)),
        bank: stays.then_some(&open.bank_url),
    });
}

#[derive(Serialize)]
struct Answer<'a> {
    #[serde(flatten)]
    summary: Option<&'a Summary>,
    data: &'a Path,
    logins: &'a Path,
    #[serde(skip_serializing_if = "Option::is_none")]
    public: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    private: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    bank: Option<&'a String>,
}

/// Says at the end where everything is, and how to go on or to be rid of it.
pub(super) fn say_farewell(args: &DemoArgs, folder: &Folder) {
    let data = quoted(folder.path());
    let mut again = "samovar demo".to_owned();
    if folder.path() != Path::new(FOLDER) {
        again.push_str(&format!(" --data {data}"));
    }
    if let Some(listen) = args.listen {
        again.push_str(&format!(" --listen {listen}"));
    }
    say(&format!("\nStopped. The data and the logins are kept in {data}."));
    say(&format!("  {again:<40} opens it again at once"));
    let delete = format!("rm -r -- {data}");
    say(&format!("  {delete:<40} deletes it; the next start plays a new day"));
}

/// A folder as a shell reads it, wherever the line is pasted.
fn quoted(folder: &Path) -> String {
    let whole = std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned()).display().to_string();
    let is_plain = whole.chars().all(|c| c.is_ascii_alphanumeric() || "/._-".contains(c));
    if is_plain { whole } else { format!("'{}'", whole.replace('\'', r"'\''")) }
}
