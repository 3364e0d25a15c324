//! The command line: what can be said, with examples. What is done stands in `commands/`.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::builder::PossibleValuesParser;
use clap::{Args, Parser, Subcommand};

/// Samovar takes an order from the first click to the counter.
#[derive(Debug, Parser)]
#[command(name = "samovar", version, about, max_term_width = 100, after_help = TOP_EXAMPLES, propagate_version = true)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,

    /// What every command takes.
    #[command(flatten)]
    pub common: Common,
}

/// Where things are; the same for every command.
#[derive(Clone, Debug, Args)]
pub struct Common {
    /// Folder of the data.
    #[arg(long, global = true, value_name = "DIR")]
    pub data: Option<PathBuf>,

    /// Configuration file (default: samovar.toml, if there is one).
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,

    /// One setting, `--set orders.unpaid_expiry_min=15`; stands above file and environment.
    #[arg(long = "set", global = true, value_name = "KEY=VALUE")]
    pub settings: Vec<String>,

    /// Answer as JSON, for programs; what is a document of its own (a menu, a manual page) stays as it is.
    #[arg(long, global = true)]
    pub json: bool,
}

/// What the program can do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// A coffee chain with menu, guests and a day of orders; then open on http://localhost:8080.
    #[command(after_help = "Examples:\n  samovar demo\n  samovar demo --orders 2000 --seed 7 --exit")]
    Demo(DemoArgs),

    /// Serve the business.
    #[command(after_help = "Examples:\n  samovar serve\n  samovar serve --data /srv/samovar --listen 0.0.0.0:8080\n  \
                            SAMOVAR_DATABASE_URL=postgres://samovar@db/samovar samovar serve")]
    Serve(ServeArgs),

    /// Administrators.
    #[command(
        subcommand,
        after_help = "Example:\n  samovar admin create --email admin@example.org --password-file secret.txt"
    )]
    Admin(AdminCommand),

    /// Take something in.
    #[command(subcommand, after_help = "Example:\n  samovar import menu menu.csv --dry-run")]
    Import(ImportCommand),

    /// Give something out.
    #[command(subcommand, after_help = "Example:\n  samovar export menu menu.csv")]
    Export(ExportCommand),

    /// Recompute every invariant and name the rows that break one; exit 1 if any does.
    #[command(after_help = "Examples:\n  samovar audit\n  samovar audit --stopped --json | jq '.checks[].findings[]'")]
    Audit {
        /// Nothing serves the data now: look once. On SQLite this is seen without being said.
        #[arg(long)]
        stopped: bool,
    },

    /// The event log.
    #[command(
        subcommand,
        after_help = "Examples:\n  samovar events tail --topic payments\n  samovar events dead-letters list\n  \
                      samovar events replay orders.feed --after 0"
    )]
    Events(EventsCommand),

    /// The configuration.
    #[command(
        subcommand,
        after_help = "Examples:\n  samovar config show\n  samovar config check --config samovar.toml"
    )]
    Config(ConfigCommand),

    /// The OpenAPI 3.1 document of every route.
    #[command(after_help = "Example:\n  samovar openapi > openapi.json")]
    Openapi,

    /// Completions for a shell, on standard output.
    #[command(after_help = "Example:\n  samovar completions bash > /etc/bash_completion.d/samovar")]
    Completions {
        /// Which shell.
        shell: clap_complete::Shell,
    },

    /// The manual page, on standard output.
    #[command(after_help = "Example:\n  samovar man | man -l -")]
    Man,
}

/// The arguments of `demo`.
#[derive(Clone, Debug, Args)]
pub struct DemoArgs {
    /// Orders that are placed in the day. Who finds nothing that they want is counted besides.
    #[arg(long, default_value_t = 600, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub orders: u32,

    /// The same seed plans the same day. Passwords are random all the same.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,

    /// Leave after the summary instead of serving on.
    #[arg(long)]
    pub exit: bool,

    /// Address to serve on.
    #[arg(long, value_name = "ADDR")]
    pub listen: Option<SocketAddr>,
}

/// The arguments of `serve`.
#[derive(Clone, Debug, Args)]
pub struct ServeArgs {
    /// Address to serve on.
    #[arg(long, value_name = "ADDR")]
    pub listen: Option<SocketAddr>,

    /// Address of metrics and health detail; never to be reached from outside.
    #[arg(long, value_name = "ADDR")]
    pub private_listen: Option<SocketAddr>,
}

/// `admin …`
#[derive(Clone, Debug, Subcommand)]
pub enum AdminCommand {
    /// Create an administrator. The password is read from a file or from standard input, never from an argument.
    #[command(
        after_help = "Examples:\n  samovar admin create --email admin@example.org --password-file secret.txt\n  \
                            pass show samovar | samovar admin create --email admin@example.org --password-file -"
    )]
    Create {
        /// E-mail to sign in with.
        #[arg(long)]
        email: String,

        /// Name shown to others.
        #[arg(long, default_value = "Administrator")]
        name: String,

        /// File that holds the password in its first line; `-` is standard input.
        #[arg(long, value_name = "FILE")]
        password_file: PathBuf,
    },
}

/// `import …`
#[derive(Clone, Debug, Subcommand)]
pub enum ImportCommand {
    /// The menu, from the CSV that `export menu` writes: all or nothing, every bad row named.
    #[command(after_help = "Examples:\n  samovar import menu menu.csv --dry-run\n  samovar import menu menu.csv")]
    Menu {
        /// The file; `-` is standard input.
        file: PathBuf,

        /// Check and count, change nothing.
        #[arg(long)]
        dry_run: bool,
    },
}

/// `export …`
#[derive(Clone, Debug, Subcommand)]
pub enum ExportCommand {
    /// The menu as CSV; importing it again changes nothing.
    #[command(after_help = "Example:\n  samovar export menu menu.csv")]
    Menu {
        /// The file; `-` is standard output.
        #[arg(default_value = "-")]
        file: PathBuf,
    },
}

/// `events …`
#[derive(Clone, Debug, Subcommand)]
pub enum EventsCommand {
    /// Print events as they come, one JSON object a line.
    #[command(
        after_help = "Examples:\n  samovar events tail --topic payments\n  samovar events tail --from 0 --no-follow"
    )]
    Tail {
        /// Only these topics.
        #[arg(long = "topic", value_parser = PossibleValuesParser::new(topics()))]
        topics: Vec<String>,

        /// From this position on; default: from now on.
        #[arg(long)]
        from: Option<i64>,

        /// Stop at the end.
        #[arg(long)]
        no_follow: bool,
    },

    /// Events that a consumer gave up on.
    #[command(
        subcommand,
        after_help = "Examples:\n  samovar events dead-letters list\n  \
                      samovar events dead-letters replay payments.new-orders 4711"
    )]
    DeadLetters(DeadLettersCommand),

    /// Send a consumer back: it hears every later event again.
    #[command(after_help = "Examples:\n  samovar events replay orders.feed --after 0\n  \
                            samovar events replay orders.feed --since 2026-11-21T08:00:00Z")]
    Replay {
        /// The consumer.
        consumer: String,

        /// After this position.
        #[arg(long, conflicts_with = "since", required_unless_present = "since")]
        after: Option<i64>,

        /// From this moment on (RFC 3339).
        #[arg(long)]
        since: Option<kernel::Timestamp>,
    },
}

/// Every topic that a tail may show: what services tell each other, and what one tells itself.
fn topics() -> impl Iterator<Item = &'static str> {
    contracts::TOPICS.iter().chain(payments::events::TOPICS).copied()
}

/// `events dead-letters …`
#[derive(Clone, Debug, Subcommand)]
pub enum DeadLettersCommand {
    /// List them; exit 1 when there are any.
    #[command(after_help = "Examples:\n  samovar events dead-letters list\n  \
                            samovar events dead-letters list --json | jq '.[].reason'")]
    List,

    /// Try one again, with its tries counted anew.
    #[command(after_help = "Example:\n  samovar events dead-letters replay payments.new-orders 4711")]
    Replay(DeadLetterArgs),

    /// Give one up for good; the next event of its key moves up.
    #[command(after_help = "Example:\n  samovar events dead-letters drop payments.new-orders 4711")]
    Drop(DeadLetterArgs),
}

/// Which dead letter, as `list` names it.
#[derive(Clone, Debug, Args)]
pub struct DeadLetterArgs {
    /// Who gave up.
    pub consumer: String,

    /// The event's place in the log.
    pub seq: i64,
}

/// `config …`
#[derive(Clone, Copy, Debug, Subcommand)]
pub enum ConfigCommand {
    /// Every setting, its value and where it came from; secrets masked.
    #[command(
        after_help = "Examples:\n  samovar config show\n  samovar config show --json | jq '.[] | select(.origin != \"default\")'"
    )]
    Show,

    /// Exit 0 if the configuration can be served with, else say what is wrong.
    #[command(after_help = "Examples:\n  samovar config check\n  \
                            samovar config check --config /etc/samovar.toml && systemctl restart samovar")]
    Check,
}

const TOP_EXAMPLES: &str = "Examples:
  samovar demo                                   a coffee chain to look at
  samovar serve --data /srv/samovar              serve a business
  samovar audit --data /srv/samovar              check every invariant

Exit codes: 0 done, 1 problems found, 2 bad usage, 74 the disk of the database is full or broken.";

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::command().debug_assert();
    }

    #[test]
    fn the_help_names_the_exit_code_of_a_store_that_cannot_go_on() {
        assert!(TOP_EXAMPLES.contains(&format!(" {} the disk", store::EXIT_FATAL)));
    }

    #[test]
    fn every_topic_of_a_service_may_be_asked_for() {
        let services = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../services");
        let declared = |file: std::path::PathBuf| {
            let text = std::fs::read_to_string(file).unwrap();
            let topics = text.lines().filter_map(|line| line.trim().strip_prefix("const TOPIC: &'static str = \""));
            topics.map(|rest| rest.trim_end_matches("\";").to_owned()).collect::<Vec<_>>()
        };
        let events = std::fs::read_dir(services).unwrap().map(|service| service.unwrap().path().join("src/events.rs"));
        let own: Vec<String> = events.filter(|file| file.exists()).flat_map(declared).collect();

        assert!(own.len() > 1, "{own:?}");
        for topic in own {
            let asked = Cli::try_parse_from(["samovar", "events", "tail", "--topic", &topic]);
            assert!(asked.is_ok(), "{topic} is refused");
        }
    }

    #[test]
    fn every_command_has_help_that_ends_with_examples() {
        fn walk(command: &clap::Command) {
            let name = command.get_name();
            assert!(command.get_about().is_some(), "{name} has no help");
            let after = command.get_after_help().map(ToString::to_string).unwrap_or_default();
            let examples = after.split_once("Example").map(|(_, examples)| examples).unwrap_or_default();
            assert!(examples.contains("\n  samovar "), "the help of {name} has no example");
            command.get_subcommands().filter(|c| c.get_name() != "help").for_each(walk);
        }
        walk(&Cli::command());
    }
}
