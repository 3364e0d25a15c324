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
mod ports;
mod staff;
mod summary;
mod welcome;
mod wishes;

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use kernel::{Clock, OsRng, Rng, Timestamp};
use sandbox::bank::{Bank, BankConfig};
use service::{Settings, Stop, Telemetry, UreqOutbound};
use store::ServerLock;
use testkit::SeededRng;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

use self::chain::{Chain, Dice};
use self::client::Client;
use self::clock::ShiftedClock;
use self::day::{Day, DayShape};
use self::folder::{Folder, Found, Login, Mark};
use self::ports::Ports;
use self::summary::Summary;
use self::wishes::Wishes;
use crate::cli::{Common, DemoArgs};
use crate::commands::End;
use crate::commands::audit;
use crate::commands::serve::runtime;
use crate::instance::{self, Doors, Instance, Serving, World};
use crate::terminal::{complain, progress, say};

/// How long the queues may take to become empty after the last order.
const QUIET_MAX: Duration = Duration::from_secs(60);

/// Runs the demo.
pub(crate) fn run(common: &Common, args: &DemoArgs) -> Result<End> {
    let premises = Premises::take(Wishes::read(common, args)?)?;
    let folder = premises.folder.clone();
    let mark = match folder.look()? {
        Found::Complete(mark) => return open_again(common, args, premises, &mark),
        Found::Interrupted => {
            complain("the day was interrupted; beginning it anew");
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
    let world = demo_world(args, premises, &mark, Arc::clone(&clock))?;
    let end = with_shop(args, world, |open| {
        let (chain, summary) = live_through(open, args, &clock, &midnights)?;
        let mut mark = mark.clone();
        mark.logins.extend(chain.logins());
        mark.complete = true;
        folder.write(&mark)?;
        if common.json {
            welcome::say_where_json(args, open, &folder, Some(&summary));
        } else {
            say(&summary.text());
            welcome::say_where(args, open, &mark, &folder);
        }
        Ok(End::of(summary.audit_findings))
    })?;
    say_farewell(common, args, &folder)?;
    Ok(end)
}

/// The data is there: open at once.
fn open_again(common: &Common, args: &DemoArgs, premises: Premises, mark: &Mark) -> Result<End> {
    let folder = premises.folder.clone();
    let world = demo_world(args, premises, mark, Arc::new(ShiftedClock::new()))?;
    let end = with_shop(args, world, |open| {
        if common.json {
            welcome::say_where_json(args, open, &folder, None);
        } else {
            welcome::say_where(args, open, mark, &folder);
        }
        Ok(End::Done)
    })?;
    say_farewell(common, args, &folder)?;
    Ok(end)
}

/// Somebody stopped what was open: where everything is, and how to go on or to be rid of it.
fn say_farewell(common: &Common, args: &DemoArgs, folder: &Folder) -> Result<()> {
    if !common.json && !args.exit && matches!(folder.look()?, Found::Complete(_)) {
        welcome::say_farewell(args, folder);
    }
    Ok(())
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

/// What a demo has before its day begins: whatever could be wrong with how it was asked for has been seen by then.
struct Premises {
    wishes: Wishes,
    folder: Folder,
    lock: ServerLock,
    runtime: Runtime,
    /// Where the public API is: listened on before anybody is told of it, since the port may be any that is free.
    public: TcpListener,
}

impl Premises {
    fn take(wishes: Wishes) -> Result<Self> {
        let folder = Folder::new(wishes.folder().to_owned());
        // Looked at before the lock makes a file in it, and again under the lock: what is cleared away is nobody's.
        folder.look()?;
        let lock = instance::lock(&instance::sqlite_file_in(folder.path()))?;
        let runtime = runtime()?;
        let public = runtime.block_on(instance::listen(wishes.listen(), "--listen "))?;
        Ok(Self { wishes, folder, lock, runtime, public })
    }
}

/// Everything that the demo's process stands on.
struct DemoWorld {
    premises: Premises,
    settings: Settings,
    world: World,
    bank: Bank,
    admin: Login,
}

fn demo_world(args: &DemoArgs, premises: Premises, mark: &Mark, clock: Arc<ShiftedClock>) -> Result<DemoWorld> {
    let rng: Arc<dyn Rng> = Arc::new(OsRng);
    let start = |listen| {
        Bank::start(BankConfig {
            listen,
            public_url: None,
            data_file: premises.folder.path().join("bank.db"),
            secret: mark.bank_secret.clone(),
            pay_within: Duration::from_secs(15 * 60),
            clock: Arc::clone(&clock) as Arc<dyn Clock>,
            rng: Arc::clone(&rng),
        })
    };
    let bank = ports::bank(ports_of(args), start)?;
    let settings = premises.wishes.settings(premises.public.local_addr()?, bank.url(), &mark.bank_secret)?;
    let outbound = Arc::new(UreqOutbound::new(&settings));
    let admin = mark.logins.first().context("demo.json names no administrator")?.clone();
    Ok(DemoWorld { premises, settings, world: World { clock, rng, outbound }, bank, admin })
}

/// Who leaves after the day is looked for by nobody.
const fn ports_of(args: &DemoArgs) -> Ports {
    if args.exit { Ports::Any } else { Ports::Usual }
}

/// Where people find what listens there: what the demo prints, and where guests return to from the bank.
fn base_url(listen: SocketAddr) -> String {
    let ip = listen.ip();
    if ip == Ipv4Addr::LOCALHOST || ip.is_unspecified() {
        format!("http://localhost:{}", listen.port())
    } else {
        format!("http://{listen}")
    }
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
fn with_shop(args: &DemoArgs, demo: DemoWorld, visit: impl FnOnce(&Open) -> Result<End> + Send) -> Result<End> {
    let DemoWorld { premises, settings, world, bank, admin } = demo;
    let Premises { wishes, runtime, public, lock: _lock, .. } = premises;
    let _telemetry = Telemetry::start(&settings, &world.clock, &world.outbound)?;
    let (opened, open) = std::sync::mpsc::channel();
    let afterwards = if args.exit { Afterwards::Leaves } else { Afterwards::Stays };
    std::thread::scope(|scope| {
        let visitor = scope.spawn(move || {
            let Ok(open) = open.recv() else { return Ok(None) };
            let open: Open = open;
            attend(&open.serving.stop, afterwards, || visit(&open)).map(Some)
        });
        let served = runtime.block_on(async {
            let doors = Doors { public, private: ports::private(ports_of(args), wishes.private_listen()).await? };
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
            (seen, Ok(())) => seen?.context("the shop did not open"),
            (Ok(_), Err(served)) => Err(served),
        }
    })
}

/// Whether the shop stays open when the visit has ended well.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Afterwards {
    Stays,
    Leaves,
}

/// The visit, and the word to stop at its end if nothing is left to serve. A visit that fails because somebody stopped
/// the shop from outside (Ctrl-C) is no failure.
fn attend(stop: &Stop, afterwards: Afterwards, visit: impl FnOnce() -> Result<End>) -> Result<End> {
    let leaving = AskedOnDrop(Some(stop));
    let seen = visit();
    match seen {
        Err(_) if stop.is_asked() => {
            complain("interrupted; the next start begins the day anew");
            Ok(End::Done)
        }
        Ok(_) if afterwards == Afterwards::Stays => {
            leaving.stay();
            seen
        }
        Ok(_) | Err(_) => seen,
    }
}

/// Stops the shop however the visit ends, by a panic as well: nobody would be left to stop it.
struct AskedOnDrop<'s>(Option<&'s Stop>);

impl AskedOnDrop<'_> {
    fn stay(mut self) {
        self.0 = None;
    }
}

impl Drop for AskedOnDrop<'_> {
    fn drop(&mut self) {
        if let Some(stop) = self.0 {
            stop.ask();
        }
    }
}

/// The administrator exists from the first start on.
fn prepare(instance: &Instance, login: &Login) -> Result<()> {
    let new = auth::NewAdmin {
        email: login.email.clone(),
        name: Some("Управляющая".to_owned()),
        password: auth::Secret::new(login.password.clone()),
    };
    let db = instance.platform.db("auth").context("auth is not mounted")?;
    match auth::create_admin(db, &new) {
        Ok(_) | Err(auth::CreateAdminError::Auth(auth::Error::EmailTaken)) => Ok(()),
        Err(error) => Err(error.into()),
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
    let dice = Dice { day: &rng, secrets: &OsRng };
    let chain = chain::set_up(&open.nobody, &open.admin, dice, &bar)?;
    bar.finish_and_clear();
    let shape = DayShape { midnights, orders: args.orders, guests: chain.guests.len() };
    let day = Day::plan(shape, &rng);
    let bar = progress(u64::from(args.orders), "orders placed");
    let started = clock.elapsed();
    let played = play::play(&chain, &day, clock, &bar)?;
    let took = clock.elapsed().saturating_sub(started);
    bar.finish_and_clear();
    clock.return_to_present();
    wait_for_quiet(open)?;
    let mut summary = summary::of_the_day(&chain, &played)?;
    let report = audit::once(&open.auditor);
    summary.orders_asked = args.orders;
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_visit_that_panics_stops_the_shop() {
        let stop = Stop::new();

        let visit = std::panic::AssertUnwindSafe(|| attend(&stop, Afterwards::Stays, || panic!("a guest fell over")));
        let seen = std::panic::catch_unwind(visit);

        assert!(seen.is_err());
        assert!(stop.is_asked());
    }

    #[test]
    fn a_visit_that_fails_stops_the_shop_and_one_that_ends_well_leaves_it_open() {
        let (failed, well) = (Stop::new(), Stop::new());

        assert!(attend(&failed, Afterwards::Stays, || bail!("no milk")).is_err());
        assert_eq!(attend(&well, Afterwards::Stays, || Ok(End::Done)).unwrap(), End::Done);

        assert!(failed.is_asked());
        assert!(!well.is_asked());
    }

    #[test]
    fn a_visit_cut_short_from_outside_is_no_failure() {
        let stop = Stop::new();

        let seen = attend(&stop, Afterwards::Leaves, || {
            stop.ask();
            bail!("the shop cannot be reached")
        });

        assert_eq!(seen.unwrap(), End::Done);
    }
}
