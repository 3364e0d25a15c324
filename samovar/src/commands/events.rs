//! `events`: the log as it grows, what consumers gave up on, and hearing again.

use std::time::Duration;

use anyhow::{Result, bail};
use eventlog::{DeadLetter, DeadLetterKey, DeadLetterQuery, Delivered, Log, ReplayFrom, TAIL_MAX};
use serde_json::{Value, json, value::RawValue};

use super::End;
use crate::cli::{Common, DeadLetterArgs, DeadLettersCommand, EventsCommand};
use crate::instance::{Instance, World};
use crate::settings;
use crate::terminal::{Reader, say, say_json, say_to_reader};

/// Who the audit trail names for what is done here.
const ACTOR: &str = "cli";

/// How long `tail` waits at the beginning for what is in the log already: on PostgreSQL a transaction that is still running
/// may stand in the way.
const OLD_WAIT: Duration = Duration::from_secs(2);

/// How long `tail` waits for news at a time.
const NEWS_WAIT: Duration = Duration::from_millis(200);

pub(super) fn run(common: &Common, command: EventsCommand) -> Result<End> {
    let settings = settings::load(common, Vec::new())?;
    let world = World::real(&settings);
    let instance = Instance::open_existing(settings, world)?;
    let log = instance.platform.log();
    match command {
        EventsCommand::Tail { topics, from, no_follow } => tail(log, &topics, from, Follow::of(no_follow)),
        EventsCommand::DeadLetters(command) => dead_letters(common, log, command),
        EventsCommand::Replay { consumer, after, since } => {
            let from = match (after, since) {
                (Some(seq), _) => ReplayFrom::After(seq),
                (None, Some(time)) => ReplayFrom::Time(time),
                (None, None) => bail!("say from where: --after SEQ or --since TIME"),
            };
            let stands_at = log.replay(&consumer, from, ACTOR)?;
            report(common, &json!({"consumer": consumer, "after": stands_at}), || {
                format!("{consumer} hears every event after {stands_at} again")
            });
            Ok(End::Done)
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Follow {
    Yes,
    No,
}

impl Follow {
    const fn of(no_follow: bool) -> Self {
        if no_follow { Self::No } else { Self::Yes }
    }
}

fn tail(log: &Log, topics: &[String], from: Option<i64>, follow: Follow) -> Result<End> {
    let topics: Vec<&str> = topics.iter().map(String::as_str).collect();
    let newest = log.catch_up(OLD_WAIT)?;
    let mut after = from.map_or(newest, |from| from.saturating_sub(1));
    loop {
        let events = log.tail(after, &topics, TAIL_MAX)?;
        for event in &events {
            after = event.seq;
            if say_to_reader(&serde_json::to_string(&as_cloud_event(event)?)?) == Reader::Gone {
                return Ok(End::Done);
            }
        }
        if !events.is_empty() {
            continue;
        }
        if follow == Follow::No {
            return Ok(End::Done);
        }
        std::thread::park_timeout(NEWS_WAIT);
    }
}

/// The structured form of CloudEvents 1.0.
#[derive(serde::Serialize)]
struct CloudEvent<'e> {
    specversion: &'static str,
    id: &'e str,
    source: &'e str,
    r#type: &'e str,
    subject: &'e str,
    time: String,
    sequence: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    traceparent: Option<&'e str>,
    topic: &'e str,
    datacontenttype: &'static str,
    data: &'e RawValue,
}

fn as_cloud_event(event: &Delivered) -> Result<CloudEvent<'_>> {
    Ok(CloudEvent {
        specversion: "1.0",
        id: &event.id,
        source: &event.source,
        r#type: &event.kind,
        subject: &event.key,
        time: event.time.to_string(),
        sequence: event.seq.to_string(),
        traceparent: event.traceparent.as_deref(),
        topic: &event.topic,
        datacontenttype: "application/json",
        data: serde_json::from_str(&event.payload)?,
    })
}

fn dead_letters(common: &Common, log: &Log, command: DeadLettersCommand) -> Result<End> {
    match command {
        DeadLettersCommand::List => list(common, log),
        DeadLettersCommand::Replay(args) => {
            let key = key_of(args);
            log.replay_dead_letter(&key, ACTOR)?;
            report(common, &named(&key), || format!("{} tries event {} again", key.consumer, key.seq));
            Ok(End::Done)
        }
        DeadLettersCommand::Drop(args) => {
            let key = key_of(args);
            log.drop_dead_letter(&key, ACTOR)?;
            report(common, &named(&key), || format!("{} leaves event {} out for good", key.consumer, key.seq));
            Ok(End::Done)
        }
    }
}

fn key_of(args: DeadLetterArgs) -> DeadLetterKey {
    DeadLetterKey { consumer: args.consumer, seq: args.seq }
}

fn named(key: &DeadLetterKey) -> Value {
    json!({"consumer": key.consumer, "seq": key.seq})
}

/// Every page of them; exit 1 when there are any, so that a script can ask.
fn list(common: &Common, log: &Log) -> Result<End> {
    let mut letters: Vec<DeadLetter> = Vec::new();
    loop {
        let after = letters.last().map_or_else(DeadLetterKey::default, |last| DeadLetterKey {
            consumer: last.consumer.clone(),
            seq: last.seq,
        });
        let page = log.dead_letters(DeadLetterQuery { after, ..DeadLetterQuery::default() })?;
        if page.is_empty() {
            break;
        }
        letters.extend(page);
    }
    if common.json {
        say_json(&letters.iter().map(as_json).collect::<Vec<_>>());
    } else if letters.is_empty() {
        say("no dead letters");
    } else {
        for letter in &letters {
            say(&format!(
                "{} {}  {} [{}]  {} tries since {}, {} behind it: {}",
                letter.consumer,
                letter.seq,
                letter.topic,
                letter.key,
                letter.tries,
                letter.first_seen_at,
                letter.behind,
                letter.reason
            ));
        }
    }
    Ok(if letters.is_empty() { End::Done } else { End::ProblemsFound })
}

fn as_json(letter: &DeadLetter) -> Value {
    json!({"consumer": letter.consumer, "seq": letter.seq, "event_id": letter.event_id, "type": letter.kind,
        "topic": letter.topic, "key": letter.key, "time": letter.time, "tries": letter.tries,
        "first_seen_at": letter.first_seen_at, "reason": letter.reason, "behind": letter.behind,
        "payload": serde_json::from_str::<Value>(&letter.payload).unwrap_or_else(|_| json!(letter.payload))})
}

fn report(common: &Common, value: &Value, text: impl FnOnce() -> String) {
    if common.json {
        say_json(value);
    } else {
        say(&text());
    }
}
