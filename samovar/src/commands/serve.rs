//! `serve`: the business, until it is told to stop.

use anyhow::{Context as _, Result};
use service::Telemetry;

use super::{BadUsage, End};
use crate::cli::{Common, ServeArgs};
use crate::instance::{self, Doors, Instance, World};
use crate::settings;
use crate::terminal::say;

pub(super) fn run(common: &Common, args: &ServeArgs) -> Result<End> {
    let flag = |key: &str, address: Option<std::net::SocketAddr>| address.map(|a| (key.to_owned(), a.to_string()));
    let flags = [flag("server.listen", args.listen), flag("server.private_listen", args.private_listen)];
    let sources = settings::sources(common, flags.into_iter().flatten().collect());
    let settings = sources.and_then(|sources| settings::checked_to_serve(&sources)).map_err(BadUsage::of)?;
    let world = World::real(&settings);
    let _telemetry = Telemetry::start(&settings, &world.clock, &world.outbound)?;
    let _lock = instance::take_server_lock(&settings)?;
    let runtime = runtime()?;
    let json = common.json;
    runtime.block_on(async {
        let doors = Doors::open(&settings).await?;
        let instance = Instance::open(settings, world)?;
        instance
            .serve(doors, move |serving| {
                if json {
                    let (public, private) = (serving.public.to_string(), serving.private.to_string());
                    say(&serde_json::json!({"public": public, "private": private}).to_string());
                } else {
                    say(&format!(
                        "samovar serves on http://{} (metrics and health on http://{})",
                        serving.public, serving.private
                    ));
                }
            })
            .await
    })?;
    Ok(End::Done)
}

/// The async runtime of a serving process.
pub(crate) fn runtime() -> Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread().enable_all().thread_name("http").build().context("starting the runtime")
}
