//! `demo`: a coffee chain that lives through a whole day over its public API, and is then open to look at.
//!
//! The platform and the sandbox bank run in this process on a clock that shows the hours of yesterday while the day is
//! played and the present afterwards. Everything the demo does it does over HTTP, as its guests and staff would.

mod chain;
mod client;
mod clock;
mod day;
mod folder;
mod guest;
mod people;
mod person;
mod play;
mod staff;
mod summary;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use kernel::{Clock, OsRng, Rng, Timestamp};
use sandbox::bank::{Bank, BankConfig};
use service::{Settings, Telemetry, UreqOutbound};
use testkit::SeededRng;

use self::chain::Chain;
use self::client::Client;
use self::clock::ShiftedClock;
use self::day::DayShape;
use self::folder::{Folder, Found, Login, Mark};
use self::summary::Summary;
use crate::cli::{Common, DemoArgs};
use crate::commands::audit;
use crate::commands::serve::runtime;
use crate::commands::{End, admin};
use crate::instance::{self, Doors, Instance, Serving, World, listen};
use crate::settings;
use crate::terminal::{progress, say, say_json};

/// Where the demo keeps its data unless told otherwise.
const FOLDER: &str = "data/demo";

/// The sandbox bank's address, and where it keeps its books.
const BANK_LISTEN: &str = "127.0.0.1:8090";

/// How long the queues may take to become empty after the last order.
const QUIET_MAX: Duration = Duration::from_secs(60);

/// Runs the demo.
pub(crate) fn run(common: &Common, args: &DemoArgs) -> Result<End> {
    let folder = Folder::new(common.data.clone().unwrap_or_else(|| PathBuf::from(FOLDER)));
    let mark = match folder.look()? {
        Found::Complete(mark) => return open_again(common, args, &folder, &mark),
        Found::Interrupted => {
            say("the day was interrupted; beginning it anew");
            folder.clear()?;
            new_mark()
        }
        Found::Empty => new_mark(),
    };
    folder.write(&mark)?;
    let clock = Arc::new(ShiftedClock::new());
    let midnights = midnights(clock.now())?;
    // Everything is made in the morning of that day, the signing key of the tokens as well.
    clock.set(midnights.iter().copied().min().context("the chain has shops")?);
    let world = demo_world(common, args, &folder, &mark, Arc::clone(&clock))?;
    let outcome = with_shop(args, world, |open| {
        let (chain, summary) = live_through(open, args, &clock, &midnights)?;
        let mut mark = mark.clone();
        mark.logins.extend(chain.logins());
        mark.complete = true;
        folder.write(&mark)?;
        if common.json {
            say_json(&summary);
        } else {
            say(&summary.text());
            welcome(&open.serving, &open.bank_url, &mark, &folder);
        }
        Ok(End::of(summary.audit_findings))
    })?;
    Ok(outcome)
}

/// The data is there: open at once.
fn open_again(common: &Common, args: &DemoArgs, folder: &Folder, mark: &Mark) -> Result<End> {
    let clock = Arc::new(ShiftedClock::new());
    let world = demo_world(common, args, folder, mark, clock)?;
    with_shop(args, world, |open| {
        if !common.json {
            welcome(&open.serving, &open.bank_url, mark, folder);
        }
        Ok(End::Done)
    })
}

fn new_mark() -> Mark {
    let admin = Login {
        role: "admin".into(),
        shop: None,
        email: "admin@samovar.example".into(),
        password: chain::password(&OsRng),
    };
    Mark { complete: false, bank_secret: chain::password(&OsRng), logins: vec![admin] }
}

/// Everything that the demo's process stands on.
struct DemoWorld {
    settings: Settings,
    world: World,
    bank: Bank,
    admin: Login,
}

fn demo_world(
    common: &Common,
    args: &DemoArgs,
    folder: &Folder,
    mark: &Mark,
    clock: Arc<ShiftedClock>,
) -> Result<DemoWorld> {
    let bank_address: SocketAddr = BANK_LISTEN.parse().expect("the bank's address is well-formed");
    let rng: Arc<dyn Rng> = Arc::new(OsRng);
    let bank = Bank::start(BankConfig {
        listen: if args.exit { SocketAddr::new(bank_address.ip(), 0) } else { bank_address },
        public_url: None,
        data_file: folder.path().join("bank.db"),
        secret: mark.bank_secret.clone(),
        pay_within: Duration::from_secs(15 * 60),
        clock: Arc::clone(&clock) as Arc<dyn Clock>,
        rng: Arc::clone(&rng),
    })
    .context("starting the sandbox bank")?;
    let settings = demo_settings(common, args, folder, mark, bank.url())?;
    let outbound = Arc::new(UreqOutbound::new(&settings));
    let admin = mark.logins.first().context("demo.json names no administrator")?.clone();
    Ok(DemoWorld { settings, world: World { clock, rng, outbound }, bank, admin })
}

/// The demo sends a day in a minute from one address, so it counts nobody, and says so here.
fn demo_settings(common: &Common, args: &DemoArgs, folder: &Folder, mark: &Mark, bank_url: &str) -> Result<Settings> {
    let private = if args.exit { "127.0.0.1:0" } else { "127.0.0.1:9464" };
    let flags = [
        ("data.folder", folder.path().display().to_string()),
        ("server.listen", args.listen.to_string()),
        ("server.private_listen", private.to_owned()),
        ("limits.enabled", "false".to_owned()),
        ("log.level", "warn".to_owned()),
        ("payments.public_url", format!("http://{}", args.listen)),
        ("payments.bank_url", bank_url.to_owned()),
        ("payments.bank_secret", mark.bank_secret.clone()),
    ];
    let common = Common { data: None, ..common.clone() };
    settings::load(&common, flags.into_iter().map(|(key, value)| (key.to_owned(), value)).collect())
}

/// What is open while the demo plays.
struct Open {
    serving: Serving,
    bank_url: String,
    nobody: Client,
    admin: Login,
    auditor: service::Auditor,
    log: eventlog::Log,
}

/// Starts the shop, lets `visit` do its part on a thread of its own, and serves until told to stop.
fn with_shop<T: Send + 'static>(
    args: &DemoArgs,
    demo: DemoWorld,
    visit: impl FnOnce(&Open) -> Result<T> + Send,
) -> Result<T>
where
{
    let DemoWorld { settings, world, bank, admin } = demo;
    let _telemetry = Telemetry::start(&settings, &world.clock, &world.outbound)?;
    let _lock = instance::take_server_lock(&settings)?;
    let runtime = runtime()?;
    let (opened, open) = std::sync::mpsc::channel();
    let exit = args.exit;
    std::thread::scope(|scope| {
        let visitor = scope.spawn(move || {
            let open: Open = open.recv().context("the shop did not open")?;
            let seen = visit(&open);
            if exit || seen.is_err() {
                open.serving.stop.ask();
            }
            seen
        });
        let served = runtime.block_on(async {
            let doors = Doors {
                public: listen(settings.text("server.listen"), "--listen").await?,
                private: listen(settings.text("server.private_listen"), "--set server.private_listen=").await?,
            };
            let instance = Instance::open(settings, world.clone())?;
            prepare(&instance, &admin)?;
            let (auditor, log) = (instance.platform.auditor(), instance.platform.log().clone());
            let bank_url = bank.url().to_owned();
            instance
                .serve(doors, move |serving| {
                    let base = format!("http://{}", serving.public);
                    let nobody = Client::new(world.outbound, world.clock, base);
                    let open = Open { serving: serving.clone(), bank_url, nobody, admin, auditor, log };
                    let _ = opened.send(open);
                })
                .await
        });
        let seen = visitor.join().map_err(|_| anyhow::anyhow!("the day ended in a panic"))?;
        bank.stop();
        match (seen, served) {
            (Err(seen), Err(served)) => bail!("{served:#}; {seen:#}"),
            (seen, Ok(())) => seen,
            (Ok(_), Err(served)) => Err(served),
        }
    })
}

/// The administrator exists from the first start on.
fn prepare(instance: &Instance, login: &Login) -> Result<()> {
    let new = auth::NewAdmin {
        email: login.email.clone(),
        name: Some("Управляющая".to_owned()),
        password: auth::Secret::new(login.password.clone()),
    };
    match admin::create(instance, &new) {
        Ok(_) => Ok(()),
        Err(error) if error.to_string().contains("taken") => Ok(()),
        Err(error) => Err(error),
    }
}

/// The day itself.
fn live_through(
    open: &Open,
    args: &DemoArgs,
    clock: &Arc<ShiftedClock>,
    midnights: &[Timestamp],
) -> Result<(Chain, Summary)> {
    let rng = SeededRng::new(args.seed);
    let bar = progress(chain::GUESTS as u64, "opening the chain");
    let chain = chain::set_up(&open.nobody, &open.admin, &rng, &bar)?;
    bar.finish_and_clear();
    let shape = DayShape { midnights, orders: args.orders, guests: chain.guests.len() };
    let day = day::plan(&shape, &rng);
    let bar = progress(day.len() as u64, "a day of orders");
    let started = clock.elapsed();
    let played = play::play(&chain, &day, clock, &bar)?;
    let took = clock.elapsed().saturating_sub(started);
    bar.finish_and_clear();
    clock.return_to_present();
    wait_for_quiet(open)?;
    let mut summary = summary::of_the_day(&chain, &played)?;
    let report = audit::once(&open.auditor);
    summary.audit_findings = report.findings();
    summary.took_s = took.as_secs_f64();
    if !report.clean {
        say(&report.to_string());
    }
    Ok((chain, summary))
}

/// Yesterday's midnights of the three shops.
fn midnights(now: Timestamp) -> Result<Vec<Timestamp>> {
    let yesterday = |zone: &str| -> Result<Timestamp> {
        let today = now.to_jiff().in_tz(zone)?.date();
        Ok(today.yesterday()?.to_zoned(jiff::tz::TimeZone::get(zone)?)?.timestamp().into())
    };
    chain::TIME_ZONES.iter().map(|zone| yesterday(zone)).collect()
}

/// Until every consumer has had every event: nothing is left to happen by itself.
fn wait_for_quiet(open: &Open) -> Result<()> {
    let rounds = QUIET_MAX.as_millis() / POLL.as_millis();
    for _ in 0..rounds {
        let stats = open.log.stats()?;
        if stats.iter().all(|s| s.waiting == 0 && s.topics.iter().all(|topic| topic.lag == 0)) {
            return Ok(());
        }
        std::thread::park_timeout(POLL);
    }
    bail!("events are still on their way a minute after the last order")
}

const POLL: Duration = Duration::from_millis(50);

fn welcome(serving: &Serving, bank_url: &str, mark: &Mark, folder: &Folder) {
    let base = format!("http://{}", serving.public).replace("127.0.0.1", "localhost");
    say(&format!("Samovar is open on {base}   (API documentation {base}/swagger-ui/)"));
    say(&format!("metrics and health on http://{}, the sandbox bank on {bank_url}", serving.private));
    say(&format!("\n  {:<10} {:<28} {:<24} where", "role", "e-mail", "password"));
    for login in &mark.logins {
        let shop = login.shop.as_deref().unwrap_or("everywhere");
        say(&format!("  {:<10} {:<28} {:<24} {shop}", login.role, login.email, login.password));
    }
    say(&format!("\nThe logins are kept in {}.", folder.path().join("demo.json").display()));
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
