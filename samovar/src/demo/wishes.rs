//! What the demo is set to. What it would have instead of the defaults gives way to whatever somebody set; what it makes
//! itself is refused with the reason, wherever it was set: nobody should think that a setting was heeded.

use std::net::SocketAddr;
use std::path::Path;

use anyhow::Result;
use service::{SettingFaults, Settings, Sources};

use super::{base_url, ports};
use crate::cli::{Common, DemoArgs};
use crate::commands::BadUsage;
use crate::instance::is_on_sqlite;
use crate::settings;

/// Where the demo keeps its data unless told otherwise.
pub(super) const FOLDER: &str = "data/demo";

/// What the demo would have. It sends a day in a minute from one address, so it counts nobody.
const PRESETS: [(&str, &str); 4] =
    [("data.folder", FOLDER), (PRIVATE_LISTEN, "127.0.0.1:0"), ("limits.enabled", "false"), ("log.level", "warn")];

const HOSTS: &str = "outbound.hosts";
const PRIVATE_LISTEN: &str = "server.private_listen";
const BANK_URL: &str = "payments.bank_url";
const BANK_SECRET: &str = "payments.bank_secret";

/// What the demo makes itself.
const OWN: [(&str, &str); 3] = [
    (
        "database.url",
        "is not for the demo: it keeps its data in a SQLite file of its own, and leaves every other alone",
    ),
    (BANK_URL, "is not for the demo: it brings a bank of its own"),
    (BANK_SECRET, "is not for the demo: its bank has a secret of its own"),
];

/// What is set by anybody, read before anything is begun.
#[derive(Debug)]
pub(super) struct Wishes {
    sources: Sources,
    settings: Settings,
}

impl Wishes {
    /// # Errors
    /// Every fault of every source, and what the demo lets nobody set.
    pub(super) fn read(common: &Common, args: &DemoArgs) -> Result<Self> {
        Self::read_all(common, args).map_err(BadUsage::of)
    }

    fn read_all(common: &Common, args: &DemoArgs) -> Result<Self> {
        let listen = args.listen.map(|address| ("server.listen".to_owned(), address.to_string()));
        let mut sources = settings::sources(common, listen.into_iter().collect())?;
        sources.presets = PRESETS.map(|(key, value)| (key.to_owned(), value.to_owned())).into();
        // Where the bank will be, so that a setting which forbids to ask there is a fault already.
        let bank = Sources {
            presets: with(&sources.presets, [(BANK_URL, format!("http://{}", ports::BANK))]),
            ..sources.clone()
        };
        let settings = settings::checked_to_serve(&bank)?;
        let is_set = |key: &str| match key {
            "database.url" => !is_on_sqlite(&settings),
            _ => settings.is_set(key),
        };
        let set: Vec<_> = OWN.iter().filter(|(key, _)| is_set(key)).collect();
        if set.is_empty() {
            return Ok(Self { sources, settings });
        }
        Err(settings::refused(SettingFaults(set.iter().map(|(key, why)| settings.unusable(key, *why)).collect())))
    }

    /// The folder of the data.
    pub(super) fn folder(&self) -> &Path {
        self.settings.path("data.folder")
    }

    /// Where the public API is to be.
    pub(super) fn listen(&self) -> &str {
        self.settings.text("server.listen")
    }

    /// Where operators look, if somebody said so.
    pub(super) fn private_listen(&self) -> Option<&str> {
        self.settings.is_set(PRIVATE_LISTEN).then(|| self.settings.text(PRIVATE_LISTEN))
    }

    /// The settings to serve with, now that the addresses are known.
    pub(super) fn settings(&self, public: SocketAddr, bank_url: &str, bank_secret: &str) -> Result<Settings> {
        let host = public.to_string();
        let host = host.rsplit_once(':').map_or("", |(host, _)| host);
        let found = [
            // Guests and staff come by the public door, wherever it is.
            (HOSTS, format!("{},{host}", self.settings.list(HOSTS).join(","))),
            ("payments.public_url", base_url(public)),
            (BANK_URL, bank_url.to_owned()),
            (BANK_SECRET, bank_secret.to_owned()),
        ];
        let presets = with(&self.sources.presets, found);
        settings::checked_to_serve(&Sources { presets, ..self.sources.clone() })
    }
}

fn with<const N: usize>(presets: &[(String, String)], more: [(&str, String); N]) -> Vec<(String, String)> {
    presets.iter().cloned().chain(more.map(|(key, value)| (key.to_owned(), value))).collect()
}
